"""What the scores of a design say: differences to the baseline, with their uncertainty.

Scores are an array (rows, seeds), the baseline's row first, larger is better; NaN where a training
failed. Replicate r shares its split and initialisation over rows, so a row is compared with the
baseline seed by seed. Every interval is by Student's t: a percentile bootstrap of five seeds covers
83% where it says 95% (benchmarks/ablation.py). What failed takes its pair with it, which is right
as long as failing says nothing of the score; the number of pairs stands in the result.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nas.errors import UserError
from nas.two_way import two_way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALPHA = 0.05
BASELINE, BETTER, WORSE = "baseline", "better", "worse"
NOT_SHOWN, NOT_COMPARED = "no difference shown", "not compared"


@dataclass(frozen=True)
class Interval:
    """Estimates with their intervals at 1 - alpha and two-sided p values, (rows,) each."""

    estimate: Floats
    low: Floats
    high: Floats
    p: Floats


@dataclass(frozen=True)
class Comparisons:
    """All rows against the first, (rows,) each; NaN in the baseline's place and without two pairs.

    Equal differences, which scores in coarse steps have by chance, are not compared either where
    they are so few that equal signs alone would be no less likely than alpha: five at 5%. They
    have no error, so a t test would be sure of them.

    count, mean, deviation: of the row's own scores. pairs: seeds that the row and the baseline both
    have. paired: the difference, from these; holm: its p values, adjusted over the rows. effect:
    see `hedges`. correlation: of the pairs (three are needed). unpaired, unpaired_holm: the same
    by Welch, as if seeds were not shared. verdict: from `holm`; a word for each row.

    pooled: the correlation of pairs over all rows (`pair_correlation`). pays_above: see there, for
    the most pairs that a row has.
    """

    count: Ints
    mean: Floats
    deviation: Floats
    pairs: Ints
    paired: Interval
    holm: Floats
    effect: Floats
    correlation: Floats
    unpaired: Interval
    unpaired_holm: Floats
    verdict: tuple[str, ...]
    pooled: float
    pays_above: float
    seeds: int
    alpha: float

    @property
    def shows_unpaired(self) -> bool:
        """Whether pairs are too little alike: the unpaired result, if any, stands beside then."""
        alike = self.pooled > self.pays_above
        return not alike and bool(np.isfinite(self.unpaired.p).any())


def compare(scores: ArrayLike, alpha: float = ALPHA) -> Comparisons:
    """Compare each row of scores (rows, seeds) with the first, by paired t tests and Holm.

    Verdicts follow from the paired result whatever the correlation is: to choose the test after
    seeing the scores would make its p values too small. UserError for fewer than two rows or seeds.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        raise UserError(f"two rows and two seeds are needed to compare: {table.shape=}")
    table = np.where(np.isfinite(table), table, np.nan)
    difference = table - table[0]
    difference[0] = np.nan
    count, mean, deviation = _moments(table)
    pairs, estimate, spread = _moments(difference)
    few = 0.5 ** (pairs - 1.0) > alpha  # p of the sign test, where all signs are equal
    coarse = few & (estimate != 0) & (spread <= 1e-9 * np.abs(estimate))
    freedom = np.where(coarse, 0, pairs - 1)
    paired = t_interval(estimate, spread / np.sqrt(pairs), freedom, alpha)
    unpaired = _welch(mean, deviation, count, alpha)
    adjusted = holm(paired.p)
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = estimate / spread
    return Comparisons(
        count=count,
        mean=mean,
        deviation=deviation,
        pairs=pairs,
        paired=paired,
        holm=adjusted,
        effect=hedges(standard, freedom),
        correlation=_correlations(table),
        unpaired=unpaired,
        unpaired_holm=holm(unpaired.p),
        verdict=(BASELINE, *verdicts(estimate, adjusted, alpha)[1:]),
        pooled=pair_correlation(table),
        pays_above=pays_above(int(pairs.max()), alpha),
        seeds=table.shape[1],
        alpha=alpha,
    )


def t_interval(estimate: Floats, error: Floats, freedom: ArrayLike, alpha: float) -> Interval:
    """Estimates with standard errors and degrees of freedom: Student's interval and test.

    NaN where there are no degrees of freedom. Without error (all differences are equal) p is 0, or
    1 where the estimate is 0 too.
    """
    from scipy.special import stdtr, stdtrit

    known = np.where(np.asarray(freedom) > 0, freedom, np.nan)
    reach = stdtrit(known, 1 - alpha / 2) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((estimate == 0) & (error == 0), 0.0, estimate / error)
    p = 2 * stdtr(known, -np.abs(t))
    missing = np.isnan(reach)
    return Interval(
        np.where(missing, np.nan, estimate), estimate - reach, estimate + reach,
        np.where(missing, np.nan, p),
    )  # fmt: skip


def holm(p: ArrayLike) -> Floats:
    """Holm's (1979) adjusted p values: at most alpha of families of tests have a false one.

    What is NaN was not tested, and is not counted.
    """
    given = np.asarray(p, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    left = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(left * given[order]))
    return adjusted


def hedges(standard: ArrayLike, freedom: ArrayLike) -> Floats:
    """Differences over their deviation, freed of bias (Hedges 1981, the exact factor).

    standard: mean over deviation of the paired differences. So 1 means that the mean difference is
    as large as the differences' deviation over seeds. NaN below two degrees of freedom.
    """
    from scipy.special import gammaln

    known = np.asarray(freedom, dtype=np.float64)
    half = np.where(known > 1, known, np.nan) / 2
    factor = np.exp(gammaln(half) - gammaln(half - 0.5)) / np.sqrt(half)
    return np.asarray(factor * np.asarray(standard, dtype=np.float64))


def verdicts(estimate: Floats, adjusted: Floats, alpha: float) -> list[str]:
    """In words, from adjusted p values: better, worse, no difference shown; or not compared."""
    return [
        NOT_COMPARED if np.isnan(p) else NOT_SHOWN if p > alpha else BETTER if d > 0 else WORSE
        for d, p in zip(estimate, adjusted, strict=True)
    ]


def pair_correlation(scores: ArrayLike) -> float:
    """The correlation between scores of one seed, pooled over all pairs of rows.

    The share of the seed's variance: with all scores there (S - E) / (S + (r - 1) E), the mean
    squares of seeds S and of the rest E over r rows (Shrout and Fleiss 1979, ICC(3, 1)). NaN where
    it has no meaning.
    """
    fit = two_way(scores)
    total = fit.between + fit.variance
    return fit.between / total if total > 0 else float("nan")


def pays_above(seeds: int, alpha: float = ALPHA) -> float:
    """The correlation above which pairs give narrower intervals than as many unpaired scores.

    A paired difference has 1 - correlation times the variance, but n - 1 degrees of freedom and not
    2n - 2: the intervals are equally long at 1 - (t(2n - 2) / t(n - 1))^2. 0.31 for five seeds,
    NaN for fewer than two.
    """
    from scipy.special import stdtrit

    if seeds < 2:
        return float("nan")
    few, many = stdtrit(seeds - 1, 1 - alpha / 2), stdtrit(2 * seeds - 2, 1 - alpha / 2)
    return float(1 - (many / few) ** 2)


def _moments(table: Floats) -> tuple[Ints, Floats, Floats]:
    """Number, mean and deviation of what is known in each row; NaN where there is too little."""
    count = (~np.isnan(table)).sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return count, np.nanmean(table, axis=1), np.nanstd(table, axis=1, ddof=1)


def _welch(mean: Floats, deviation: Floats, count: Ints, alpha: float) -> Interval:
    """Each row against the first with unequal variances (Welch 1947)."""
    from scipy.special import comb

    with np.errstate(divide="ignore", invalid="ignore"):
        error = deviation**2 / count
        both = error + error[0]
        freedom = both**2 / (error**2 / (count - 1) + error[0] ** 2 / (count[0] - 1))
    # without any deviation the degrees of freedom do not matter; of few scores it may be chance, as
    # likely as the two sets of them are apart
    enough = 2 / comb(count + count[0], count[0]) <= alpha
    same = np.where(enough | (mean == mean[0]), count - 1, 0)
    freedom = np.where(both == 0, np.maximum(same, 0), freedom)
    freedom[0] = np.nan
    return t_interval(mean - mean[0], np.sqrt(both), freedom, alpha)


def _correlations(table: Floats) -> Floats:
    """Pearson's correlation of each row with the first, over their pairs."""
    found = np.full(len(table), np.nan)
    for i, row in enumerate(table[1:], start=1):
        both = ~np.isnan(row) & ~np.isnan(table[0])
        if both.sum() > 2 and min(np.ptp(row[both]), np.ptp(table[0][both])) > 0:
            found[i] = np.corrcoef(row[both], table[0][both])[0, 1]
    return found
