"""The synthetic data set: its bits, its protocol, and what tells twins apart."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import nas.data.synthetic as package
from nas.data import Dataset, Images, digest, hold_out
from nas.data.synthetic import people as kinds
from nas.data.synthetic import synthetic
from nas.data.synthetic.capture import Studio
from nas.data.synthetic.colours import ACCENTS, CLOTHES, LEATHER, TROUSERS, choose_apart
from nas.data.synthetic.people import make_people
from nas.data.synthetic.poses import make_poses
from nas.data.synthetic.raster import isqrt

DEFAULT = "a6108946d289831ae78a3b2fea94491c90e2991434ba5a1dbc330475277353b5"
"""SHA-256 of the default set. It may change only together with a note that old results are void."""

BODY_AND_CLOTHES = (
    "stature",
    "head",
    "shoulder",
    "waist",
    "hip",
    "leg",
    "arm",
    "skin",
    "top",
    "top_hem",
    "sleeve_hem",
    "sleeve",
    "bottom",
    "bottom_kind",
    "open_jacket",
    "inner",
    "pattern",
    "period",
    "second",
    "side_stripe",
    "bag",
)


@pytest.fixture(scope="module")
def default() -> Dataset:
    return synthetic()


@pytest.fixture(scope="module")
def small() -> Dataset:
    return synthetic(ids=20, size=(32, 16), seed=5)


def _test_images(dataset: Dataset) -> tuple[Images, Images]:
    assert dataset.query is not None and dataset.gallery is not None
    return dataset.query, dataset.gallery


def test_the_default_set_has_the_same_bits_on_every_machine(default: Dataset) -> None:
    assert digest(default) == DEFAULT


def test_the_default_set_has_the_documented_numbers(default: Dataset) -> None:
    query, gallery = _test_images(default)
    assert len(default.train) == 300 * 12
    assert len(query) == 300 * 4
    assert len(gallery) == 300 * 8 + 240
    assert default.train.pixels.shape[1:] == (64, 32, 3)


def test_train_labels_count_from_zero(default: Dataset) -> None:
    assert np.unique(default.train.labels).tolist() == list(range(300))


def test_real_identities_start_at_one_and_distractors_are_in_the_gallery(default: Dataset) -> None:
    query, gallery = _test_images(default)
    assert query.labels.min() >= 1
    assert (gallery.labels == 0).sum() == 240
    assert set(gallery.labels.tolist()) == set(query.labels.tolist()) | {0}


def test_an_identity_is_seen_three_times_by_each_of_four_cameras(default: Dataset) -> None:
    cameras = default.train.cameras
    assert cameras is not None
    for identity in range(300):
        seen, count = np.unique(cameras[default.train.labels == identity], return_counts=True)
        assert len(seen) == 4 and set(count.tolist()) == {3}
        assert seen.min() >= 1 and seen.max() <= 6


def test_a_query_is_the_only_one_of_its_identity_and_camera(default: Dataset) -> None:
    query, _ = _test_images(default)
    assert query.cameras is not None
    pairs = list(zip(query.labels.tolist(), query.cameras.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


def test_every_query_has_a_match_from_another_camera(default: Dataset) -> None:
    query, gallery = _test_images(default)
    assert query.cameras is not None and gallery.cameras is not None
    for label, camera in zip(query.labels, query.cameras, strict=True):
        assert ((gallery.labels == label) & (gallery.cameras != camera)).any()


def test_half_of_the_identities_are_twins_on_the_same_side(default: Dataset) -> None:
    query, _ = _test_images(default)
    for images, identities in ((default.train, 300), (query, 300)):
        assert images.groups is not None
        pairs = np.unique(np.stack([images.labels, images.groups]), axis=1)
        members = np.bincount(np.unique(pairs[1], return_inverse=True)[1])
        assert (members == 2).sum() == identities // 4
        assert (members == 1).sum() == identities // 2
    assert default.train.groups is not None and query.groups is not None
    assert not set(default.train.groups.tolist()) & set(query.groups.tolist())


def test_holding_out_keeps_twins_together(default: Dataset) -> None:
    held = hold_out(default.train, "reid", seed=1)
    assert held.query is not None
    assert held.train.groups is not None and held.query.groups is not None
    assert not set(held.train.groups.tolist()) & set(held.query.groups.tolist())
    assert 75 <= len(np.unique(held.query.labels)) <= 76


def test_seeds_give_different_sets(small: Dataset) -> None:
    assert digest(small) == digest(synthetic(ids=20, size=(32, 16), seed=5))
    assert digest(small) != digest(synthetic(ids=20, size=(32, 16), seed=6))


def test_no_two_photographs_are_equal(default: Dataset) -> None:
    distinct = {picture.tobytes() for picture in default.train.pixels}
    assert len(distinct) == len(default.train)


def test_a_photograph_does_not_depend_on_what_is_made_with_it() -> None:
    everyone, none = np.arange(12), np.zeros(12, dtype=np.int64)
    people, poses = make_people(everyone, none, 3), make_poses(everyone, everyone % 6, none, 3)
    studio = Studio((64, 32), 3)
    together = studio.photograph(people, poses)
    some = np.array([7, 2])
    alone = studio.photograph(people.take(some), poses.take(some))
    assert np.array_equal(together[some], alone)


@pytest.mark.parametrize("size", [(128, 64), (48, 48), (40, 24)])
def test_any_size_is_drawn_natively(size: tuple[int, int]) -> None:
    assert synthetic(ids=4, size=size).train.size == size


def test_twins_share_body_clothes_patterns_and_bags() -> None:
    family = np.arange(500)
    first, second = (make_people(family, np.full(500, twin), 1) for twin in (0, 1))
    for name in BODY_AND_CLOTHES:
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_twins_differ_at_the_head_or_the_feet_and_in_a_further_detail() -> None:
    family = np.arange(500)
    first, second = (make_people(family, np.full(500, twin), 1) for twin in (0, 1))

    def differs(*names: str) -> NDArray[np.bool_]:
        parts = [getattr(first, name) != getattr(second, name) for name in names]
        each = [part.reshape(500, -1).any(1) for part in parts]
        return np.asarray(np.any(each, axis=0))

    cap = (first.hair_style == kinds.CAP) & (second.hair_style == kinds.CAP)
    head = np.where(cap, differs("cap"), differs("hair_style", "hair"))
    assert (head | differs("shoes")).all()
    belt = differs("belt") | (differs("belt_colour") & (first.belt == 1))
    bag = differs("bag_colour") & (first.bag != kinds.NO_BAG)
    assert (differs("logo") | belt | bag).all()


def test_a_logo_of_a_twin_shows_in_the_photograph() -> None:
    family = np.arange(60)
    none = np.zeros(60, dtype=np.int64)
    pair = [make_people(family, none + twin, 1) for twin in (0, 1)]
    poses = make_poses(family, none, none, 1)
    studio = Studio((64, 32), 1)
    first, second = (studio.photograph(people, poses).astype(np.int64) for people in pair)
    # The same pose, noise and place: what differs is the person.
    changed = (np.abs(first - second).max(3) > 8).sum((1, 2))
    assert np.median(changed) >= 12
    assert changed.max() < 64 * 32 // 4


@pytest.mark.parametrize("palette", [LEATHER, ACCENTS, CLOTHES])
def test_steps_of_one_to_three_change_a_colour(palette: NDArray[np.int64]) -> None:
    for background in np.concatenate([CLOTHES, TROUSERS]):
        steps = np.arange(4)
        chosen = choose_apart(palette, np.tile(background, (4, 1)), steps, 1, "any")
        assert len(np.unique(chosen, axis=0)) == 4


def test_isqrt_equals_the_root_of_plain_python() -> None:
    values = np.concatenate([np.arange(3000), np.arange(1022**2, 1023**2 + 1)])
    assert isqrt(values).tolist() == [math.isqrt(v) for v in values.tolist()]


def test_the_generator_uses_no_floating_point() -> None:
    folder = Path(package.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
            assert not isinstance(getattr(node, "op", None), ast.Div), where
            assert not (isinstance(node, ast.Attribute) and "float" in node.attr), where


def test_too_few_identities_are_refused() -> None:
    with pytest.raises(ValueError, match="ids=3"):
        synthetic(ids=3)
