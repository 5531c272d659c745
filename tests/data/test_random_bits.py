"""The generator: known values, ranges, and independence of order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.random_bits import bits, integers, permutation, weighted

_WORD = (1 << 64) - 1


def _mix(word: int) -> int:
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)


def test_one_counter_is_splitmix64_of_the_published_test_vector() -> None:
    # The first output of SplitMix64 seeded with 0, in the author's C code.
    assert int(bits(0)[0]) == 0xE220A8397B1DCDAF


@given(st.integers(0, _WORD), st.lists(st.integers(0, (1 << 63) - 1), max_size=4))
def test_bits_equal_plain_python_arithmetic(seed: int, counters: list[int]) -> None:
    word = _mix((seed + 0x9E3779B97F4A7C15) & _WORD)
    for counter in counters:
        word = _mix(((word ^ counter) + 0x9E3779B97F4A7C15) & _WORD)
    assert int(bits(seed, *counters)[0]) == word


def test_an_array_of_counters_gives_each_its_own_value() -> None:
    together = bits(7, "name", np.arange(100))
    assert [int(bits(7, "name", i)[0]) for i in range(100)] == together.tolist()
    assert len(set(together.tolist())) == 100


def test_counters_broadcast() -> None:
    assert bits(1, np.arange(3)[:, None], np.arange(5)).shape == (3, 5)


def test_names_give_different_streams() -> None:
    assert bits(1, "a")[0] != bits(1, "b")[0]


@given(st.integers(-1000, 1000), st.integers(1, 500), st.integers(0, _WORD))
def test_integers_stay_in_range(low: int, span: int, seed: int) -> None:
    drawn = integers(low, low + span, seed, np.arange(200))
    assert drawn.dtype == np.int64
    assert low <= drawn.min() and drawn.max() < low + span


def test_integers_take_every_value_about_equally_often() -> None:
    counts = np.bincount(integers(0, 10, 3, np.arange(100_000)))
    assert np.abs(counts - 10_000).max() < 500  # five standard deviations


@pytest.mark.parametrize("high", [5, 4, 5 + (1 << 31) + 1])
def test_integers_refuse_an_empty_or_too_wide_range(high: int) -> None:
    with pytest.raises(ValueError, match=r"low=5 and high="):
        integers(5, high, 1)


def test_weighted_follows_the_weights() -> None:
    counts = np.bincount(weighted([3, 0, 1], 1, np.arange(40_000)), minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] - 30_000) < 500


@given(st.integers(0, _WORD), st.integers(0, 200))
def test_permutation_holds_each_index_once(seed: int, n: int) -> None:
    assert sorted(permutation(seed, n).tolist()) == list(range(n))
