"""Checks of data sets: each kind of damage is found and named, and a whole set passes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from nas.data import check_dataset
from nas.data.spec import SOURCES
from nas.errors import UserError
from tests.data import trees

# A train identity that two cameras saw, and queries that another camera saw in the gallery.
GOOD = {
    "train": ["1_c1_a.png", "1_c2_b.png", "2_c1_a.png"],
    "query": ["5_c1_a.png", "6_c2_a.png"],
    "gallery": ["5_c2_b.png", "6_c1_b.png", "0_c1_b.png"],
}


def found(spec: str) -> list[tuple[str, str]]:
    return [(finding.kind, finding.message) for finding in check_dataset(spec).findings]


def test_a_whole_set_passes_with_its_counts(tmp_path: Path) -> None:
    checked = check_dataset(f"reid-folder:{trees.make(tmp_path, GOOD)}")
    assert checked.ok and not checked.findings
    counts = {
        split.split: (split.images, split.labels, split.distractors, split.cameras, split.unmatched)
        for split in checked.splits
    }
    assert counts["train"] == (3, 2, 0, 2, 1)
    assert counts["query"] == (2, 2, 0, 2, 0)
    assert counts["gallery"] == (3, 2, 1, 2, 0)


def remove_query(root: Path) -> None:
    for path in (root / "query").iterdir():
        path.unlink()
    (root / "query").rmdir()


def shrink(root: Path) -> None:
    path = root / "gallery" / "5_c2_b.png"
    path.write_bytes(path.read_bytes()[:50])


def recode(root: Path) -> None:
    """The pixels of a training image in another format."""
    Image.open(root / "train" / "1_c2_b.png").save(root / "gallery" / "6_c1_b.bmp")
    (root / "gallery" / "6_c1_b.png").unlink()


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "missing folder": (remove_query, "folder", "data reid-folder: no folder query in {root}"),
    "empty file": (
        lambda root: (root / "train" / "1_c1_a.png").write_bytes(b""),
        "image",
        "{root}/train/1_c1_a.png: empty file",
    ),
    "truncated file": (shrink, "image", "{root}/gallery/5_c2_b.png: damaged image: "),
    "a file that is no image": (
        lambda root: (root / "query" / "5_c1_a.png").write_text("hello"),
        "image",
        "{root}/query/5_c1_a.png: not an image of a known kind",
    ),
    "name": (
        lambda root: trees.save(root / "gallery" / "five_c1.png", 50),
        "name",
        "{root}/gallery/five_c1.png: the name is not like 0002_c1_anything.jpg",
    ),
    "distractor in query": (
        lambda root: trees.save(root / "query" / "0_c1_a.png", 50),
        "name",
        "{root}/query/0_c1_a.png: identity 0 is a distractor, which query can not have",
    ),
    "no match": (
        lambda root: trees.save(root / "query" / "6_c1_a.png", 50),
        "identity",
        "reid-folder:{root}: identity 6 of query has no image by another camera in gallery",
    ),
    "identity in both": (
        lambda root: trees.save(root / "gallery" / "2_c3_a.png", 50),
        "identity",
        "reid-folder:{root}: identity 2 is in train and in gallery",
    ),
    "same bytes": (
        lambda root: trees.save(root / "gallery" / "9_c3_a.png", 0),
        "duplicate",
        "{root}/gallery/9_c3_a.png: the same pixels as {root}/train/1_c1_a.png of train",
    ),
    "same pixels": (
        recode,
        "duplicate",
        "{root}/gallery/6_c1_b.bmp: the same pixels as {root}/train/1_c2_b.png of train",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_each_damage_is_the_one_finding_that_names_it(what: str, tmp_path: Path) -> None:
    damage, kind, message = DAMAGE[what]
    damage(trees.make(tmp_path, GOOD))
    findings = found(f"reid-folder:{tmp_path}")
    assert len(findings) == 1, findings
    assert findings[0][0] == kind
    assert findings[0][1].startswith(message.format(root=tmp_path))
    assert "\n" not in findings[0][1]


def test_several_damages_are_all_found(tmp_path: Path) -> None:
    trees.make(tmp_path, GOOD)
    for what in ("empty file", "truncated file", "name", "same bytes"):
        DAMAGE[what][0](tmp_path)
    # The image that is a duplicate's original can not be opened any more.
    kinds = [kind for kind, _ in found(f"reid-folder:{tmp_path}")]
    assert sorted(kinds) == ["image", "image", "name"]


def test_a_camera_out_of_range_is_found(tmp_path: Path) -> None:
    trees.make(tmp_path, trees.VERI | {"image_query": ["0004_c021_1_0.jpg"]})
    message = f"{tmp_path}/image_query/0004_c021_1_0.jpg: camera 21 is not one of 1 to 20"
    assert ("camera", message) in found(f"veri776:{tmp_path}")


def test_counts_are_compared_with_the_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = f"market1501:{trees.make(tmp_path, trees.MARKET)}"
    findings = found(spec)
    assert [kind for kind, _ in findings] == ["count"] * 3
    assert findings[0][1] == (
        f"{spec}: train has 3 images of 2 identities, published are 12,936 of 751"
    )
    known = ({"train": (3, 2), "query": (2, 2), "gallery": (4, 2)},)
    monkeypatch.setitem(SOURCES, "market1501", replace(SOURCES["market1501"], published=known))
    assert check_dataset(spec).ok


def test_of_several_variants_the_nearest_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = (
        {"train": (1, 1), "query": (1, 1), "gallery": (9, 9)},
        {"train": (3, 2), "query": (1, 1), "gallery": (2, 2)},
    )
    monkeypatch.setitem(SOURCES, "cuhk03", replace(SOURCES["cuhk03"], published=variants))
    assert check_dataset(f"cuhk03:{trees.make(tmp_path, trees.CUHK03)}").ok


def test_msmt17s_own_numbers_for_test_are_no_shared_identities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ({"train": (2, 2), "query": (1, 1), "gallery": (2, 2)},)
    monkeypatch.setitem(SOURCES, "msmt17", replace(SOURCES["msmt17"], published=known))
    assert check_dataset(f"msmt17:{trees.make_msmt(tmp_path)}").ok
    (tmp_path / "test" / "0001" / "0001_001_03_0303morning_0012_0.jpg").unlink()
    findings = found(f"msmt17:{tmp_path}")
    assert [kind for kind, _ in findings] == ["image"]
    assert "No such file" in findings[0][1]


def test_class_folders_are_checked(tmp_path: Path) -> None:
    spec = f"folder:{trees.make(tmp_path, trees.CLASSES)}"
    assert check_dataset(spec).ok
    (tmp_path / "test" / "cat" / "e.jpg").unlink()
    (tmp_path / "test" / "cat").rmdir()
    assert found(spec) == [("class", f"{spec}: class 'cat' has no image in test")]


def test_arrays_are_checked_too(tmp_path: Path) -> None:
    trees.make_cifar(tmp_path, "cifar100", per_file=100)
    train = (tmp_path / "train.bin").read_bytes()
    (tmp_path / "test.bin").write_bytes(train[3074 * 5 : 3074 * 6] + bytes(3074))
    kinds = [kind for kind, _ in found(f"cifar100:{tmp_path}")]
    assert kinds.count("duplicate") == 1
    (tmp_path / "test.bin").write_bytes(b"damaged")
    assert found(f"cifar100:{tmp_path}") == [
        ("folder", f"{tmp_path}/test.bin: damaged: 7 bytes are no records of 3074")
    ]


def test_what_is_in_train_of_one_and_test_of_another_is_found(tmp_path: Path) -> None:
    first, second = trees.make(tmp_path / "a", GOOD), tmp_path / "b"
    for number, (folder, name) in enumerate((f, n) for f, names in GOOD.items() for n in names):
        trees.save(second / folder / name, 100 + number)
    spec = f"reid-folder:{first}+reid-folder:{second}"
    assert check_dataset(spec).ok
    trees.save(second / "query" / "6_c2_a.png", 0)
    assert found(spec) == [
        (
            "duplicate",
            f"{second}/query/6_c2_a.png: the same pixels as {first}/train/1_c1_a.png of train",
        )
    ]


def test_what_is_scored_on_alone_may_be_without_train(tmp_path: Path) -> None:
    first, second = trees.make(tmp_path / "a", GOOD), tmp_path / "b"
    tested = [(folder, name) for folder in ("query", "gallery") for name in GOOD[folder]]
    for number, (folder, name) in enumerate(tested, 100):
        trees.save(second / folder / name, number)
    here, there = f"reid-folder:{first}", f"reid-folder:{second}"
    assert found(f"{here} -> {there}") == []
    for spec in (there, f"{there} -> {here}"):
        assert [kind for kind, _ in found(spec)] == ["train"]


def test_the_synthetic_set_passes() -> None:
    checked = check_dataset("synthetic:ids=10,size=32x16")
    assert checked.ok
    assert [split.images for split in checked.splits] == [60, 20, 44]


def test_a_missing_set_is_a_finding_and_an_unknown_one_an_error(tmp_path: Path) -> None:
    assert found(f"market1501:{tmp_path}/none") == [
        ("folder", f"data market1501: no folder {tmp_path}/none")
    ]
    with pytest.raises(UserError, match="is not a data set"):
        check_dataset("nothing")


def test_the_outcome_is_plain_json(tmp_path: Path) -> None:
    trees.make(tmp_path, trees.MARKET)
    text = json.dumps(check_dataset(f"market1501:{tmp_path}").as_dict())
    read = json.loads(text)
    assert read["ok"] is False
    assert read["splits"][0]["published"] == [12936, 751]
    assert read["findings"][0]["kind"] == "count"
