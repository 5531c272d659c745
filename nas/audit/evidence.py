"""What an audit is made from: trainings that were scored at rungs and at full length.

n architectures, R replicates, E epochs in which they were scored, the last of them full length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Architecture, key
from nas.architecture.fields import Value
from nas.cost import COSTS, cost
from nas.errors import UserError
from nas.search.record import Trial
from nas.search.replay import Table
from nas.two_way import two_way

Floats = NDArray[np.float64]
LEAST = 8
"""Architectures below which nothing is said of a ranking."""


@dataclass(frozen=True)
class Evidence:
    """scores: (n, R, E), larger is better, NaN where one is missing; costs: by name, (n,).

    epochs: ascending, the last is full length. points: of a space, active parameters only; empty
    where they are not known. chosen: whether the first replicate decided, as in a search, which
    architectures have others.
    """

    epochs: tuple[int, ...]
    scores: Floats
    architectures: tuple[Architecture, ...]
    points: tuple[Mapping[str, Value], ...]
    costs: Mapping[str, Floats]
    chosen: bool = False

    def __len__(self) -> int:
        return len(self.architectures)

    @cached_property
    def choices(self) -> tuple[int, ...]:
        """The replicates whose rungs are judged: those that half of the architectures have."""
        if not len(self):
            return ()
        known = np.isfinite(self.scores).all(axis=2).mean(axis=0)
        return tuple(np.flatnonzero(known >= 0.5).tolist())

    @cached_property
    def rungs(self) -> Floats:
        """Scores of the replicates of `choices`: (n, C, E)."""
        return self.scores[:, list(self.choices)]

    @cached_property
    def full(self) -> Floats:
        """Scores at full length without what a replicate does to all alike: (n, R).

        A replicate holds out images of its own, which may be easier ones: where architectures have
        different replicates, that would look like a difference between architectures. By least
        squares with a level for each architecture and each replicate; levels of replicates have the
        sum 0. Where the first one chose what has others, its level is not known: beside theirs it
        is their luck too, and none is taken off.
        """
        found = self.scores[:, :, -1]
        level = np.zeros(found.shape[1])
        of = slice(int(self.chosen), None)
        level[of] = two_way(found[:, of]).seeds
        same: Floats = found - level
        return same

    @cached_property
    def truth(self) -> Floats:
        """For each of `choices`, the mean at full length of all other replicates: (n, C).

        So no score is judged by a training of its own seed. NaN where there is no other.
        """
        full = self.full
        known = np.isfinite(full)
        total, count = np.where(known, full, 0.0).sum(axis=1), known.sum(axis=1)
        own, there = full[:, list(self.choices)], known[:, list(self.choices)]
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = (total[:, None] - np.where(there, own, 0.0)) / (count[:, None] - there)
        return found

    @cached_property
    def mean(self) -> Floats:
        """The mean at full length over all replicates: (n,); NaN where there is none."""
        full = self.full
        count = np.isfinite(full).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.nansum(full, axis=1) / count
        return found

    def usable(self) -> Evidence:
        """The architectures that have all that is compared; UserError where they are too few."""
        whole = np.isfinite(self.rungs).all(axis=(1, 2)) & np.isfinite(self.truth).all(axis=1)
        rows = np.flatnonzero(whole) if self.choices else np.zeros(0, dtype=np.int64)
        if len(self.epochs) < 2:
            raise UserError("an audit needs scores below full length: there is no rung")
        if len(rows) < LEAST:
            raise UserError(
                f"{len(rows)} of {len(self)} architectures have scores at the rungs and, by other "
                f"seeds, at full length; an audit takes {LEAST} at least"
            )
        kept = replace(
            self,
            scores=self.scores[rows],
            architectures=tuple(self.architectures[row] for row in rows),
            points=tuple(self.points[row] for row in rows),
            costs={name: values[rows] for name, values in self.costs.items()},
        )
        kept.__dict__["choices"] = self.choices
        return kept


def from_trials(trials: Sequence[Trial], epochs: Sequence[int], *, chosen: bool) -> Evidence:
    """Trials of a search or an audit: rungs of replicate 0, full length of all. epochs: ascending.

    Trials without any score at full length are left out. chosen: see `Evidence`.
    """
    own = [t for t in trials if epochs[-1] in t.rungs or t.fresh]
    count = 1 + max((replicate for trial in own for replicate in trial.fresh), default=0)
    scores = np.full((len(own), count, len(epochs)), np.nan)
    for row, trial in enumerate(own):
        scores[row, 0] = [trial.rungs.get(epoch, np.nan) for epoch in epochs]
        for replicate, score in trial.fresh.items():
            scores[row, replicate, -1] = score
    return Evidence(
        tuple(epochs),
        scores,
        tuple(trial.architecture for trial in own),
        tuple(trial.point for trial in own),
        {name: np.array([t.costs[name] for t in own], dtype=np.float64) for name in COSTS},
        chosen,
    )


def from_table(table: Table) -> Evidence:
    """A table of finished trainings: every epoch of every replicate."""
    points: dict[str, Mapping[str, Value]] = {}
    architectures: dict[str, Architecture] = {}
    for point in table.space.enumerate():
        architecture = table.space.architecture(point)
        name = key(architecture)
        points[name], architectures[name] = point, architecture
    missing = [name for name in table.keys if name not in points]
    if missing:
        raise UserError(
            f"the table has {len(missing)} architectures that its space has not: {missing[0]}"
        )
    own = [architectures[name] for name in table.keys]
    costs = [cost(architecture).as_dict() for architecture in own]
    return Evidence(
        tuple(range(1, table.scores.shape[2] + 1)),
        np.asarray(table.scores, dtype=np.float64),
        tuple(own),
        tuple(points[name] for name in table.keys),
        {name: np.array([c[name] for c in costs], dtype=np.float64) for name in COSTS},
    )
