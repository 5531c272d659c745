"""Where MACs and latency disagree: the smaller network that is slower."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

ROWS = 2_000  # at most: all pairs of them are looked at


class Pair(NamedTuple):
    """Rows of two networks: the first has fewer MACs, and takes longer."""

    smaller: int
    larger: int


def kendall_tau(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b of two rankings: 1 where they agree, -1 where they are reversed."""
    from scipy.stats import kendalltau

    return float(kendalltau(first, second).statistic)


def inversions(macs: ArrayLike, latency_ms: ArrayLike, count: int = 5) -> tuple[float, list[Pair]]:
    """The share of pairs that MACs rank the other way than latency, and the widest of them.

    Of n networks, both of shape (n,); of more than 2,000 every k-th is looked at. Pairs of equal
    MACs or latency are not inverted. Widest by the smaller of the two ratios; a network is in one
    pair at most.
    """
    size, slow = np.asarray(macs, dtype=float), np.asarray(latency_ms, dtype=float)
    rows = np.arange(0, len(size), -(-len(size) // ROWS) or 1)
    larger = np.log(size[rows][None, :] / size[rows][:, None])
    slower = np.log(slow[rows][:, None] / slow[rows][None, :])
    width = np.minimum(larger, slower)  # of (i, j): i has fewer MACs and takes longer
    pairs = len(rows) * (len(rows) - 1) / 2
    share = float((width > 0).sum() / pairs) if pairs else 0.0
    found: list[Pair] = []
    used: set[int] = set()
    for flat in np.argsort(-width, axis=None).tolist():
        i, j = divmod(flat, len(rows))
        if width[i, j] <= 0 or len(found) == count:
            break
        if not used & {i, j}:
            used |= {i, j}
            found.append(Pair(int(rows[i]), int(rows[j])))
    return share, found
