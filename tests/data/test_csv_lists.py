"""Data sets that a CSV file lists, beside the same images in folders."""

import re
from pathlib import Path

import numpy as np
import pytest

from nas.data import check_dataset, check_spec, fingerprint, load_dataset
from nas.errors import UserError
from tests.data import trees

REID = """\
identity , path, split,camera ,weather
ann, train/0003_c1_a.png, train, hall, sun
bob, train/0001_c10_a.png, train, yard, rain
-1, train/0001_c2_a.png, train, yard, rain
cat, query/0005_c1_a.png, query, hall, sun
, gallery/0000_c1_a.png, gallery, hall, sun
cat, gallery/0005_c2_a.png, gallery, yard, sun
"""
FOLDERS = {
    "train": ["0003_c1_a.png", "0001_c10_a.png", "0001_c2_a.png"],
    "query": ["0005_c1_a.png"],
    "gallery": ["0000_c1_a.png", "0005_c2_a.png"],
}
CLASSES = "path,split,class\na.png,train,dog\nb.png,train,ant\nc/d.png,test,dog\n"


def listed(root: Path, text: str, folders: dict[str, list[str]]) -> Path:
    file = trees.make(root, folders) / "list.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_identities_and_cameras_are_any_texts(tmp_path: Path) -> None:
    """An identity of -1 is junk, none in the gallery a distractor; other columns are not read."""
    file = listed(tmp_path, REID, FOLDERS)
    data = load_dataset(f"reid-csv:{file}", (16, 8))
    assert data.query is not None and data.gallery is not None
    assert data.train.labels.tolist() == [1, 0]  # of 0001_c10 and 0003_c1, sorted by path
    assert data.gallery.labels.tolist()[0] == 0
    assert data.gallery.labels.tolist()[1] == data.query.labels.tolist()[0] > 0
    cameras = [x.cameras.tolist() for x in data.splits.values() if x.cameras is not None]
    assert cameras == [[2, 1], [1], [1, 2]]
    assert [tuple(p) for p in data.train.pixels[:, 0, 0].tolist()] == [
        trees.colour(1), trees.colour(0),
    ]  # fmt: skip


def test_it_is_the_same_data_as_in_folders(tmp_path: Path) -> None:
    """By numbers for names, in the order of the numbers."""
    root = trees.make(tmp_path, trees.REID_FOLDER)
    lines = ["path,split,identity,camera"]
    for folder, names in trees.REID_FOLDER.items():
        for name in names:
            identity, camera = name.removesuffix(".png").split("_")[:2]
            known = {"0": "", "-1": "-1"}.get(identity, f"id{identity:0>4}")
            lines.append(f"{folder}/{name},{folder},{known},{camera}")
    (root / "list.csv").write_text("\n".join(lines))
    ours = load_dataset(f"reid-csv:{root / 'list.csv'}", (16, 8))
    theirs = load_dataset(f"reid-folder:{root}", (16, 8))
    for name, images in theirs.splits.items():
        own = ours.splits[name]
        assert np.array_equal(own.pixels, images.pixels)
        same = images.labels[:, None] == images.labels
        assert np.array_equal(own.labels[:, None] == own.labels, same)
        assert ((own.labels == 0) == (images.labels == 0)).all() or name == "train"


def test_classes_are_the_sorted_names_of_train(tmp_path: Path) -> None:
    file = listed(tmp_path, CLASSES, {"": ["a.png", "b.png"], "c": ["d.png"]})
    data = load_dataset(f"class-csv:{file}", (16, 8))
    assert data.classes == ("ant", "dog")
    assert data.train.labels.tolist() == [1, 0]
    assert data.test is not None and data.test.labels.tolist() == [1]
    assert tuple(data.test.pixels[0, 0, 0]) == trees.colour(2)
    findings = check_dataset(f"class-csv:{file}").findings
    assert [f.message for f in findings] == [f"class-csv:{file}: class 'ant' has no image in test"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x.png, val, ann, hall", "split 'val' is not one of train, query, gallery"),
        (", train, ann, hall", "no path"),
        ("x.png, train, , hall", "no identity for x.png"),
        ("x.png, gallery, ann,", "no camera for x.png"),
        ("x.png, train", "no identity for x.png"),
        ("train/0003_c1_a.png, train, ann, hall", "train/0003_c1_a.png is listed already"),
        ("./train/../train/0003_c1_a.png, train, bob, hall", "./train/.*png is listed already"),
        ("x\0.png, train, ann, hall", "no path"),
    ],
)
def test_a_row_that_does_not_hold_is_named_by_its_line(
    line: str, message: str, tmp_path: Path
) -> None:
    rows = [",".join(row.split(",")[i] for i in (1, 2, 0, 3)) for row in REID.splitlines()]
    file = listed(tmp_path, "\n".join([*rows, line]), FOLDERS)
    with pytest.raises(UserError, match=f"list.csv:8: {message}"):
        load_dataset(f"reid-csv:{file}")
    findings = check_dataset(f"reid-csv:{file}").findings
    named = [f.message for f in findings if f.kind == "name"]
    assert len(named) == 1 and re.fullmatch(f"{re.escape(str(file))}:8: {message}", named[0])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "reid-csv",
            "path,split,id,camera\n",
            "no column identity: the first line has to name",
        ),
        ("class-csv", "", "no column path: .* path,split,class, and is ''"),
        ("class-csv", CLASSES.replace(",test", ",train"), "no images of test"),
        ("class-csv", CLASSES + "b.png,test,bee\n", "b.png: class 'bee' is not one of train"),
    ],
)
def test_what_is_wrong_with_a_list_is_one_line(
    name: str, text: str, message: str, tmp_path: Path
) -> None:
    file = listed(tmp_path, text, {"": ["a.png", "b.png"], "c": ["d.png"]})
    with pytest.raises(UserError, match=message) as caught:
        load_dataset(f"{name}:{file}")
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_list_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "image.csv").write_bytes(b"path,split\xff\xfe")
    for name, message in (
        ("none.csv", "No such file"),
        ("", "is a directory; give the CSV file, as image.csv in it"),
        ("image.csv", "not a ta"),
    ):
        with pytest.raises(UserError, match=message):
            check_spec(f"reid-csv:{tmp_path / name}")


def test_a_fingerprint_tells_other_files_labels_and_cameras(tmp_path: Path) -> None:
    file = listed(tmp_path, REID, FOLDERS)
    found = [fingerprint(f"reid-csv:{file}")]
    for old, new in (("ann", "dan"), ("ann", "bob"), ("hall", "yard"), ("query, hall", "query, z")):
        file.write_text(REID.replace(old, new))
        found.append(fingerprint(f"reid-csv:{file}"))
    file.write_text(REID)
    assert fingerprint(f"reid-csv:{file}") == found[0]
    (tmp_path / "train" / "0001_c10_a.png").write_bytes(b"other")
    found.append(fingerprint(f"reid-csv:{file}"))
    assert None not in found and "" not in found and len(set(found)) == len(found)
    (tmp_path / "train" / "0001_c10_a.png").unlink()
    assert fingerprint(f"reid-csv:{file}") is None
    assert fingerprint("synthetic") == ""
