"""Expected hypervolume improvement in closed form, where only the score is uncertain.

A candidate of exact cost c and a score that is normal with mean m and deviation s adds, at every
cost t from c to the reference, what its score is above f(t), the best score of the front at a cost
of at most t. So its expected improvement is the integral over t >= c of EI(m, s, f(t)). As f is a
staircase, that is a sum over its levels of width times EI; with two costs, t is a point of the
plane, and it is area times EI. The front is of posterior means: observed maxima are lucky ones.

Costs are scaled so that 1 is the reference, the largest cost that counts; smaller is better. Scores
are maximised. c: 1 or 2 costs; J: points of the front; N: candidates.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

MOST = {1: 256, 2: 48}
"""Points of the front that are told apart, by the number of costs: more of them take long."""


def expected_improvement(mean: Floats, deviation: Floats, level: Floats) -> Floats:
    """E[max(0, Y - level)] for Y normal; broadcasts. Jones, Schonlau and Welch (1998), eq. 15."""
    from scipy.special import ndtr

    spread = np.maximum(deviation, 1e-12)
    z = (mean - level) / spread
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    found: Floats = np.maximum(spread * (density + z * ndtr(z)), 0.0)
    return found


def front_of(costs: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """The points (J, c), (J,) that no other one beats, one of equal ones."""
    import moocore

    if not len(scores):
        return costs, scores
    mask = moocore.is_nondominated(np.column_stack([costs, -scores]))
    return costs[mask], scores[mask]


class Staircase:
    """The best score at a cost of at most t, over costs t up to 1; `reference` where there is none.

    costs (J, c) in [0, 1]; scores (J,). Points that are dominated, or no better than the reference,
    change nothing. J may be 0. levels: (L,) the scores of the steps, ascending from the reference.
    """

    def __init__(self, costs: Floats, scores: Floats, reference: float) -> None:
        useful = scores > reference
        costs, scores = front_of(costs[useful], scores[useful])
        if len(scores) > MOST[costs.shape[1]]:
            costs, scores = thinned(costs, scores, reference)
        self.edges = [np.unique([0.0, *costs[:, axis], 1.0]) for axis in range(costs.shape[1])]
        corners = np.stack(
            np.meshgrid(*(own[:-1] for own in self.edges), indexing="ij"), axis=-1
        )  # (cells.., c): the cheapest corner of each cell, which tells f within it
        heights = np.full(corners.shape[:-1], reference)
        for cost, score in zip(costs, scores, strict=True):
            reached = (corners >= cost).all(axis=-1)
            heights[reached] = np.maximum(heights[reached], score)
        self.levels, which = np.unique(heights, return_inverse=True)
        areas = np.ones(heights.shape)
        for axis, own in enumerate(self.edges):
            areas = areas * np.expand_dims(
                np.diff(own), [other for other in range(areas.ndim) if other != axis]
            )
        by_level = np.where(which.reshape(heights.shape)[..., None] == range(len(self.levels)),
                            areas[..., None], 0.0)  # fmt: skip
        for axis in range(heights.ndim):
            by_level = np.flip(np.cumsum(np.flip(by_level, axis), axis=axis), axis)
        # (edges.., L): the area of each level beyond each crossing of edges
        self.beyond = np.pad(by_level, [(0, 1)] * heights.ndim + [(0, 0)])
        self.hypervolume = float(
            by_level[(0,) * heights.ndim] @ (self.levels - reference)
        )  # of the front, above the reference

    def areas(self, costs: Floats) -> Floats:
        """For candidates (N, c), the area beyond their costs of each level: (N, L).

        Within a cell it is linear in each cost, so it is interpolated exactly.
        """
        lower, share = [], []
        for axis, own in enumerate(self.edges):
            cost = costs[:, axis]
            cell = np.clip(np.searchsorted(own, cost, side="right") - 1, 0, len(own) - 2)
            lower.append(cell)
            share.append((cost - own[cell]) / (own[cell + 1] - own[cell]))
        found = np.zeros((len(costs), len(self.levels)))
        for corner in itertools.product((0, 1), repeat=len(self.edges)):
            weight = np.ones(len(costs))
            for up, own_share in zip(corner, share, strict=True):
                weight = weight * (own_share if up else 1 - own_share)
            index = tuple(cell + up for cell, up in zip(lower, corner, strict=True))
            found += weight[:, None] * self.beyond[index]
        return found

    def expected(self, costs: Floats, mean: Floats, deviation: Floats) -> Floats:
        """Expected hypervolume improvement of candidates: costs (N, c), mean and deviation (N,)."""
        gains = expected_improvement(mean[:, None], deviation[:, None], self.levels)
        found: Floats = (self.areas(costs) * gains).sum(axis=1)
        return found

    def chance(self, costs: Floats, mean: Floats, deviation: Floats) -> Floats:
        """How likely it is that candidates (N, c) score above the staircase at their cost: (N,).

        0 where the cost is that of the reference or more.
        """
        from scipy.special import ndtr

        counts = self.areas(costs) > 0
        height = np.where(counts.any(axis=1), self.levels[counts.argmax(axis=1)], np.inf)
        found: Floats = ndtr((mean - height) / np.maximum(deviation, 1e-12))
        return found


def thinned(costs: Floats, scores: Floats, reference: float) -> tuple[Floats, Floats]:
    """The points that, taken one by one, each add the most hypervolume: MOST of them."""
    rows: list[int] = []
    sure = np.zeros(len(scores))
    while len(rows) < MOST[costs.shape[1]]:
        gains = Staircase(costs[rows], scores[rows], reference).expected(costs, scores, sure)
        gains[rows] = -1.0
        rows.append(int(np.argmax(gains)))
    return costs[rows], scores[rows]
