"""Random integers from counters: the same on every machine and in every version of every library.

A value depends on its seed and its counters alone, never on what was drawn before, so that any
part of a data set can be made by itself and in any order. The mixing function is the finaliser
of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Counter: TypeAlias = int | str | NDArray[np.integer]

_WORD = (1 << 64) - 1
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@lru_cache(maxsize=1024)
def _word(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def _as_words(counter: Counter) -> NDArray[np.uint64]:
    if isinstance(counter, str):
        return np.array([_word(counter)], dtype=np.uint64)
    if isinstance(counter, int):
        return np.array([counter & _WORD], dtype=np.uint64)
    return np.atleast_1d(counter).astype(np.uint64)


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = (words ^ (words >> np.uint64(30))) * _MIX_1
    words = (words ^ (words >> np.uint64(27))) * _MIX_2
    return words ^ (words >> np.uint64(31))


def bits(seed: int, *counters: Counter) -> NDArray[np.uint64]:
    """Return 64 random bits for each combination of counters.

    Counters are integers, names or integer arrays. The result has the shape to which the arrays
    broadcast, and at least one dimension.
    """
    words = _mix(_as_words(seed) + _STEP)
    for counter in counters:
        words = _mix((words ^ _as_words(counter)) + _STEP)
    return words


def integers(low: int, high: int, seed: int, *counters: Counter) -> NDArray[np.int64]:
    """Return int64 integers in [low, high), one for each combination of counters.

    The range may span up to 2**31 values; the departure from uniformity is below 2**-32 a value.
    """
    if not 0 < high - low <= 1 << 31:
        raise ValueError(f"the range must span 1 to 2**31 values, got {low=} and {high=}")
    upper = bits(seed, *counters) >> np.uint64(32)
    return low + ((upper * np.uint64(high - low)) >> np.uint64(32)).astype(np.int64)


def weighted(weights: Sequence[int], seed: int, *counters: Counter) -> NDArray[np.int64]:
    """Return indices into `weights`, index i with probability weights[i] / sum(weights)."""
    edges = np.cumsum(np.asarray(weights, dtype=np.int64))
    drawn = integers(0, int(edges[-1]), seed, *counters)
    return np.searchsorted(edges, drawn, side="right").astype(np.int64)


def permutation(seed: int, n: int, *counters: Counter) -> NDArray[np.int64]:
    """Return 0..n-1 in random order, int64 (n,)."""
    return np.argsort(bits(seed, *counters, np.arange(n)), kind="stable").astype(np.int64)
