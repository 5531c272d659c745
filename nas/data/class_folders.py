"""Classification sets as folders of images: PATH/train/CLASS/*.jpg and PATH/test/CLASS/*.jpg."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from nas.data.decode import is_image
from nas.data.listing import Listing, Report, Split, files_below
from nas.errors import UserError

SIZE = (224, 224)
"""Height and width unless another is asked for."""


def check_class_folders(path: Path) -> None:
    """Raise UserError unless there is a folder train, and test or val; reads no names."""
    if not path.is_dir():
        raise UserError(f"data folder: no folder {path}")
    if not (path / "train").is_dir():
        raise UserError(f"data folder: no folder train in {path}; it holds a folder for each class")
    if _test(path) is None:
        raise UserError(f"data folder: no folder test or val in {path}")


def list_class_folders(path: Path, report: Report) -> Listing:
    """List a set of class folders. Classes are the folders of train, sorted by name.

    The test split is `test`, or `val` where there is no `test`. What is wrong goes to `report`.
    """
    check_class_folders(path)
    test = _test(path)
    assert test is not None
    classes = tuple(_folders(path / "train"))
    splits = {}
    for name, folder in (("train", path / "train"), ("test", test)):
        paths: list[str] = []
        labels: list[int] = []
        for found in _folders(folder):
            files = _images_below(folder / found)
            if found not in classes:
                report("class", f"{folder / found}: class {found!r} is not one of train")
            elif not files:
                report("class", f"{folder / found}: no images of class {found!r}")
            else:
                paths += files
                labels += [classes.index(found)] * len(files)
        if not paths:
            report("folder", f"{folder}: no images; it holds a folder of images for each class")
            continue
        splits[name] = Split(tuple(paths), np.array(labels, np.int64))
    about = f"{len(classes)} classes, {path}"
    return Listing("folder", "classification", path, splits, SIZE, about, classes)


def _test(path: Path) -> Path | None:
    return next((path / name for name in ("test", "val") if (path / name).is_dir()), None)


def _folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as found:
            return sorted(e.name for e in found if e.is_dir() and not e.name.startswith("."))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _images_below(folder: Path) -> list[str]:
    """Paths of the images in a folder and its folders, sorted."""
    return sorted(path for path in files_below(folder) if is_image(os.path.basename(path)))
