"""Contact sheets: a PNG that shows the images, written whole or not at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nas.data import Dataset, Images, contact_sheet, load_dataset
from nas.data.synthetic import synthetic
from nas.errors import UserError
from tests.data import trees


def _contains(sheet: np.ndarray, picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (height, width), axis=(0, 1))
    corner = np.argwhere((windows[..., 0, 0] == picture[0, 0]).all(2))
    return any(
        np.array_equal(sheet[y : y + height, x : x + width], picture) for y, x in corner.tolist()
    )


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_sheet_shows_the_first_identity(tmp_path: Path, part: str) -> None:
    dataset = synthetic(ids=10, size=(32, 16))
    path = tmp_path / "sheet.png"
    contact_sheet(dataset, path, part=part, rows=2, zoom=1)  # type: ignore[arg-type]
    sheet = np.asarray(Image.open(path))
    shown = dataset.train if part == "train" else dataset.query
    assert shown is not None
    assert _contains(sheet, shown.pixels[0])


def test_a_row_holds_as_many_images_of_a_class_as_asked(tmp_path: Path) -> None:
    pixels = np.repeat(np.arange(1, 9, dtype=np.uint8), 4 * 4 * 3).reshape(8, 4, 4, 3)
    images = Images(pixels, np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    path = tmp_path / "sheet.png"
    contact_sheet(Dataset("x", "classification", images, test=images), path, each=3, zoom=2)
    sheet = np.asarray(Image.open(path))
    area = [int((sheet == value).all(2).sum()) for value in range(1, 9)]
    assert area == [64, 64, 64, 0, 64, 64, 64, 0]


def test_files_are_shown_without_decoding_the_others(tmp_path: Path, cache_folder: Path) -> None:
    trees.make(tmp_path, trees.REID_FOLDER)
    names = [f"{i}_c1_.png" for i in range(1, 6)]
    trees.make(tmp_path, {"train": names})
    (tmp_path / "train" / "5_c1_.png").write_bytes(b"damaged")
    dataset = load_dataset(f"reid-folder:{tmp_path}", (16, 8), cache=False)
    path = tmp_path / "sheet.png"
    contact_sheet(dataset, path, rows=2, zoom=1)
    sheet = np.asarray(Image.open(path))
    assert [(sheet == trees.colour(i)).all(2).sum() for i in (0, 1, 2)] == [128, 128, 0]
    assert list(cache_folder.iterdir()) == []


@pytest.mark.parametrize("option", [{"rows": 0}, {"zoom": 0}, {"each": 0}, {"part": "query"}])
def test_what_is_no_sheet_is_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"^{next(iter(option))}: "):
        contact_sheet(synthetic(ids=10, size=(32, 16)), tmp_path / "sheet.png", **option)
    assert not list(tmp_path.iterdir())


def test_nothing_but_the_sheet_is_left_in_the_folder(tmp_path: Path) -> None:
    contact_sheet(synthetic(ids=10, size=(32, 16)), tmp_path / "sheet.png", rows=1)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    path = tmp_path / "sheet.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        contact_sheet(synthetic(ids=10, size=(32, 16)), path, rows=1)
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]
    assert path.read_bytes() == b"old"


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        contact_sheet(synthetic(ids=10, size=(32, 16)), tmp_path / "none" / "sheet.png")
