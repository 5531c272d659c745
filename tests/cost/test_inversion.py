import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.architecture.canonical import part_key
from nas.cost.inversion import inversions, kendall_tau, rank_space
from nas.cost.parts import NOTHING, PartTable
from nas.cost.table import parts_of
from nas.space import load_space

numbers = st.lists(st.integers(1, 9), min_size=2, max_size=9)


@given(
    st.integers(2, 9).flatmap(
        lambda n: st.tuples(*[st.lists(st.integers(1, 9), min_size=n, max_size=n)] * 2)
    )
)
def test_the_share_and_the_widest_pair_are_those_of_a_loop(
    two: tuple[list[int], list[int]],
) -> None:
    macs, slow = two
    pairs = list(itertools.permutations(range(len(macs)), 2))
    width = {
        (i, j): min(macs[j] / macs[i], slow[i] / slow[j])
        for i, j in pairs
        if macs[i] < macs[j] and slow[i] > slow[j]
    }
    share, found = inversions(macs, slow, count=1)
    assert share == pytest.approx(len(width) / (len(pairs) / 2))
    assert bool(found) == bool(width)
    if found:
        assert width[found[0]] == pytest.approx(max(width.values()))


def test_a_network_is_in_one_pair_at_most() -> None:
    _, found = inversions([1, 2, 3, 4], [4, 3, 2, 1], count=5)
    assert found == [(0, 3), (1, 2)]


def test_tau_is_1_for_equal_and_minus_1_for_reversed_ranks() -> None:
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


def test_a_space_is_ranked_by_its_table() -> None:
    space = load_space("osnet-mini")
    parts = parts_of(space.members())
    times = {part_key(part): float(len(part.layers)) for part in parts}
    found = rank_space(space, PartTable({}, times | {part_key(NOTHING): 0.0}))
    assert found["architectures"] == space.count().value
    assert 0 < found["inverted"] < 1
    assert -1 < found["tau"] < 1
    for pair in found["pairs"]:
        for side in ("smaller", "larger"):
            architecture = space.architecture(pair[side]["point"])
            assert space.contains(architecture)
        assert pair["smaller"]["macs"] < pair["larger"]["macs"]
        assert pair["smaller"]["latency_ms"] > pair["larger"]["latency_ms"]
    assert np.isfinite(found["tau"])
