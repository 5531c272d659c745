"""Several data sets as one."""

from pathlib import Path

import numpy as np
import pytest

from nas.data import Dataset, Images, check_spec, load_dataset
from nas.data.join import join
from nas.data.spec import parts_of
from nas.errors import UserError
from tests.data import trees


def images(labels: list[int], cameras: list[int] | None, first: int) -> Images:
    pixels = np.arange(first, first + len(labels), dtype=np.uint8)
    pixels = pixels[:, None, None, None].repeat(3, axis=3)
    views = None if cameras is None else np.array(cameras, dtype=np.int64)
    return Images(pixels, np.array(labels, dtype=np.int64), views)


def reid(first: int) -> Dataset:
    return Dataset(
        "x",
        "reid",
        images([1, 0, 1], [1, 2, 3], first),
        query=images([7, 9], [1, 4], first + 10),
        gallery=images([9, 0, 7], [1, 2, 5], first + 20),
    )


def test_identities_and_cameras_stay_distinct_and_distractors_zero() -> None:
    joined = join([reid(0), reid(100)], ["a", "b"])
    train, query, gallery = (joined.splits[name] for name in ("train", "query", "gallery"))
    assert train.labels.tolist() == [1, 0, 1, 3, 2, 3]
    assert gallery.labels.tolist()[1::3] == [0, 0]
    seven, nine, other_seven, other_nine = query.labels.tolist()
    assert len({seven, nine, other_seven, other_nine, 0}) == 5
    assert gallery.labels.tolist() == [nine, 0, seven, other_nine, 0, other_seven]
    # cameras 1 to 5 of the first are 0 to 4, those of the second follow; the same in every split
    assert [s.cameras.tolist() for s in (train, query, gallery)] == [  # type: ignore[union-attr]
        [0, 1, 2, 5, 6, 7],
        [0, 3, 5, 8],
        [0, 1, 4, 5, 6, 9],
    ]
    assert joined.num_classes == 4


def test_pixels_follow_their_labels_through_subsets() -> None:
    train = join([reid(0), reid(100)], ["a", "b"]).train
    assert train.pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 100, 101, 102]
    part = train.subset(np.array([5, 0, 3])).subset(np.array([True, False, True]))
    assert part.pixels[:, 0, 0, 0].tolist() == [102, 100]
    assert part.gather(np.array([1, 1, 0]))[:, 0, 0, 0].tolist() == [100, 100, 102]


def test_groups_stay_together_and_apart() -> None:
    grouped = reid(0)
    twins = Images(
        grouped.train.store, grouped.train.labels, grouped.train.cameras, np.array([4, 4, 4])
    )
    first = Dataset("x", "reid", twins, query=grouped.query, gallery=grouped.gallery)
    joined = join([first, reid(100)], ["a", "b"])
    assert joined.train.groups is not None
    groups = joined.train.groups.tolist()
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[5] != groups[4]
    assert groups[0] not in groups[3:]


def test_without_groups_each_identity_is_its_own() -> None:
    train, test = images([1, 2], [1, 1], 0), images([1, 2], [1, 2], 10)
    plain = Dataset("x", "reid", train, query=test, gallery=test)
    twins = Images(train.store, train.labels, train.cameras, np.array([4, 4]))
    grouped = Dataset("x", "reid", twins, query=test, gallery=test)
    joined = join([plain, grouped, plain], ["a", "b", "c"])
    trained, tested = joined.train.groups, joined.splits["query"].groups
    assert trained is not None and tested is not None
    assert len(set(trained.tolist())) == 2 + 1 + 2
    assert len(set(tested.tolist())) == 2 + 2 + 2


def test_three_sets_are_as_distinct_as_two() -> None:
    joined = join([reid(0), reid(50), reid(100)], ["a", "b", "c"])
    for images in joined.splits.values():
        own = [pair for pair in zip(images.labels, images.cameras, strict=True) if pair[0]]  # type: ignore[arg-type]
        assert len(set(own)) == len(own)


def test_classes_join_by_name() -> None:
    def classified(names: tuple[str, ...], first: int) -> Dataset:
        part = images([0, 1], None, first)
        return Dataset("x", "classification", part, test=part, classes=names)

    joined = join([classified(("dog", "cat"), 0), classified(("cat", "ant"), 10)], ["a", "b"])
    assert joined.classes == ("ant", "cat", "dog")
    assert joined.train.labels.tolist() == [2, 1, 1, 0]
    assert joined.splits["test"].labels.tolist() == [2, 1, 1, 0]


def test_files_and_drawn_images_join_at_the_first_ones_size(tmp_path: Path) -> None:
    spec = f"synthetic:ids=10,size=32x16+market1501:{trees.make(tmp_path, trees.MARKET)}"
    joined = load_dataset(spec)
    assert joined.train.size == (32, 16)
    assert joined.name == "synthetic+market1501"
    assert len(joined.train) == 5 * 12 + 3
    assert joined.train.gather(np.array([62]))[0, 0, 0].tolist() == list(trees.colour(0))
    assert load_dataset(spec, (20, 10)).train.pixels.shape == (63, 20, 10, 3)
    names = joined.train.subset(np.array([62, 3])).names
    assert Path(names[0]).is_relative_to(tmp_path) and names[1] == "1"


def test_a_plus_in_a_path_does_not_join() -> None:
    texts = [text for text, _, _ in parts_of("folder:/a+b/c++ + cifar10:/d+folder/x+fashion-mnist")]
    assert texts == ["folder:/a+b/c++", "cifar10:/d+folder/x", "fashion-mnist"]


def test_a_folder_is_not_joined_with_itself_however_it_is_written(tmp_path: Path) -> None:
    one = f"market1501:{tmp_path}/a"
    for other in (f"market1501:{tmp_path}/a/", f"market1501:{tmp_path}/b/../a"):
        with pytest.raises(UserError, match="a data set is there twice"):
            parts_of(f"{one}+{other}")
    assert len(parts_of(f"{one}+dukemtmc:{tmp_path}/a")) == 2


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("synthetic+fashion-mnist", "only sets for one task go together; synthetic is for reid"),
        ("synthetic+synthetic", "a data set is there twice"),
        ("synthetic+nothing", "'synthetic+nothing' is not a data set"),
        ("synthetic+market1501", "nothing after the name; write market1501:PATH"),
    ],
)
def test_what_can_not_be_joined_is_refused(spec: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_spec(spec)
    assert message in str(caught.value)
