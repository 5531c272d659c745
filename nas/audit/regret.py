"""What it costs to stop at a rung: the true score lost by choosing on that rung's scores.

At every cost one would take the architecture with the best known score among those that cost no
more. The true score of what is taken, averaged over the log of cost, is compared with what a
training at full length would have made one take. That is the hypervolume of (true score, log cost)
as the one who chooses gets it: in hindsight no better one is picked from the front, so that noise
of the true score is not taken for skill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.audit.ranking import Floats, Range

Bools = NDArray[np.bool_]

ENOUGH = 0.6
"""Of the noise ceiling, within bands: what a first rung has to reach."""


@dataclass(frozen=True)
class Regret:
    """Ranges of (P,). lost: true score, averaged over log cost, less than by full length.

    share: of what full length gains over a blind choice (the mean of what is affordable): 0 is as
    good as full length, 1 as bad as blind. May be below 0 by luck.
    """

    lost: Range
    share: Range


def regret(scores: Floats, full: Floats, truth: Floats, cost: Floats, weights: Floats) -> Regret:
    """What is lost by choosing on each of P cheap scores (P, n, C) instead of full (n, C).

    Judged by truth (n, C), of other seeds; averaged over the C choices of a seed. cost: (n,).
    weights: (1 + B, n), of `resample`.
    """
    order = np.argsort(cost, kind="stable")
    widths = _widths(cost[order])
    drawn = weights[:, order]
    choices = range(truth.shape[1])
    best = [taken(full[order, c], truth[order, c], widths, drawn) for c in choices]
    blind = [_blind(truth[order, c], widths, drawn) for c in choices]
    gain = np.mean(best, axis=0) - np.mean(blind, axis=0)
    lost = np.array([
        np.mean([best[c] - taken(row[order, c], truth[order, c], widths, drawn) for c in choices],
                axis=0)
        for row in scores
    ]).T  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(gain[:, None] > 0, lost / gain[:, None], np.nan)
    return Regret(Range.of(lost), Range.of(share))


def taken(score: Floats, truth: Floats, widths: Floats, weights: Floats) -> Floats:
    """The true score of what is best by `score` at each cost, averaged over log cost: (B,).

    score, truth, widths: (n,), cheapest first; weights: (B, n), 0 for what is not there. Of equal
    scores the cheapest is taken, and what has none last.
    """
    rank = np.unique(np.nan_to_num(score, nan=-np.inf), return_inverse=True)[1]
    there = np.where(weights > 0, rank, -1)
    before = np.maximum.accumulate(there, axis=1)
    leads = np.ones_like(there, dtype=bool)
    leads[:, 1:] = there[:, 1:] > before[:, :-1]
    last = np.maximum.accumulate(np.where(leads, np.arange(len(score)), 0), axis=1)
    return _average(truth[last], before >= 0, widths)


def _blind(truth: Floats, widths: Floats, weights: Floats) -> Floats:
    """The mean true score of all that is affordable, averaged over log cost: (B,)."""
    count = np.cumsum(weights, axis=1)
    mean = np.cumsum(weights * truth, axis=1) / np.maximum(count, 1)
    return _average(mean, count > 0, widths)


def _average(values: Floats, there: Bools, widths: Floats) -> Floats:
    own = np.where(there, widths, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (values * own).sum(axis=1) / own.sum(axis=1)
    return found


def _widths(cost: Floats) -> Floats:
    """How far, on the log of cost, each is the dearest that is affordable; ascending costs (n,)."""
    found = np.append(np.diff(np.log(cost)), 0.0)
    if not found.any():
        found[-1] = 1.0
    return found


def first_rung(epochs: Sequence[int], share: Floats, low: Floats) -> int | None:
    """The first rung to advise: the shortest that reaches ENOUGH of the noise ceiling within bands.

    share: estimates, (P,) by rung; low: the lower end of tau's interval, which has to be above 0,
    so that chance is not advised. The estimate decides, as the lower end of the share falls with
    the size of the audit as much as with the rung. None where no rung does.
    """
    for epoch, own, least in zip(epochs, share, low, strict=True):
        if own >= ENOUGH and least > 0:
            return epoch
    return None
