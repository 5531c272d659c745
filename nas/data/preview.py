"""Contact sheets: what a data set looks like, as one PNG."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas.arguments import a_path, whole
from nas.data.dataset import Dataset, Images
from nas.data.stack import stacked
from nas.errors import UserError, brief
from nas.files import write_atomically

Part: TypeAlias = Literal["train", "test"]

_MARGIN = 64
_LETTERS = 9  # of a name, in the margin
_HEADING = 18
_GAP = 2
_PAPER = (255, 255, 255)
_EMPTY = (232, 232, 232)
_INK = (40, 40, 40)


def _images(dataset: Dataset, part: Part) -> Images:
    """The training images, or the test images; for re-identification query and gallery in one."""
    if part == "train":
        return dataset.train
    if part != "test":
        raise UserError(f"part: {part!r} is not train or test")
    if dataset.test is not None:
        return dataset.test
    return stacked([dataset.splits[name] for name in ("query", "gallery")])


def _labels(images: Images, distractors: bool, limit: int) -> list[int]:
    """The first labels, with those of one group (twins) next to each other."""
    labels, first = np.unique(images.labels, return_index=True)
    groups = labels if images.groups is None else images.groups[first]
    order = np.lexsort((labels, groups))
    return [int(label) for label in labels[order] if label != 0 or not distractors][:limit]


def _sheet(
    images: Images, labels: list[int], names: Sequence[str], each: int, zoom: int
) -> "tuple[NDArray[np.uint8], list[tuple[int, int, str]]]":
    """The sheet without its words, uint8 (height, width, 3), and (x, y, text) for each word."""
    height, width = (zoom * side for side in images.size)
    cameras = [None] if images.cameras is None else [int(c) for c in np.unique(images.cameras)]
    across, down = width + _GAP, height + _GAP
    block = each * across + 2 * _GAP
    sheet = np.empty((_HEADING + len(labels) * down, _MARGIN + len(cameras) * block, 3), np.uint8)
    sheet[...] = _PAPER
    words = [(4, _HEADING + i * down + 4, name) for i, name in enumerate(names)]
    for column, camera in enumerate(cameras):
        left = _MARGIN + column * block
        if camera is not None:
            words.append((left, 3, f"camera {camera}"))
        for row, label in enumerate(labels):
            shown = images.labels == label
            if images.cameras is not None:
                shown &= images.cameras == camera
            top = _HEADING + row * down
            sheet[top : top + height, left : left + each * across - _GAP] = _EMPTY
            for place, index in enumerate(np.flatnonzero(shown)[:each]):
                x = left + place * across
                picture = images.gather(np.array([index]))[0].repeat(zoom, 0).repeat(zoom, 1)
                sheet[top : top + height, x : x + width] = picture
    return sheet, words


def _name(dataset: Dataset, label: int) -> str:
    """What a row is called, as long as the margin allows."""
    if dataset.task == "reid":
        return f"id {label}"
    name = dataset.classes[label] if dataset.classes else f"class {label}"
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}."


def contact_sheet(
    dataset: Dataset,
    path: Path,
    *,
    part: Part = "train",
    rows: int = 12,
    each: int | None = None,
    zoom: int = 2,
) -> None:
    """Write a contact sheet of a data set as a PNG.

    Its `rows` are identities (twins next to each other) or classes; columns are the cameras, with
    up to `each` images of a row (3 in each camera, or 12 where there are no cameras). part:
    "train", or "test", which is query and gallery for re-identification. zoom: how many times each
    pixel is enlarged. Raises UserError where the folder does not exist, or a number is below 1.
    """
    rows, zoom = whole("rows", rows, 1), whole("zoom", zoom, 1)
    each = None if each is None else whole("each", each, 1)
    path = a_path("--out", path)
    if not isinstance(dataset, Dataset):
        raise UserError(f"dataset: {brief(dataset)} is not a data set, as load_dataset gives")
    if not path.parent.is_dir():
        raise UserError(f"contact sheet {path}: no folder {path.parent}; make it or name another")
    from PIL import Image, ImageDraw

    images = _images(dataset, part)
    reid = dataset.task == "reid"
    labels = _labels(images, reid and part == "test", rows)
    if each is None:
        each = 12 if images.cameras is None else 3
    names = [_name(dataset, label) for label in labels]
    sheet, words = _sheet(images, labels, names, each, zoom)
    picture = Image.fromarray(sheet)
    pen = ImageDraw.Draw(picture)
    for x, y, text in words:
        pen.text((x, y), text, fill=_INK)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    write_atomically(path, buffer.getvalue())
