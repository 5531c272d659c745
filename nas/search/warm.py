"""A warm start: the trials of earlier runs, taken over into a new one as if it had made them.

Where data, recipe and seed are the same a trial comes out the same in both, so its scores are
taken as they are, on the rungs that both have, with its checkpoint where one is kept. They cost
nothing of the budget. Scores of fresh seeds are not taken over: confirmation pays for its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas.architecture import Architecture, key, to_document
from nas.architecture.fields import Value
from nas.cost import MEASURED
from nas.data import written
from nas.errors import UserError
from nas.files import write_atomically
from nas.search.checkpoints import checkpoint_file
from nas.search.record import Record, Trial, digest, searched
from nas.search.run import Run, open_run
from nas.search.samplers import Proposal, Propose
from nas.space import Space
from nas.training.job import Job, Result

VALIDATION = "validation"  # what a search is scored by; an ablation says which
WORDS = {"name", "about", "rungs"}  # of a recipe: they do not change how a network is trained


def earlier_run(path: str | Path, asked: Mapping[str, Any]) -> Run:
    """The run; UserError where it is none, or its scores are not those that this search had got."""
    run = open_run(path)
    known = "parts" in asked.get("latency", {})  # by a table, for each architecture
    names = ["seed"]
    names += ["latency"] * bool(set(asked["objectives"]) & set(MEASURED) and not known)
    pairs = [(name, run.asked.get(name), asked.get(name)) for name in names]
    pairs.append(("data", written(run.asked["data"]), written(asked["data"])))
    pairs.append(("split", run.asked.get("split", VALIDATION), VALIDATION))
    there, here = run.asked["recipe"], json.loads(json.dumps(asked["recipe"]))
    pairs += [(f"recipe.{n}", there.get(n), here.get(n)) for n in {*there, *here} - WORDS]
    for name, before, now in sorted(pairs, key=lambda pair: pair[0]):
        if before != now:
            raise UserError(
                f"--warm-start: {run.path} differs in {name}: {before} there, {now} here; scores "
                "can be taken over only where data, recipe and seed are the same"
            )
    return run


def take_over(
    runs: Sequence[Run],
    path: Path,
    space: Space,
    rungs: Sequence[int],
    common: Job,
    measured: Sequence[str] = (),
) -> str:
    """Record the trials of `runs` that are in the space in the run at `path`, and say how many.

    common: what all jobs of the new run have in common. measured: the costs that it measures, as
    the earlier runs did; what else they know of latency may be of another device. Does nothing, and
    says so by an empty text, once the run has trials of its own; what a kill left half-way is
    finished.
    """
    taken = outside = 0
    with closing(Record(path / "record.db")) as record:
        if not all(trial.imported for trial in record.trials()):
            return ""
        known = {trial.key: trial for trial in record.trials()}
        for run in runs:
            for trial in searched(run.all_trials()):
                if not set(trial.rungs) & set(rungs):
                    continue
                if own := known.get(trial.key):
                    if own.note["from"] == f"{run.path}#{trial.number}":
                        _score(record, path, run, trial, own, rungs, common)
                    continue
                point = point_of(space, trial)
                if point is None:
                    outside += 1
                    continue
                number = record.count()
                note = {"from": f"{run.path}#{trial.number}"}
                there = {name: trial.costs[name] for name in measured if name in trial.costs}
                costs = space.costs_of(trial.architecture) | there
                own = Trial(number, trial.key, point, trial.architecture, costs, note)
                known[trial.key] = own
                record.add(own)
                _score(record, path, run, trial, own, rungs, common)
                taken += 1
    if not taken and known:
        return ""
    return f"{taken} trials of earlier runs are taken over" + (
        f"; {outside} are not in the space" if outside else ""
    )


def _score(
    record: Record,
    path: Path,
    run: Run,
    trial: Trial,
    own: Trial,
    rungs: Sequence[int],
    common: Job,
) -> None:
    """Of `own`, a job of no epochs for each of the rungs that `trial` has been on before it."""
    shared = sorted(set(trial.rungs) & set(rungs))
    with run.record(trial.number) as earlier:
        scores = [earlier.scores(trial.number, 0, epoch) or {} for epoch in shared]
    for epoch, found in zip(shared, scores, strict=True):
        if epoch in own.rungs:
            continue
        state = _checkpoint(run, trial, epoch) if epoch == shared[-1] else b""
        if state:
            write_atomically(checkpoint_file(path, own.number, epoch), state)
        job = replace(
            common,
            id=f"{own.number}-0-{epoch}",
            trial=own.number,
            architecture=trial.architecture,
            from_epoch=epoch,
            to_epoch=epoch,
        )
        record.finish(job, Result("done", scores=found, state=state))


def _checkpoint(run: Run, trial: Trial, epoch: int) -> bytes:
    """What is kept of the trial there; nothing where it is damaged."""
    file = checkpoint_file(run.path, trial.number, epoch)
    state = file.read_bytes() if file.is_file() else b""
    return state if digest(state) == trial.digests[epoch] else b""


def point_of(space: Space, trial: Trial) -> dict[str, Value] | None:
    """The point that stands for the trial's architecture in this space; None where it is not there.

    Its own point is looked at first: so a space that is too large to be listed can be asked too.
    """
    with suppress(UserError):
        point = space.active(trial.point)
        architecture = space.architecture(point)
        if key(architecture) == trial.key and space.broken(architecture) is None:
            return point
    with suppress(UserError):
        return space.point_of(trial.architecture)
    return None


def _why_not(architecture: Architecture, space: Space) -> str:
    """What keeps it out: a constraint, a value that is not in a domain, a field that is fixed."""
    if broken := space.broken(architecture, foreign=True):
        return f"it breaks {broken.text}"
    own, base = (dict(_leaves(d)) for d in (to_document(architecture), space.base_document))
    domains = {path: p.values for p in space.parameters for path in p.fields}
    out = [path for path, values in domains.items() if path in own and own[path] not in values]
    fixed = [path for path in own if path not in domains and own[path] != base.get(path)]
    active = [path for path in out if own[path] != base.get(path)]  # an inactive one is the base's
    for path in active or ([] if fixed else out):
        return f"{path} is {own[path]}, and may be {', '.join(map(str, domains[path]))}"
    for path in fixed:
        return f"{path} is {own[path]}, and is {base.get(path)} there"
    return "no point is it"


def _leaves(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of a document by its path."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from _leaves(value, f"{path}.{name}".lstrip("."))
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield from _leaves(value, f"{path}[{place}]")
    else:
        yield path, document


def beginning_with(
    architectures: Sequence[Architecture], space: Space, propose: Propose
) -> Propose:
    """The sampler, asked once these were tried; UserError for one that is not in the space."""
    points = {}
    for number, architecture in enumerate(architectures, 1):
        point = space.point_of(architecture)
        if point is None:
            raise UserError(
                f"--init: architecture {number} of {len(architectures)}, {key(architecture)}, is "
                f"not in the space {space.name}: {_why_not(architecture, space)}"
            )
        points[key(architecture)] = point

    def proposed(trials: Sequence[Trial], seed: int) -> Proposal:
        tried = {trial.key for trial in trials}
        for name, point in points.items():
            if name not in tried:
                return Proposal(dict(point))
        return propose(trials, seed)

    return proposed
