"""What a data set is: pixels, labels and cameras, held in memory.

Shapes: n images of height H and width W, RGB, in the order (n, H, W, 3), uint8.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Task: TypeAlias = Literal["reid", "classification"]


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images.

    pixels: uint8 (n, H, W, 3), RGB.
    labels: int64 (n,), identities or classes.
    cameras: int64 (n,), or None where there are none.
    groups: int64 (n,), or None. Identities with the same group stay on the same side of a split:
        look-alikes that were put in a data set on purpose are of use only together.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    cameras: NDArray[np.int64] | None = None
    groups: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[3] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"pixels must be uint8 (n, H, W, 3), got {self.pixels.dtype} {self.pixels.shape}"
            )
        for name in ("labels", "cameras", "groups"):
            values = getattr(self, name)
            if values is None and name != "labels":
                continue
            if values.dtype != np.int64 or values.shape != (len(self.pixels),):
                raise ValueError(
                    f"{name} must be int64 ({len(self.pixels)},), got {values.dtype} {values.shape}"
                )

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def subset(self, indices: NDArray[np.integer] | NDArray[np.bool_]) -> "Images":
        """Return the images at `indices` (integers, or a mask of n booleans), in that order."""
        return Images(
            self.pixels[indices],
            self.labels[indices],
            None if self.cameras is None else self.cameras[indices],
            None if self.groups is None else self.groups[indices],
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with its splits.

    Task "reid": train labels are 0..k-1, in the sorted order of the identities; query and gallery
    carry raw identities, none of which is in train; identity 0 is a distractor, in the gallery
    only. Task "classification": labels are class indices and `test` is set.
    about: one line for people to read.
    """

    name: str
    task: Task
    train: Images
    query: Images | None = None
    gallery: Images | None = None
    test: Images | None = None
    about: str = ""

    def __post_init__(self) -> None:
        needed = ("query", "gallery") if self.task == "reid" else ("test",)
        for name in ("query", "gallery", "test"):
            if (getattr(self, name) is not None) != (name in needed):
                raise ValueError(f"a data set for {self.task} has train and {' and '.join(needed)}")

    @property
    def splits(self) -> dict[str, Images]:
        """The splits that there are, by name: train, then query and gallery, or test."""
        names = ("train", "query", "gallery", "test")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def num_classes(self) -> int:
        """Number of identities or classes to train on."""
        return int(self.train.labels.max()) + 1


def relabel(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels replaced by their ranks 0..k-1 among the distinct labels, int64 (n,)."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)


def resize(images: Images, size: tuple[int, int]) -> Images:
    """Return the images at `size` = (height, width) pixels; the same object where equal.

    Bilinear with support scaled to the reduction, so that shrinking does not alias (Pillow's).
    """
    if images.size == size:
        return images
    from PIL import Image

    height, width = size
    pixels = np.empty((len(images), height, width, 3), dtype=np.uint8)
    for source, target in zip(images.pixels, pixels, strict=True):
        picture = Image.fromarray(source)
        target[...] = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    return Images(pixels, images.labels, images.cameras, images.groups)


def digest(dataset: Dataset) -> str:
    """Return the SHA-256 of what a data set holds, as 64 hex digits.

    Hashed in this order, for each split of train, query, gallery, test that there is: its name in
    ASCII and a zero byte; n, H and W; the pixels, uint8 in (n, H, W, 3) order; the labels; the
    cameras, if any. All integers are little-endian int64.
    """
    state = hashlib.sha256()
    for name, images in dataset.splits.items():
        state.update(name.encode("ascii") + b"\0")
        state.update(np.array([len(images), *images.size], dtype="<i8").tobytes())
        state.update(np.ascontiguousarray(images.pixels).data)
        state.update(images.labels.astype("<i8").tobytes())
        if images.cameras is not None:
            state.update(images.cameras.astype("<i8").tobytes())
    return state.hexdigest()
