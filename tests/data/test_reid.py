"""Re-identification sets from folders, in the naming of each public one."""

from pathlib import Path

import numpy as np
import pytest

from nas.data import Dataset, Images, check_spec, load_dataset
from nas.data.layouts import LAYOUTS
from nas.errors import UserError
from tests.data import trees


def held(images: Images | None) -> list[tuple[int, int]]:
    """Identity and camera of each image."""
    assert images is not None and images.cameras is not None
    return list(zip(images.labels.tolist(), images.cameras.tolist(), strict=True))


def first_colours(images: Images) -> list[tuple[int, ...]]:
    return [tuple(pixel) for pixel in images.pixels[:, 0, 0].tolist()]


EXPECTED = {
    "market1501": (
        trees.MARKET,
        [(0, 1), (0, 3), (1, 1)],
        [(5, 1), (9, 6)],
        [(0, 4), (5, 2), (9, 5), (9, 6)],
    ),
    "dukemtmc": (trees.DUKE, [(0, 8), (1, 2)], [(6, 1)], [(6, 8), (7140, 3)]),
    "veri776": (trees.VERI, [(0, 1), (1, 20)], [(4, 12)], [(4, 12), (4, 13)]),
    "cuhk03": (
        trees.CUHK03,
        [(0, 1), (0, 2), (1, 1)],
        [(30004, 1)],
        [(30004, 2), (30005, 2)],
    ),
    "reid-folder": (trees.REID_FOLDER, [(1, 1), (0, 10), (0, 2)], [(5, 1)], [(0, 1), (5, 2)]),
}


@pytest.mark.parametrize(("name", "tree"), [("market1501", trees.MARKET), ("dukemtmc", trees.DUKE)])
def test_a_camera_that_a_set_has_not_is_told(
    name: str, tree: dict[str, list[str]], tmp_path: Path
) -> None:
    """And is not the one of its first digit."""
    folder = next(iter(tree))
    trees.make(tmp_path, tree)
    trees.save(tmp_path / folder / "0008_c12s1_000001_01.jpg", 1)
    with pytest.raises(UserError, match="12"):
        load_dataset(f"{name}:{tmp_path}", (16, 8))


def test_lists_may_begin_with_a_mark_of_their_encoding(tmp_path: Path) -> None:
    """As editors on Windows write it."""
    trees.make_msmt(tmp_path)
    for file in tmp_path.glob("list_*.txt"):
        file.write_text(file.read_text(), encoding="utf-8-sig")
    assert load_dataset(f"msmt17:{tmp_path}", (16, 8)).train.pixels.shape[1:] == (16, 8, 3)


@pytest.mark.parametrize("name", EXPECTED)
def test_identities_and_cameras_follow_from_names(name: str, tmp_path: Path) -> None:
    tree, *expected = EXPECTED[name]
    dataset = load_dataset(f"{name}:{trees.make(tmp_path, tree)}", (16, 8))  # type: ignore[arg-type]
    assert [held(s) for s in (dataset.train, dataset.query, dataset.gallery)] == expected


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("market1501", "Market-1501-v15.09.15"),
        ("dukemtmc", "DukeMTMC-reID"),
        ("veri776", "VeRi"),
        ("cuhk03", "detected"),
        ("cuhk03", "labeled"),
    ],
)
def test_a_set_may_lie_in_the_folder_it_is_packed_in(name: str, below: str, tmp_path: Path) -> None:
    trees.make(tmp_path / below, EXPECTED[name][0])  # type: ignore[arg-type]
    assert held(load_dataset(f"{name}:{tmp_path}").query) == EXPECTED[name][2]


def test_of_detected_and_labeled_the_detected_are_read(tmp_path: Path) -> None:
    trees.make(tmp_path / "labeled", trees.CUHK03)
    trees.make(
        tmp_path / "detected", trees.CUHK03 | {"query": ["3_004_1_02.png", "3_005_1_03.png"]}
    )
    assert len(load_dataset(f"cuhk03:{tmp_path}").splits["query"]) == 2
    assert len(load_dataset(f"cuhk03:{tmp_path / 'labeled'}").splits["query"]) == 1


def test_market_style_names_of_cuhk03_are_read(tmp_path: Path) -> None:
    tree = {
        "bounding_box_train": ["0001_c1_1.png", "0002_c2_7.png"],
        "query": ["0003_c1_1.png"],
        "bounding_box_test": ["0003_c2_1.png"],
    }
    assert held(load_dataset(f"cuhk03:{trees.make(tmp_path, tree)}").train) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(("prefix", "suffix"), [("", ""), ("mask_", "_v2")])
def test_msmt17_follows_its_lists(prefix: str, suffix: str, tmp_path: Path) -> None:
    dataset = load_dataset(f"msmt17:{trees.make_msmt(tmp_path, prefix, suffix)}", (16, 8))
    assert held(dataset.train) == [(0, 1), (1, 15)]
    # Identity 0 of its lists is a person, and not a distractor: all are one higher.
    assert held(dataset.query) == [(1, 3)]
    assert held(dataset.gallery) == [(1, 4), (2, 3)]


def test_pixels_are_those_of_the_files(tmp_path: Path) -> None:
    dataset = load_dataset(f"market1501:{trees.make(tmp_path, trees.MARKET)}", (16, 8))
    # Files are sorted by name: the train images were written as 0, 1, 2 in another order.
    assert first_colours(dataset.train) == [trees.colour(i) for i in (1, 2, 0)]
    files = sorted(path.name for path in tmp_path.rglob("bounding_box_train/*.jpg"))
    assert [Path(name).name for name in dataset.train.names] == files
    assert dataset.query is not None and dataset.query.size == (16, 8)
    assert first_colours(dataset.query) == [trees.colour(3), trees.colour(4)]


def test_the_size_is_the_layouts_unless_one_is_asked_for(tmp_path: Path) -> None:
    trees.make(tmp_path, trees.VERI)
    assert load_dataset(f"veri776:{tmp_path}").train.size == (256, 256)
    assert load_dataset(f"veri776:{tmp_path}", (20, 12)).train.pixels.shape == (2, 20, 12, 3)


def test_other_files_and_hidden_ones_are_no_images(tmp_path: Path) -> None:
    trees.make(tmp_path, trees.MARKET)
    (tmp_path / "query" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "query" / "._0005_c1s1_000151_00.jpg").write_bytes(b"x")
    assert len(load_dataset(f"market1501:{tmp_path}").splits["query"]) == 2


def break_market(root: Path, damage: str) -> None:
    if damage == "folder":
        for path in (root / "query").iterdir():
            path.unlink()
        (root / "query").rmdir()
    elif damage == "empty":
        for path in (root / "query").iterdir():
            path.unlink()
    else:
        trees.save(root / "query" / damage, 99)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("folder", "data market1501: no folder query in {root}"),
        ("empty", "data market1501: no images of query in {root}/query"),
        ("someone.jpg", "{root}/query/someone.jpg: the name is not like 0002_c1s1_000451_03.jpg"),
        ("0000_c1s1_1.jpg", "{root}/query/0000_c1s1_1.jpg: identity 0 is a distractor"),
        ("0001_c7s1_1.jpg", "{root}/query/0001_c7s1_1.jpg: camera 7 is not one of 1 to 6"),
    ],
)
def test_what_is_wrong_is_one_line(damage: str, message: str, tmp_path: Path) -> None:
    break_market(trees.make(tmp_path, trees.MARKET), damage)
    with pytest.raises(UserError) as caught:
        load_dataset(f"market1501:{tmp_path}")
    assert message.format(root=tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0000/0000_000_03.jpg", "is not `path identity`"),
        ("../secret/0000_000_03_x.jpg 0", "is not `path identity`"),
        ("/etc/0000_000_03_x.jpg 0", "is not `path identity`"),
    ],
)
def test_lists_name_images_below_the_folder(line: str, message: str, tmp_path: Path) -> None:
    trees.make_msmt(tmp_path)
    (tmp_path / "list_query.txt").write_text(f"\n{line}\n")
    with pytest.raises(UserError, match=rf"list_query.txt:2: .*{message}"):
        load_dataset(f"msmt17:{tmp_path}")


def test_an_image_that_is_listed_twice_is_told(tmp_path: Path) -> None:
    """Else it would be two images, perhaps of two identities."""
    trees.make_msmt(tmp_path)
    line = (tmp_path / "list_train.txt").read_text().split()[0]
    with (tmp_path / "list_val.txt").open("a") as file:
        file.write(f"{line} 7\n")
    with pytest.raises(UserError, match=rf"list_val.txt:\d+: {line} is listed already"):
        load_dataset(f"msmt17:{tmp_path}")


def test_a_number_that_is_too_long_is_told(tmp_path: Path) -> None:
    for name in ("train/20240101123045123456_c1.jpg", "query/5_c1.jpg", "gallery/5_c2.jpg"):
        trees.save(tmp_path / name, 1)
    with pytest.raises(UserError, match=r"20240101123045123456_c1\.jpg: a number of more than 18"):
        load_dataset(f"reid-folder:{tmp_path}", (16, 8))


@pytest.mark.parametrize("text", ["~no-such-user/x", "a" * 300])
def test_a_text_that_is_no_path_is_told(text: str) -> None:
    with pytest.raises(UserError, match=r"data: .* is no path"):
        load_dataset(f"dukemtmc:{text}", (16, 8))


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_missing_folder_is_said_before_anything_is_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"data {name}: no folder {tmp_path}/none"):
        check_spec(f"{name}:{tmp_path}/none")
    with pytest.raises(UserError, match=f"data {name}: {tmp_path} has none of the folders"):
        check_spec(f"{name}:{tmp_path}")


def test_a_missing_list_is_said(tmp_path: Path) -> None:
    trees.make_msmt(tmp_path)
    (tmp_path / "list_val.txt").unlink()
    with pytest.raises(UserError, match=f"no file list_val.txt in {tmp_path}"):
        check_spec(f"msmt17:{tmp_path}")


def test_the_published_counts_are_those_of_the_sets() -> None:
    """Images, and identities where the publications give them."""
    expected = {
        "market1501": (12936, 3368, 15913),
        "dukemtmc": (16522, 2228, 17661),
        "msmt17": (32621, 11659, 82161),
        "veri776": (37778, 1678, 11579),
    }
    for name, counts in expected.items():
        assert tuple(c[0] for c in LAYOUTS[name].published[0].values()) == counts


def test_training_identities_are_ranks_in_sorted_order(tmp_path: Path) -> None:
    ids = [100, 20, 3]
    tree = trees.REID_FOLDER | {"train": [f"{i}_c1_.png" for i in ids]}
    train = load_dataset(f"reid-folder:{trees.make(tmp_path, tree)}").train
    assert train.labels.tolist() == [2, 1, 0]  # sorted by name: 100, 20, 3
    assert np.array_equal(np.unique(train.labels), np.arange(3))
    assert isinstance(load_dataset(f"reid-folder:{tmp_path}"), Dataset)
