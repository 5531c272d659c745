"""How well a cheap score ranks architectures: Kendall's tau-b with what it could reach at best.

What is ranked is the mean at full length of other seeds than the cheap score's own. The noise
ceiling is the tau of one training at full length, by the same measure: what a rung of one training
would reach if stopping early took nothing from it. (A score without noise of its own may be above.)

Pairs of architectures are compared over all, or within bands of about the same cost, pairs of all
bands counted together: over all, knowing that a large network is better ranks well already.

Intervals are percentiles of a bootstrap over architectures. An architecture drawn twice is tied
with itself, which tau-b does not count, so that resamples are not biased. In simulations of 24 to
100 architectures they cover 96 to 99% where they say 95% (tests/audit/test_agreement.py): they are
rather too wide, most of all within small bands. The seeds are taken as they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 1000
MOST_BANDS, SMALLEST = 5, 8
"""Bands at most; and architectures in a band, about, at least."""
LEVEL = 0.95


@dataclass(frozen=True)
class Range:
    """Estimates with the ends of their intervals; NaN where one is not known."""

    estimate: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, resampled: Floats) -> Range:
        """From (1 + B, ...): the estimate first, then resamples, of which some may be NaN."""
        tail = 50 * (1 - LEVEL)
        low, high = (_percentile(resampled[1:], p) for p in (tail, 100 - tail))
        return cls(resampled[0], low, high)


def _percentile(values: Floats, percent: float) -> Floats:
    """Over the first axis and what is known; NaN where that is less than nine in ten."""
    known = np.isfinite(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that nothing is known
        found = np.nanpercentile(np.where(known, values, np.nan), percent, axis=0)
    return np.where(known.sum(axis=0) >= 0.9 * len(values), found, np.nan)


@dataclass(frozen=True)
class Agreement:
    """How well P cheap scores rank, over all pairs or within bands. Ranges of (P,), but `ceiling`.

    tau: Kendall's tau-b with the score at full length of other seeds; 1 is the same order.
    share: of the ceiling; NaN where that is not above 0. ahead: tau less that of the macs.
    by_band: (P, bands), estimates within each.
    """

    tau: Range
    ceiling: Range
    share: Range
    ahead: Range
    by_band: Floats


def cost_bands(cost: ArrayLike, count: int | None = None) -> list[Ints]:
    """Indices of n architectures in bands of about as many each, cheapest first; cost: (n,).

    Equal costs are in the same band. count: by default as many as have SMALLEST each, at most
    MOST_BANDS. Bands without a pair are left out.
    """
    own = np.asarray(cost, dtype=np.float64)
    bands = count or max(1, min(MOST_BANDS, len(own) // SMALLEST))
    edges = np.quantile(own, np.arange(1, bands) / bands)
    place = np.searchsorted(edges, own, side="right")
    found = [np.flatnonzero(place == band) for band in range(bands)]
    return [rows for rows in found if len(rows) > 1]


def resample(count: int, seed: int = 0, resamples: int = RESAMPLES) -> Floats:
    """How often each architecture is drawn: (1 + resamples, count), once each in the first row."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.vstack([np.ones(count), drawn]).astype(np.float64)


def kendall(x: Floats, y: Floats, bands: Sequence[Ints], weights: Floats) -> tuple[Floats, Floats]:
    """Tau-b of x (n,) with y (n,) by weights (B, n): (B,) over pairs of the same band, and within
    each band (B, bands). NaN where all are tied."""
    parts = []
    for rows in bands:
        drawn = weights[:, rows]
        one, other = _signs(x[rows]), _signs(y[rows])
        parts.append([_pairs(m, drawn) for m in (one * other, one * one, other * other)])
    sums = np.array(parts)  # (bands, 3, B)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = sums[:, 0] / np.sqrt(sums[:, 1] * sums[:, 2])
        total = sums.sum(axis=0)
        return total[0] / np.sqrt(total[1] * total[2]), within.T


def _signs(values: Floats) -> Floats:
    """Of values[i] - values[j]; infinite values are equal to themselves."""
    found: Floats = (values[:, None] > values).astype(np.float64) - (values[:, None] < values)
    return found


def _pairs(matrix: Floats, weights: Floats) -> Floats:
    """The sum over pairs, each as often as it was drawn; twice, as every pair stands twice."""
    found: Floats = ((weights @ matrix) * weights).sum(axis=1)
    return found


def agreement(
    scores: Floats,
    full: Floats,
    truth: Floats,
    bands: Sequence[Ints],
    weights: Floats,
    beside: int | None = None,
) -> Agreement:
    """Judge cheap scores (P, n, C) by truth (n, C), averaged over the C choices of a seed.

    full: (n, C), one training at full length, of the seeds that the cheap scores have and `truth`
    has not. bands: [all indices] compares all pairs. weights: of `resample`. beside: which of the
    scores is the macs. Larger is better, of costs too: a dear network is expected to be good.
    """
    taus, within = [], []
    for row in (full, *scores):
        found = [kendall(row[:, c], truth[:, c], bands, weights) for c in range(truth.shape[1])]
        taus.append(np.mean([own[0] for own in found], axis=0))
        within.append(np.mean([own[1][0] for own in found], axis=0))
    ceiling, tau = taus[0], np.array(taus[1:]).T  # (1 + B,), (1 + B, P)
    bound = Range.of(ceiling)
    known = ceiling > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(known[:, None], tau / ceiling[:, None], np.nan)
    ahead = tau - tau[:, [beside]] if beside is not None else np.full_like(tau, np.nan)
    return Agreement(Range.of(tau), bound, Range.of(share), Range.of(ahead), np.array(within[1:]))
