"""Train a trial again from nothing, and see whether it scores the same."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nas.arguments import real
from nas.data import prepare_dataset
from nas.errors import UserError
from nas.plugins import plugin_files
from nas.provenance import library_versions, machine
from nas.search.confirm import finite
from nas.search.confirm import noise as noise_of
from nas.search.run import Run, open_run
from nas.search.session import last_session
from nas.training.job import Job, run_job
from nas.training.recipe import recorded_recipe

QUANTILE = 1.96 * math.sqrt(2)
"""Deviations by which two draws of the same noise differ in 5% of cases at most."""


@dataclass(frozen=True)
class Again:
    """A score then and now. replicate: 0 is the search's own seed; larger is better."""

    replicate: int
    epoch: int
    then: dict[str, float]
    now: dict[str, float]

    @property
    def equal(self) -> bool:
        """Whether every score is the same to the last bit."""
        return self.then == self.now

    @property
    def difference(self) -> float:
        return self.now["score"] - self.then["score"]


@dataclass(frozen=True)
class ReplayedTrial:
    """noise: the deviation of a score over seeds that was assumed; None: not known, so that only
    equal bits are the same. source: where it is from. changed: what is other now than then, of the
    versions and the machine."""

    run: Path
    trial: int
    rungs: tuple[Again, ...]
    noise: float | None
    source: str
    changed: tuple[str, ...]

    @property
    def equal(self) -> bool:
        return all(own.equal for own in self.rungs)

    @property
    def same(self) -> bool:
        """Whether all scores are the same: equal bits, or within the noise."""
        if self.equal:
            return True
        reach = QUANTILE * self.noise if self.noise is not None else 0.0
        return all(own.equal or abs(own.difference) <= reach for own in self.rungs)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with names that stay."""
        rungs = [
            vars(own) | {"equal": own.equal, "difference": own.difference} for own in self.rungs
        ]
        return vars(self) | {
            "run": str(self.run),
            "rungs": rungs,
            "equal": self.equal,
            "same": self.same,
        }


def replay_trial(
    run: str | Path | Run,
    number: int,
    *,
    noise: float | None = None,
    tell: Callable[[Again], None] = lambda own: None,
) -> ReplayedTrial:
    """Train the trial again with its recipe, data and seeds, rung by rung, and compare the scores.

    A trial that has only replicates (a baseline) is trained as the first of them. noise: the
    standard deviation of a score over seeds; by default from fresh replicates: those of all
    confirmed trials, or of this one; where there are none it is not known. tell: is given each
    score when it is there. As many threads are used as a worker of the run's last session had.
    UserError where the trial has no score, or fails now.
    """
    opened = open_run(run)
    trial = opened.trial(number)
    number = trial.number
    if noise is not None and not real("--noise", noise) >= 0:
        raise UserError(f"--noise: {noise} is not a deviation from 0")
    steps = _steps(opened, number)
    if not steps:
        why = f": {trial.reason}" if trial.reason else ""
        raise UserError(f"{opened.path}#{number} has no score to compare with ({trial.state}{why})")
    known, source = _noise(opened, number) if noise is None else (noise, "given")
    session = last_session(opened.path)
    asked = opened.asked
    recipe = recorded_recipe(asked["recipe"])
    tested = asked.get("split") == "test"
    prepare_dataset(asked["data"], trial.architecture.input, tested=tested)
    job = Job(
        "", number, trial.architecture, recipe, asked["data"], asked["seed"],
        plugins=plugin_files(), tested=tested,
    )  # fmt: skip
    found: list[Again] = []
    with _threads(session.threads if session else None):
        epoch, state = 0, None
        for replicate, to_epoch, then in steps:
            own = replace(
                job, replicate=replicate, from_epoch=epoch, to_epoch=to_epoch, state=state
            )
            result = run_job(own)
            if result.outcome != "done":
                raise UserError(f"{opened.path}#{number} {result.outcome} now: {result.reason}")
            epoch, state = to_epoch, result.state
            found.append(Again(replicate, to_epoch, then, result.scores))
            tell(found[-1])
    changed = _changed(opened.path)
    if session is None:
        changed = (*changed, "how many threads a worker had then is not known")
    return ReplayedTrial(opened.path, number, tuple(found), known, source, changed)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Sums in another order have other last bits, so the threads are those of then."""
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count or before)
        yield
    finally:
        torch.set_num_threads(before)


def _steps(run: Run, number: int) -> list[tuple[int, int, dict[str, float]]]:
    """(replicate, epoch, scores) of what is trained again, in order."""
    with run.record(number) as record:
        jobs = [job for job in record.history(number) if job["outcome"] == "done"]
    least = min((job["replicate"] for job in jobs), default=0)
    own = {job["epoch"]: job["scores"] for job in jobs if job["replicate"] == least}
    return [(least, epoch, own[epoch]) for epoch in sorted(own)]


def _noise(run: Run, number: int) -> tuple[float | None, str]:
    trials = run.all_trials()
    shared = noise_of(trials)
    if shared:
        return shared, "fresh replicates of the confirmed trials"
    own = finite(trials[number])
    if len(own) > 1:
        return statistics.stdev(own), f"{len(own)} fresh replicates of this trial"
    return None, "no fresh replicates"


def _changed(path: Path) -> tuple[str, ...]:
    """What the run was made with that is other here: it may change the last bits. What a run of
    another version did not note is not known; of GPUs a machine has none where it names none."""
    about = json.loads((path / "run.json").read_text(encoding="utf-8"))
    before, none = about.get("machine"), {"gpu": "none"}
    then = about.get("versions", {}) | (none | before if before else {})
    now = library_versions(("torch", "numpy")) | none | machine()
    return tuple(
        f"{name} was {then[name]}, is {value}"
        for name, value in now.items()
        if name in then and then[name] != value
    )
