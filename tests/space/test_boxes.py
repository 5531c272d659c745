"""Unions of overlapping boxes against all their contents, one by one."""

import itertools
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.space.boxes import Union

SETS = [[np.array(own) for own in ([0, 1], [1, 2], [0], [0, 1, 2, 3])]] * 3
BOXES = st.lists(st.tuples(*3 * [st.integers(0, 3)]), min_size=1, max_size=8, unique=True)


@settings(max_examples=50, deadline=None)
@given(BOXES)
def test_the_contents_of_overlapping_boxes_are_counted_once_and_drawn_alike(
    boxes: list[tuple[int, ...]],
) -> None:
    """Chi-square within five standard deviations: hypothesis tries many."""
    contents = {
        content
        for box in boxes
        for content in itertools.product(*(SETS[0][own].tolist() for own in box))
    }
    union = Union(np.array(boxes), SETS)
    assert union.count == len(contents)
    elements, ends = union.sample(40 * union.count, np.random.default_rng(0))
    counts = Counter(map(tuple, elements.tolist()))
    assert set(counts) == contents
    freedom = len(contents) - 1
    assert sum((n - 40) ** 2 / 40 for n in counts.values()) < freedom + 5 * (2 * freedom) ** 0.5 + 8
    for end, rows in ends.items():
        for box in union.ends[end].tolist():
            for cluster, own in enumerate(boxes[box]):
                assert np.isin(elements[rows, cluster], SETS[cluster][own]).all()
