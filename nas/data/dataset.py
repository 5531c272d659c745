"""What a data set is: pixels, labels and cameras.

Shapes: n images of height H and width W, RGB, in the order (n, H, W, 3), uint8.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas.data.store import Lazy, Pixels, Store

Task: TypeAlias = Literal["reid", "classification"]

_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images.

    store: the pixels, uint8 (m, H, W, 3), RGB: an array, which may be memory-mapped, or a Store.
    labels: int64 (n,), identities or classes.
    cameras: int64 (n,), or None where there are none.
    groups: int64 (n,), or None. Identities with the same group stay on the same side of a split:
        look-alikes that were put in a data set on purpose are of use only together.
    rows: int64 (n,), which of the store's m images these are; None for all, in its order. So a
        subset copies no pixels, and a data set may be larger than memory.
    """

    store: Pixels | Store
    labels: NDArray[np.int64]
    cameras: NDArray[np.int64] | None = None
    groups: NDArray[np.int64] | None = None
    rows: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        store = self.store
        if store.ndim != 4 or store.shape[3] != 3 or store.dtype != np.uint8:
            raise ValueError(f"pixels must be uint8 (n, H, W, 3), got {store.dtype} {store.shape}")
        count = len(store) if self.rows is None else len(self.rows)
        for name in ("labels", "cameras", "groups"):
            values = getattr(self, name)
            if values is None and name != "labels":
                continue
            if values.dtype != np.int64 or values.shape != (count,):
                raise ValueError(
                    f"{name} must be int64 ({count},), got {values.dtype} {values.shape}"
                )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        height, width = self.size
        return f"Images({len(self)} of {height}x{width}, {len(np.unique(self.labels))} labels)"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.store.shape[1], self.store.shape[2]

    @property
    def names(self) -> list[str]:
        """Of each image the file, or where it has none its number here."""
        rows = range(len(self)) if self.rows is None else self.rows.tolist()
        files = self.files
        own = [files[row] if files else "" for row in rows]
        return [name or str(place) for place, name in enumerate(own)]

    @property
    def files(self) -> Sequence[str]:
        """Of each image in the store its file, or ""; empty where there are no files at all."""
        return self.store.names if isinstance(self.store, Store) else ()

    @property
    def pixels(self) -> Pixels:
        """All pixels, uint8 (n, H, W, 3): the array itself, or a copy where this is a subset.

        Use `gather` for what may be larger than memory.
        """
        if self.rows is not None:
            return self.store[self.rows]
        return self.store if isinstance(self.store, np.ndarray) else self.store.whole()

    def gather(self, indices: NDArray[np.integer]) -> Pixels:
        """Return the pixels of the images at integer `indices` (b,): a new array (b, H, W, 3)."""
        return self.store[indices if self.rows is None else self.rows[indices]]

    def prepare(self) -> None:
        """Do now whatever the first `gather` would wait for: decoding files, resizing."""
        if isinstance(self.store, Store):
            self.store.prepare()

    def subset(self, indices: NDArray[np.integer] | NDArray[np.bool_]) -> "Images":
        """Return the images at `indices` (integers, or a mask of n booleans), in that order.

        The pixels are shared.
        """
        rows = np.arange(len(self)) if self.rows is None else self.rows
        return Images(
            self.store,
            self.labels[indices],
            None if self.cameras is None else self.cameras[indices],
            None if self.groups is None else self.groups[indices],
            rows[indices],
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with its splits.

    train: empty where the data set has none, and can be evaluated only. Task "reid": its labels are
    0..k-1, in the sorted order of the identities; query and gallery carry raw identities, none of
    which is in train; identity 0 is a distractor, in the gallery only. Task "classification":
    labels are class indices and `test` is set.
    validation: of another place than train, with labels as train's are; a search is scored on a
    share of them. Where it is None, it is scored on a part of train that is held out.
    about: one line for people to read. classes: names of the classes, by label.
    """

    name: str
    task: Task
    train: Images
    query: Images | None = None
    gallery: Images | None = None
    test: Images | None = None
    validation: Images | None = None
    about: str = ""
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        needed = ("query", "gallery") if self.task == "reid" else ("test",)
        for name in ("query", "gallery", "test"):
            if (getattr(self, name) is not None) != (name in needed):
                raise ValueError(f"a data set for {self.task} has train and {' and '.join(needed)}")

    @property
    def splits(self) -> dict[str, Images]:
        """The splits that have images, by name: train; query and gallery, or test; validation."""
        names = ("train", "query", "gallery", "test", "validation")
        every = {name: getattr(self, name) for name in names}
        return {name: own for name, own in every.items() if own is not None and len(own)}

    def mapped(self, change: Callable[[Images], Images]) -> "Dataset":
        """The same data set with each of its splits changed."""
        changed: dict[str, Any] = {name: change(images) for name, images in self.splits.items()}
        return replace(self, **changed)

    @property
    def num_classes(self) -> int:
        """Number of identities or classes to train on."""
        return int(self.train.labels.max()) + 1


def no_images(size: tuple[int, int]) -> Images:
    """A split of (height, width) without images."""
    return Images(np.zeros((0, *size, 3), dtype=np.uint8), np.zeros(0, dtype=np.int64))


def relabel(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels replaced by their ranks 0..k-1 among the distinct labels, int64 (n,)."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)


def resize(images: Images, size: tuple[int, int]) -> Images:
    """Return the images at `size` = (height, width) pixels; the same object where equal.

    Bilinear with support scaled to the reduction, so that shrinking does not alias (Pillow's).
    The work is done when the first image is asked for.
    """
    if images.size == size:
        return images
    names = images.names if images.files else ()
    store = Lazy((len(images), *size, 3), lambda: _resized(images, size), names)
    return replace(images, store=store, rows=None)


def _resized(images: Images, size: tuple[int, int]) -> Pixels:
    from PIL import Image

    height, width = size
    pixels = np.empty((len(images), height, width, 3), dtype=np.uint8)
    for start in range(0, len(images), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(images)))
        for row, source in zip(rows.tolist(), images.gather(rows), strict=True):
            picture = Image.fromarray(source)
            pixels[row] = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    return pixels


def digest(dataset: Dataset) -> str:
    """Return the SHA-256 of what a data set holds, as 64 hex digits.

    Hashed in this order, for each split of train, query, gallery, test, validation that there is:
    its name in ASCII and a zero byte; n, H and W; the pixels, uint8 in (n, H, W, 3) order; the
    labels; the cameras, if any. All integers are little-endian int64.
    """
    state = hashlib.sha256()
    for name, images in dataset.splits.items():
        state.update(name.encode("ascii") + b"\0")
        state.update(np.array([len(images), *images.size], dtype="<i8").tobytes())
        for start in range(0, len(images), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(images)))
            state.update(np.ascontiguousarray(images.gather(rows)).data)
        state.update(images.labels.astype("<i8").tobytes())
        if images.cameras is not None:
            state.update(images.cameras.astype("<i8").tobytes())
    return state.hexdigest()
