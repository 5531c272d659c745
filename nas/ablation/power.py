"""Before a run: how large a difference has to be for as many seeds to show it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nas.ablation.statistics import ALPHA
from nas.errors import UserError
from nas.two_way import two_way

POWER = 0.8
BOUND = 0.8


@dataclass(frozen=True)
class Pilot:
    """The deviation of a paired difference over seeds, from scores known before the run.

    freedom: its degrees of freedom. paired: whether it was seen in pairs; if not, pairs are taken
    as unrelated, which errs to the large side.
    """

    deviation: float
    freedom: int
    paired: bool = True

    def upper(self, bound: float = BOUND) -> float:
        """What the true deviation is below with this confidence (chi-squared, one-sided)."""
        from scipy.special import chdtri

        return float(self.deviation * np.sqrt(self.freedom / chdtri(self.freedom, bound)))


def pilot(scores: ArrayLike) -> Pilot:
    """The pilot that scores (rows, seeds) are; NaN where there is none. One row will do.

    Of several rows, from what remains without the means of rows and seeds: the deviations of all
    rows are taken as equal. UserError where no row has two scores.
    """
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    fit = two_way(table)
    if fit.freedom:
        return Pilot(math.sqrt(2 * fit.variance), fit.freedom)
    alone = [own[np.isfinite(own)] for own in table]
    freedom = sum(len(own) - 1 for own in alone if len(own))
    if not freedom:
        raise UserError("a pilot needs two seeds at least, of one row or more")
    squares = sum((len(own) - 1) * float(np.var(own, ddof=1)) for own in alone if len(own) > 1)
    return Pilot(math.sqrt(2 * squares / freedom), freedom, paired=False)


def power(effect: float, error: float, freedom: int, alpha: float = ALPHA) -> float:
    """The chance that a two-sided t test at `alpha` finds an effect above 0, in its direction.

    error: standard error of the estimate, deviation / sqrt(seeds) for a paired difference. By the
    noncentral t distribution.
    """
    from scipy.special import nctdtr, stdtrit

    return float(1 - nctdtr(freedom, effect / error, stdtrit(freedom, 1 - alpha / 2)))


@dataclass(frozen=True)
class Detectable:
    """The smallest effect that a run shows with the stated power, and what that rests on."""

    effect: float
    seeds: int
    comparisons: int
    alpha: float
    power: float
    deviation: float
    pilot: Pilot | None = None
    bound: float = BOUND

    def __str__(self) -> str:
        level = f"{self.alpha:g}"
        if self.comparisons > 1:
            level += f", by Holm's first step {self.alpha / self.comparisons:.2g} for each of "
            level += f"{self.comparisons} comparisons"
        rest = f"{self.deviation:.2g}"
        if self.pilot:
            rest += f", the upper {self.bound:.0%} bound of {self.pilot.deviation:.2g} seen with "
            rest += f"{self.pilot.freedom} degrees of freedom"
            rest += "" if self.pilot.paired else " and as if seeds were not shared"
        effect = f"{self.effect:.2g}" if self.effect < 99.5 else f"{self.effect:.0f}"
        return (
            f"{self.seeds} seeds show an effect of {effect} with power {self.power:.0%} "
            f"(two-sided alpha {level}; deviation of a paired difference {rest})"
        )


def detectable(
    seeds: int,
    comparisons: int,
    deviation: float | Pilot,
    alpha: float = ALPHA,
    wanted: float = POWER,
    bound: float = BOUND,
    *,
    scale: float = 1.0,
    freedom: int | None = None,
) -> Detectable:
    """The effect that `seeds` seeds show with the power wanted, in the score's unit.

    At Holm's worst step, alpha / comparisons: the one that a single true effect has to take.
    deviation: of a paired difference, or a pilot, which counts at its upper bound. scale, freedom:
    of another contrast than two rows' difference (`contrast_scales`). UserError for fewer than two
    seeds, for a deviation that is not above 0, and for what is no chance.
    """
    from scipy.optimize import brentq

    if seeds < 2 or comparisons < 1:
        raise UserError(f"two seeds and a comparison are needed: {seeds=} and {comparisons=}")
    for name, chance, least in (
        ("alpha", alpha, 0),
        ("wanted", wanted, alpha),
        ("bound", bound, 0),
    ):
        if not least < chance < 1:
            raise UserError(f"{name}: {chance} is not between {least} and 1")
    seen = deviation if isinstance(deviation, Pilot) else None
    used = deviation.upper(bound) if isinstance(deviation, Pilot) else deviation
    if not (np.isfinite(used) and used > 0):
        raise UserError(f"the deviation of a paired difference has to be above 0: {used:g}")
    freedom, each = freedom or seeds - 1, alpha / comparisons

    def missing(effect: float) -> float:
        return power(effect, 1.0, freedom, each) - wanted

    high = 1.0
    while missing(high) < 0:
        high *= 2
    effect = scale * used / np.sqrt(seeds) * float(brentq(missing, 0.0, high, xtol=1e-9))
    return Detectable(effect, seeds, comparisons, alpha, wanted, used, seen, bound)
