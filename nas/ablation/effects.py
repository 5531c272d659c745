"""Main effects and two-factor interactions of a factorial design.

The model: score = cell + seed + noise, the seed random, noise of one variance: a mixed model. For
contrasts of cells and complete scores, its estimates, errors, t and F are those of least squares
with seeds as blocks, and these are computed: such tests are exact at five seeds, where the normal
ones that statsmodels makes for mixed models call noise an effect in 7% of tests at 5% (four cells).
Where scores are missing, only differences within a seed are used, and the tests stay exact.

Cells that are one network share its scores, and so their noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from nas.ablation.design import Cell
from nas.ablation.statistics import ALPHA, BETTER, WORSE, Floats, holm, t_interval, verdicts
from nas.architecture.fields import Value
from nas.errors import UserError
from nas.two_way import TwoWay, two_way

SUM = {BETTER: "above the sum", WORSE: "below the sum"}
"""Verdicts of an interaction, which is no better or worse: what two changes do together, beside
what each does alone, added up."""


@dataclass(frozen=True)
class Contrast:
    """A difference of levels, averaged over the levels of all other factors, in the score's unit.

    Of a main effect (one factor): this level against the baseline's. Of an interaction (two): how
    much more the one changes the score where the other is changed too than where it is not. low,
    high: its interval at 1 - alpha. holm: p adjusted over all contrasts. verdict: by that, of an
    interaction in the words of SUM. NaN where a cell that it needs has no score. Where these levels
    change no network it is 0, and not tested: p is NaN.
    """

    factors: tuple[str, ...]
    levels: tuple[Value, ...]
    estimate: float
    low: float
    high: float
    p: float
    holm: float
    verdict: str


@dataclass(frozen=True)
class Term:
    """The F test of all contrasts of a main effect or interaction; holm: over all terms.

    freedom: of numerator and denominator.
    """

    factors: tuple[str, ...]
    f: float
    freedom: tuple[int, int]
    p: float
    holm: float


def factorial_effects(
    cells: Sequence[Cell], scores: ArrayLike, alpha: float = ALPHA
) -> tuple[list[Term], list[Contrast]]:
    """What the scores (rows, seeds) of a factorial design's rows say; NaN: a training failed.

    cells: of the design, first the baseline's. UserError where there are too few scores to know
    their noise.
    """
    from scipy.special import fdtrc

    table = np.asarray(scores, dtype=np.float64)
    fit = two_way(table)
    if not fit.freedom:
        raise UserError("two rows with scores of two seeds are needed to tell effects from noise")
    asked = _contrasts(cells, len(table))
    weights = np.array([own for _, _, own in asked])
    estimate, error = fit.contrasts(weights)
    interval = t_interval(estimate, error, np.full(len(error), fit.freedom), alpha)
    p = np.where(weights.any(axis=1), interval.p, np.nan)  # else these levels change no network
    adjusted = holm(p)
    words = verdicts(estimate, adjusted, alpha)
    verdict = [
        SUM.get(word, word) if len(own) > 1 else word
        for word, (own, _, _) in zip(words, asked, strict=True)
    ]
    contrasts = [
        Contrast(
            factors, levels, float(interval.estimate[i]), float(interval.low[i]),
            float(interval.high[i]), float(p[i]), float(adjusted[i]), verdict[i],
        )
        for i, (factors, levels, _) in enumerate(asked)
    ]  # fmt: skip
    names = list(dict.fromkeys(factors for factors, _, _ in asked))
    tests = [_wald(fit, np.array([w for own, _, w in asked if own == name])) for name in names]
    by_term = [float(fdtrc(rank, fit.freedom, f)) if rank else float("nan") for f, rank in tests]
    terms = [
        Term(name, f, (rank, fit.freedom), own, float(corrected))
        for name, (f, rank), own, corrected in zip(
            names, tests, by_term, holm(by_term), strict=True
        )
    ]
    return terms, contrasts


def contrast_scales(cells: Sequence[Cell]) -> dict[tuple[str, ...], float]:
    """For each term the largest error of its contrasts, over that of two rows' difference.

    It is what `detectable` takes, with (rows - 1) x (seeds - 1) degrees of freedom. NaN where a
    contrast needs a cell that was left out.
    """
    rows = 1 + max(cell.row for cell in cells if cell.row is not None)
    found: dict[tuple[str, ...], float] = {}
    for factors, _, weights in _contrasts(cells, rows):
        own = float(np.linalg.norm(weights) / np.sqrt(2))
        found[factors] = max(own, found.get(factors, 0.0))
    return found


def _contrasts(
    cells: Sequence[Cell], rows: int
) -> list[tuple[tuple[str, ...], tuple[Value, ...], Floats]]:
    """Factors, levels and weights (rows,) of all main effects, then of all interactions of two."""
    names = list(cells[0].factors)
    levels = {name: list(dict.fromkeys(cell.factors[name] for cell in cells)) for name in names}
    found = []
    for factors in [*((name,) for name in names), *combinations(names, 2)]:
        others = len(cells) / prod(len(levels[name]) for name in factors)
        for chosen in product(*(levels[name][1:] for name in factors)):
            found.append((factors, chosen, _weights(cells, factors, chosen, rows) / others))
    return found


def _weights(
    cells: Sequence[Cell], factors: Sequence[str], levels: Sequence[Value], rows: int
) -> Floats:
    """How much each row counts, (rows,): (level - baseline's) for each factor, multiplied.

    NaN where a cell that counts has no row.
    """
    found = np.zeros(rows)
    for cell in cells:
        sign = 1
        for name, level in zip(factors, levels, strict=True):
            own, base = cell.factors[name], cells[0].factors[name]
            sign *= (own == level) - (own == base)
        if sign and cell.row is None:
            return np.full(rows, np.nan)
        if sign and cell.row is not None:
            found[cell.row] += sign
    return found


def _wald(fit: TwoWay, weights: Floats) -> tuple[float, int]:
    """F, and its numerator's degrees of freedom, of all these contrasts being 0.

    NaN and 0 where one is not estimable, or none is anything: the factor changes no network.
    """
    estimate, _ = fit.contrasts(weights)
    rank = 0 if np.isnan(estimate).any() else int(np.linalg.matrix_rank(weights))
    if not rank:
        return float("nan"), 0
    between = np.linalg.pinv(fit.covariance(weights), hermitian=True)
    squares = float(estimate @ between @ estimate) / rank
    if not squares:
        return 0.0, rank
    return squares / fit.variance if fit.variance else float("inf"), rank
