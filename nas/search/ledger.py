"""The ledger of a search: what its jobs take of the budget, by prediction, and what was spent.

Prices are in the budget's own unit: seconds of wall-clock time, epochs, or MACs of training. A
budget of trials has epochs for a unit, and counts trials besides.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nas.search.budget import TRAINING, Budget
from nas.search.record import FAILED, Trial
from nas.search.step import Standing, Step
from nas.training.recipe import Recipe

LEAST_FIT = 4  # trials without which time is not told apart by macs
PACE = 16  # the latest trials, which say how fast it goes now


@dataclass(frozen=True)
class Ledger:
    """budget: what may be spent. workers: how many jobs run side by side."""

    budget: Budget
    recipe: Recipe
    workers: int

    def affords(self, step: Step, now: Standing) -> bool:
        """Whether there is room for the step."""
        price = self.pricing(now.trials)
        return price(step.trial.costs["macs"], step.epochs) <= self.room(now)

    def pricing(self, trials: Sequence[Trial]) -> Callable[[float, int], float]:
        """What training a network of these macs for these epochs is predicted to take, by what the
        trials have taken."""
        if self.budget.kind == "macs":
            images = self.epoch_images(trials)
            return lambda macs, epochs: TRAINING * macs * images * epochs
        if self.budget.kind == "time":
            start, slope = epoch_line(trials)
            return lambda macs, epochs: (start + slope * macs) * epochs
        return lambda macs, epochs: epochs

    def room(self, now: Standing) -> float:
        """What is left of the budget; without end where it counts trials or replicates."""
        if self.budget.kind in ("trials", "replicates"):
            return math.inf
        return self.budget.amount - self._spent(now)

    def _spent(self, now: Standing) -> float:
        """What was spent, and what the running steps will take."""
        if self.budget.kind == "time":
            return now.seconds
        if self.budget.kind == "macs":
            done = sum(TRAINING * trial.costs["macs"] * trial.images for trial in now.trials)
        else:
            done = sum(trial.epochs for trial in now.trials)
        price = self.pricing(now.trials)
        return done + sum(price(step.trial.costs["macs"], step.epochs) for step in now.running)

    def confirming(self, trials: Sequence[Trial], price: Callable[[float, int], float]) -> float:
        """What the replicates with fresh seeds have taken, by the prediction of `pricing`."""
        full = self.recipe.epochs
        total = sum(len(t.fresh) * price(t.costs["macs"], full) for t in trials if t.fresh)
        return self.of_all_workers(total)

    def together(self, prices: Iterable[float]) -> float:
        """What jobs of these prices take when all workers share them, none of them in parts."""
        own = list(prices)
        longest = max(own, default=0.0) if self.budget.kind == "time" else 0.0
        return max(longest, self.of_all_workers(sum(own)))

    def of_all_workers(self, price: float) -> float:
        """Of the budget, what work of this price takes that all workers share alike."""
        return price / self.workers if self.budget.kind == "time" else price

    def epoch_images(self, trials: Sequence[Trial]) -> float:
        """Images of an epoch: the median so far; before, what the recipe says."""
        own = [trial.images / trial.epochs for trial in whole(trials) if trial.images]
        return statistics.median(own) if own else self.recipe.epoch_images


def whole(trials: Sequence[Trial]) -> list[Trial]:
    """Those that were trained for all the epochs that they count: none of their jobs failed."""
    return [
        trial
        for trial in trials
        if trial.epochs
        and trial.state not in FAILED
        and all(map(math.isfinite, trial.fresh.values()))
    ]


def epoch_seconds(macs: float, trials: Sequence[Trial]) -> float:
    """Seconds of an epoch of a network of these macs, scoring included; 0: not known yet."""
    start, slope = epoch_line(trials)
    return start + slope * macs


def epoch_line(trials: Sequence[Trial]) -> tuple[float, float]:
    """Seconds of an epoch: those of a network without macs, and those for each of them.

    A line through what the trials took that did not fail, of which neither part is below 0; their
    median where they are few. Then both are scaled to what the latest ones took, as other work may
    have begun or ended beside the search; those with fresh seeds are the latest.
    """
    order = sorted(whole(trials), key=lambda trial: bool(trial.fresh))
    own = [(t.costs["macs"], t.seconds / t.epochs) for t in order if t.seconds]
    if len(own) < LEAST_FIT:
        return (statistics.median(seconds for _, seconds in own) if own else 0.0), 0.0
    from scipy.optimize import nnls

    known, seconds = np.array(own).T
    unit = known.max()
    line = np.column_stack([np.ones(len(own)), known / unit])
    (start, slope), _ = nnls(line, seconds)
    pace = seconds[-PACE:].sum() / (line @ (start, slope))[-PACE:].sum()
    return float(pace * start), float(pace * slope / unit)
