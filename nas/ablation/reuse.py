"""What ablations beside one have trained already: taken over, as if a worker had just done it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.ablation.looks import looked, looks
from nas.errors import UserError
from nas.provenance import made_with, making_with
from nas.search.record import REUSED, Record, Trial
from nas.search.run import read_asked
from nas.search.step import Step
from nas.search.workers import publish
from nas.training.job import Result, in_parts

SAME = ("data", "recipe", "split", "seed")
"""What of two ablations has to be equal."""


@dataclass
class Reused:
    """scores: by the id of the job that need not be run. others: ids of what was done by
    other code or another torch, or of other images."""

    scores: dict[str, float] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)


def reuse(
    path: Path, asked: Mapping[str, Any], rows: Sequence[Trial], seeds: int, epochs: int
) -> Reused:
    """Put what others have trained into the outbox of the ablation at `path`.

    Only what this code and these plug-ins have trained, with this torch, on these images, in whole
    batches: a change of those would look like an effect of whichever rows were trained since.
    """
    found = Reused()
    now = making_with(asked["data"])
    with closing(Record(path / "record.db")) as own:
        done = {job for job, _, _ in own.jobs()}
    for folder in _like(path, asked):
        try:
            record = Record(folder / "record.db", read_only=True)
        except UserError:  # damaged, or with blocks of a plug-in that is not loaded
            continue
        before = len(found.scores)
        alike = made_with(folder / "run.json") == now
        halved = {job for job, _, reason in record.jobs() if in_parts(reason)}
        known = {trial.key: trial for trial in record.trials()}
        for row in rows:
            for replicate in range(seeds) if row.key in known else ():
                job = Step(row, replicate, 0, epochs).id
                there = Step(known[row.key], replicate, 0, epochs)
                scores = record.scores(there.trial.number, replicate, epochs)
                if scores is None or job in done or there.id in halved:
                    continue
                if not alike:
                    found.others.add(job)
                    continue
                publish(path / "outbox", job, Result("done", REUSED, scores))
                found.scores[job] = scores["score"]
                done.add(job)
        record.close()
        if len(found.scores) > before:  # whose verdicts were looked at already
            looked(path, *looks(folder))
    found.others -= set(found.scores)
    return found


def _like(path: Path, asked: Mapping[str, Any]) -> Iterator[Path]:
    """The runs beside this one that were asked for the same as far as a training goes."""
    now = json.loads(json.dumps(asked))
    for file in sorted(path.parent.glob("*/run.json")):
        try:
            there = read_asked(file.parent)
        except UserError:  # damaged
            continue
        if file.parent != path and all(there.get(name) == now[name] for name in SAME):
            yield file.parent
