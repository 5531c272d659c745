"""Scores of rows in shared seeds: score = row + seed + noise, by least squares; any may be missing.

The noise has one variance. Where scores are missing, what is told of rows comes from differences
within seeds alone, and of seeds from differences within rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ROUNDING = 1e-9
"""Of the largest score: what is smaller is no difference, but how numbers are rounded."""


@dataclass(frozen=True)
class TwoWay:
    """The fit to r rows and s seeds.

    rows: their levels (r,), NaN without a score. seeds: theirs (s,), which sum to 0. variance: of
    the noise, with its degrees of freedom; NaN where there are none. between: the variance of the
    seeds, Henderson's (1953) third method; by chance it may be below 0; NaN where it is not known.
    """

    rows: Floats
    seeds: Floats
    variance: float
    freedom: int
    between: float
    _count: Floats
    _share: Floats
    _inverse: Floats
    _known: Floats
    _least: float

    def contrasts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weighted sums of rows, weights (c, r) that sum to 0, and their standard errors: (c,).

        NaN where seeds do not tell.
        """
        by_seed = weights @ self._share
        known = np.isclose(by_seed @ self._known, by_seed, atol=1e-9).all(axis=1)
        known &= ~((weights != 0) & (self._count == 0)).any(axis=1)
        estimate = np.nan_to_num(weights) @ np.nan_to_num(self.rows)
        estimate[np.abs(estimate) <= self._least] = 0.0
        error = np.sqrt(self.variance * np.diag(self.covariance(weights)))
        return np.where(known, estimate, np.nan), np.where(known, error, np.nan)

    def covariance(self, weights: Floats) -> Floats:
        """That of such sums (c, c), for noise of variance 1."""
        by_seed = np.nan_to_num(weights) @ self._share
        alone = np.nan_to_num(weights) / np.maximum(self._count, 1)
        found: Floats = alone @ np.nan_to_num(weights).T + by_seed @ self._inverse @ by_seed.T
        return found


def two_way(scores: ArrayLike) -> TwoWay:
    """Fit scores (rows, seeds); what is not finite is missing."""
    table = np.asarray(scores, dtype=np.float64)
    known = np.isfinite(table)
    kept = np.where(known, table, 0.0)
    total, count = int(known.sum()), known.sum(axis=1).astype(np.float64)
    filled = int((count > 0).sum())
    least = ROUNDING * float(np.abs(kept).max(initial=0.0))
    mean = kept.sum(axis=1) / np.maximum(count, 1)
    apart = np.where(known, kept - mean[:, None], 0.0)
    share = known / np.maximum(count, 1)[:, None]
    normal = np.diag(known.sum(axis=0)) - known.T @ share  # of the seeds, without the rows
    inverse = np.linalg.pinv(normal, rcond=1e-10, hermitian=True)
    rank = int(np.linalg.matrix_rank(normal, tol=1e-10 * max(table.shape), hermitian=True))
    seeds = inverse @ apart.sum(axis=0)
    rows = mean - share @ seeds
    rest = np.where(known, kept - rows[:, None] - seeds, 0.0)
    freedom = total - filled - rank
    variance, between = float("nan"), float("nan")
    if freedom > 0:
        variance = float(np.square(rest).sum()) / freedom
        if variance <= least**2:
            variance = 0.0
        of_seeds = float(np.square(apart).sum()) - freedom * variance
        between = (of_seeds - rank * variance) / (total - filled)
    return TwoWay(
        np.where(count > 0, rows, np.nan), seeds, variance, freedom, between,
        count, share, inverse, inverse @ normal, least,
    )  # fmt: skip
