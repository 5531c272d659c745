"""Rungs: which trial is trained further. Asynchronous successive halving that knows the cost.

A rung with n results promotes n / eta of them in total, rounded down, and which ones is decided
anew whenever a worker is free: Li et al., A System for Massively Parallel Hyperparameter Tuning
(MLSys 2020), with another order of the trials; a sampler may have its own. There the best score
comes first, which with costs at stake would promote the dear ones only, or where short runs favour
small networks the cheap ones. Here what may end on the front comes first: what is not dominated in
(score on this rung, cost); then the rest, by how they compare with those of about the same cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nas.arguments import several
from nas.errors import UserError
from nas.search.objectives import SCORE, front_mask
from nas.search.record import Trial
from nas.training.recipe import Recipe, load_recipe

Floats = NDArray[np.floating]
Fits = Callable[[Trial], bool]
"""Whether there is budget to train a trial on to its next rung."""
Promote = Callable[[Sequence[Trial], int, Fits], Trial | None]
"""(all trials, how many a rung promotes at least, which fit) to the trial to train on, or None."""
NEAREST = 15
"""So many of the nearest cost, itself included, are what a score is compared with."""


def anything(trial: Trial) -> bool:
    """Of any price."""
    return True


@dataclass(frozen=True)
class Ladder:
    """epochs: of the rungs, ascending; the last is full length. One in `eta` is promoted."""

    epochs: tuple[int, ...]
    eta: float
    costs: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.eta > 1:
            raise UserError(f"--eta: {self.eta:g} is not a number above 1: one in eta is promoted")

    def above(self, epoch: int) -> int:
        """The next rung, in epochs, above one of them or above 0."""
        return next(rung for rung in self.epochs if rung > epoch)

    def ahead(self, epoch: int) -> float:
        """The epochs that a trial from there is likely to take, as one in eta climbs each rung."""
        stops = [epoch, *(rung for rung in self.epochs if rung > epoch)]
        return sum((b - a) / self.eta**step for step, (a, b) in enumerate(pairwise(stops)))

    def of_new(self, chance: float) -> float:
        """The epochs that a new trial is likely to take, which ends on the front by this chance.

        To the first rung, and by that chance to full length, but for one in eta at least.
        """
        first, full = self.epochs[0], self.epochs[-1]
        return first + max(chance, 1 / self.eta) * (full - first)

    def promotion(
        self, trials: Sequence[Trial], least: int = 0, fits: Fits = anything
    ) -> Trial | None:
        """The trial to train on to its next rung, or None; the highest rungs are asked first.

        least: how many trials a rung promotes at least, where workers would have nothing to do.
        """
        for epoch, waiting in self.due(trials, least, fits).items():
            standing = [trial for trial in trials if epoch in trial.rungs]
            return self.ranked(standing, epoch, waiting)[0]
        return None

    def due(
        self, trials: Sequence[Trial], least: int = 0, fits: Fits = anything
    ) -> dict[int, list[Trial]]:
        """For each rung that may promote a trial, from the highest: those that wait there and fit.

        How many a rung promotes does not depend on what fits.
        """
        found = {}
        for epoch in reversed(self.epochs[:-1]):
            standing = sum(epoch in trial.rungs for trial in trials)
            waiting = [t for t in trials if t.state == "stopped" and t.epoch == epoch]
            if standing - len(waiting) >= max(int(standing / self.eta), least):
                continue
            if fitting := list(filter(fits, waiting)):
                found[epoch] = fitting
        return found

    def ranked(
        self, standing: Sequence[Trial], epoch: int, waiting: Sequence[Trial]
    ) -> list[Trial]:
        """Those of `standing` that are waiting, in the order in which they are promoted."""
        if not standing:
            return []
        scores = np.array([trial.rungs[epoch] for trial in standing])
        costs = np.array([[trial.costs[name] for name in self.costs] for trial in standing])
        names = (SCORE, *self.costs)
        leads = front_mask(np.column_stack([scores, costs]).tolist(), names)
        places = _places(scores, np.log10(costs))
        order = sorted(
            range(len(standing)), key=lambda i: (not leads[i], places[i], standing[i].key)
        )
        numbers = {trial.number for trial in waiting}
        return [standing[i] for i in order if standing[i].number in numbers]


def _places(scores: Floats, logs: Floats) -> NDArray[np.int64]:
    """The rank of each score (n,) among those of the nearest logs of costs (n, c); 0 is best."""
    from scipy.spatial import KDTree

    _, nearest = KDTree(logs).query(logs, k=list(range(1, min(NEAREST, len(scores)) + 1)))
    found: NDArray[np.int64] = (scores[nearest] > scores[:, None]).sum(axis=1)
    return found


def parse_rungs(text: str | Sequence[int], full: int) -> tuple[int, ...]:
    """Read `1,3`, or [1, 3]: the epochs below full length after which trials are compared.

    UserError where they do not rise from 1 to below `full`.
    """
    text = text if isinstance(text, str) else ",".join(map(str, several(text)))
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--rungs: {text!r} is not a list of epochs, as 1,3")
    found = tuple(map(int, parts))
    if list(found) != sorted(set(found)) or not all(0 < epoch < full for epoch in found):
        raise UserError(
            f"--rungs: {text!r}: epochs must rise, from 1 at least to less than the full {full}"
        )
    return found


def recipe_with_rungs(
    recipe: str | Recipe,
    overrides: Sequence[str] = (),
    rungs: str | Sequence[int] | None = None,
) -> Recipe:
    """A recipe (see `load_recipe`), with other rungs where they are given.

    UserError where overrides have rungs as well.
    """
    if rungs is None:
        return load_recipe(recipe, overrides)
    if any(text.partition("=")[0].strip() == "rungs" for text in overrides):
        raise UserError("--rungs and --set rungs= both say where the rungs are; leave out one")
    own = load_recipe(recipe, [*overrides, "rungs=[]"])  # its own may not fit its length
    return own.model_copy(update={"rungs": parse_rungs(rungs, own.epochs)})
