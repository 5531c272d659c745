"""Which files a data set is made of, before any of them is opened; and the data set from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas.data.cache import cached_pixels
from nas.data.dataset import Dataset, Images, Task, no_images, relabel
from nas.data.decode import Files, is_image
from nas.data.store import Lazy
from nas.errors import UserError

Report: TypeAlias = Callable[[str, str], None]
"""Called with the kind of a problem and a sentence that names the file or folder."""


def refuse(kind: str, message: str) -> None:
    """A Report for loading: the first problem is an error."""
    raise UserError(message)


def refuse_but_train(kind: str, message: str) -> None:
    """A Report for loading what is not trained on, which may have no train split."""
    if kind != "train":
        raise UserError(message)


@dataclass(frozen=True, eq=False)
class Split:
    """Files of a split, n of them, sorted by path. labels and cameras as in `Images`, but raw."""

    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    cameras: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Listing:
    """The files of a data set. size: (height, width) unless another is asked for."""

    name: str
    task: Task
    root: Path
    splits: Mapping[str, Split]
    size: tuple[int, int]
    about: str
    classes: tuple[str, ...] = ()


def images_in(folder: Path) -> list[str]:
    """Names of the images of a folder, sorted by code points, as on every machine."""
    try:
        with os.scandir(folder) as found:
            return sorted(entry.name for entry in found if is_image(entry.name))
    except OSError as error:
        raise UserError(f"{folder}: cannot be read: {error.strerror}") from None


def files_below(folder: Path) -> Iterator[str]:
    """Paths of the files in a folder and its folders, linked ones too; what is hidden is left out.

    A folder that is there twice, by links, is read once.
    """
    seen = {os.path.realpath(folder)}
    for parent, folders, files in os.walk(folder, followlinks=True):
        there, folders[:] = sorted(folders), []
        for name in there:
            real = os.path.realpath(os.path.join(parent, name))
            if name[0] != "." and real not in seen:
                seen.add(real)
                folders.append(name)
        yield from (os.path.join(parent, name) for name in files if name[0] != ".")


def fingerprint(listing: Listing) -> str:
    """16 hex digits, of the names and sizes of the files, their labels, cameras and classes;
    OSError where one is not there."""
    state = blake2b(repr(listing.classes).encode(), digest_size=8)
    root = os.path.join(listing.root, "")
    for name, split in listing.splits.items():
        cameras = np.zeros_like(split.labels) if split.cameras is None else split.cameras
        for path, *shown in zip(split.paths, split.labels.tolist(), cameras.tolist(), strict=True):
            row = (name, path.removeprefix(root), os.path.getsize(path), *shown)
            state.update(repr(row).encode())
    return state.hexdigest()


def to_dataset(listing: Listing, size: tuple[int, int] | None, *, cache: bool) -> Dataset:
    """The data set of a listing; files are decoded when their pixels are asked for.

    cache: decode whole splits into the cache, or else single images whenever they are looked at.
    """
    height_width = size or listing.size
    made: dict[str, Images] = {"train": no_images(height_width)}
    for name, split in listing.splits.items():
        about = f"{listing.name} {name} at {height_width[0]}x{height_width[1]}"
        shape = (len(split.paths), *height_width, 3)
        make = partial(cached_pixels, split.paths, height_width, about)
        lazy = Lazy(shape, make, split.paths)
        store = lazy if cache else Files(split.paths, height_width)
        labels = relabel(split.labels) if listing.task == "reid" and name == "train" else None
        made[name] = Images(store, split.labels if labels is None else labels, split.cameras)
    return Dataset(
        name=listing.name,
        task=listing.task,
        about=listing.about,
        classes=listing.classes,
        **made,
    )
