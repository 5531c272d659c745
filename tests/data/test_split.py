"""Held-out validation: the properties that every split must have, for any labels."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.data import Images, check_matches, choose_queries, hold_out
from nas.errors import UserError

SPLIT_OF_SEED_3 = [3, 6, 10]
QUERIES_OF_SEED_3 = [13, 15, 24, 27, 40, 42]


def _numbered(labels: list[int], cameras: list[int] | None, groups: list[int] | None) -> Images:
    """Images whose pixels hold their index, so that they can be told apart after a split."""
    index = np.arange(len(labels))
    pixels = np.zeros((len(labels), 1, 1, 3), dtype=np.uint8)
    pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = index % 256, index // 256
    arrays = [None if x is None else np.array(x, dtype=np.int64) for x in (cameras, groups)]
    return Images(pixels, np.array(labels, dtype=np.int64), *arrays)


def _indices(images: Images) -> list[int]:
    low, high = (images.pixels[:, 0, 0, channel].tolist() for channel in (0, 1))
    return [a + 256 * b for a, b in zip(low, high, strict=True)]


@st.composite
def reid_images(draw: st.DrawFn) -> Images:
    identities = draw(st.lists(st.integers(0, 999), min_size=6, max_size=15, unique=True))
    labels: list[int] = []
    cameras: list[int] = []
    groups: list[int] = []
    for place, identity in enumerate(identities):
        seen = draw(st.lists(st.integers(1, 4), min_size=1, max_size=8))
        labels += [identity] * len(seen)
        cameras += seen
        groups += [place // 2] * len(seen)
    with_groups = draw(st.booleans())
    return _numbered(labels, cameras, groups if with_groups else None)


@settings(max_examples=60, deadline=None)
@given(reid_images(), st.integers(0, 2**32), st.floats(0.1, 0.5))
def test_every_image_is_in_exactly_one_part(images: Images, seed: int, fraction: float) -> None:
    held = hold_out(images, "reid", seed=seed, fraction=fraction)
    assert held.query is not None and held.gallery is not None
    parts = _indices(held.train) + _indices(held.query) + _indices(held.gallery)
    assert sorted(parts) == list(range(len(images)))


@settings(max_examples=60, deadline=None)
@given(reid_images(), st.integers(0, 2**32))
def test_identities_and_groups_are_not_divided(images: Images, seed: int) -> None:
    held = hold_out(images, "reid", seed=seed, fraction=0.3)
    assert held.query is not None
    trained, validated = _indices(held.train), _indices(held.query)
    for values in (images.labels, images.groups):
        if values is not None:
            assert not set(values[trained].tolist()) & set(values[validated].tolist())


@settings(max_examples=60, deadline=None)
@given(reid_images(), st.integers(0, 2**32))
def test_what_is_trained_on_is_relabelled_in_order(images: Images, seed: int) -> None:
    train = hold_out(images, "reid", seed=seed).train
    original = images.labels[_indices(train)]
    order = sorted(set(original.tolist()))
    assert train.labels.tolist() == [order.index(label) for label in original.tolist()]


@settings(max_examples=60, deadline=None)
@given(reid_images(), st.integers(0, 2**32))
def test_queries_are_one_for_each_identity_and_camera(images: Images, seed: int) -> None:
    assert images.cameras is not None
    query = choose_queries(images.labels, images.cameras, seed=seed)
    pairs = list(zip(images.labels.tolist(), images.cameras.tolist(), strict=True))
    for identity in set(images.labels.tolist()):
        chosen = [p for p, q in zip(pairs, query.tolist(), strict=True) if q and p[0] == identity]
        cameras = {c for i, c in pairs if i == identity}
        assert len(chosen) == len(set(chosen))
        if len(cameras) == sum(i == identity for i, _ in pairs):  # one image in each camera
            assert len(chosen) == 1
        else:
            assert {c for _, c in chosen} == cameras


@settings(max_examples=40, deadline=None)
@given(reid_images(), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_split(images: Images, seed: int) -> None:
    first, second = (hold_out(images, "reid", seed=seed) for _ in range(2))
    assert _indices(first.train) == _indices(second.train)
    assert first.query is not None and second.query is not None
    assert _indices(first.query) == _indices(second.query)


def test_the_split_is_the_same_on_every_machine() -> None:
    images = _numbered(sorted([*range(12)] * 4), [1, 1, 2, 2] * 12, None)
    held = hold_out(images, "reid", seed=3)
    assert held.query is not None
    assert sorted(set(held.query.labels.tolist())) == SPLIT_OF_SEED_3
    assert _indices(held.query) == QUERIES_OF_SEED_3


def test_of_groups_so_many_are_held_out_as_have_the_identities() -> None:
    images = _numbered(sorted([*range(12)] * 4), [1, 1, 2, 2] * 12, None)
    grouped = replace(images, groups=images.labels // 3)
    held = hold_out(grouped, "reid", seed=0, fraction=0.5)
    assert held.query is not None
    assert len(set(held.query.labels.tolist())) == 6


def test_seeds_give_different_splits() -> None:
    images = _numbered(sorted([*range(40)] * 4), [1, 1, 2, 2] * 40, None)
    trained = {tuple(_indices(hold_out(images, "reid", seed=s).train)) for s in range(10)}
    assert len(trained) == 10


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(2, 20), min_size=1, max_size=6),
    st.integers(0, 2**32),
    st.floats(0.05, 0.95),
)
def test_classes_are_held_out_in_proportion(counts: list[int], seed: int, fraction: float) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    held = hold_out(_numbered(labels, None, None), "classification", seed=seed, fraction=fraction)
    assert held.validation is not None and held.query is None and held.gallery is None
    both = _indices(held.train) + _indices(held.validation)
    assert sorted(both) == list(range(len(labels)))
    for label, count in enumerate(counts):
        taken = int((held.validation.labels == label).sum())
        assert 1 <= taken < count
        assert abs(taken - fraction * count) <= 1


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, float("nan")])
def test_a_fraction_outside_of_0_to_1_is_refused(fraction: float) -> None:
    with pytest.raises(UserError, match="not between 0 and 1"):
        hold_out(_numbered([0, 1], [1, 1], None), "reid", seed=1, fraction=fraction)


def test_too_few_identities_are_refused() -> None:
    with pytest.raises(UserError, match="of 3 identities: 1 would be left to train on"):
        hold_out(_numbered([0, 1, 2], [1, 1, 1], None), "reid", seed=1)


def test_identities_without_cameras_are_refused() -> None:
    with pytest.raises(UserError, match="without cameras"):
        hold_out(_numbered([0, 1, 2, 3], None, None), "reid", seed=1)


def test_a_class_of_one_image_is_refused() -> None:
    with pytest.raises(UserError, match="class 1: it has only one"):
        hold_out(_numbered([0, 0, 1], None, None), "classification", seed=1)


def test_queries_without_a_match_by_another_camera_are_refused() -> None:
    labels = np.repeat(np.arange(8), 4)
    one = Images(np.zeros((32, 2, 2, 3), np.uint8), labels, np.zeros(32, np.int64))
    with pytest.raises(UserError, match="no query has an image of its identity by another camera"):
        check_matches("x", one, one)
    two = replace(one, cameras=np.tile(np.arange(2), 16))
    check_matches("x", two, two)
    with pytest.raises(UserError, match=r"^x: no query"):
        check_matches("x", two.subset(labels < 4), two.subset(labels >= 4))
