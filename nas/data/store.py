"""Where pixels are kept, other than in one array: made when first needed, or several as one.

Shapes: n images of height H and width W, RGB, in the order (n, H, W, 3), uint8.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nas.data.dataset import Images

Pixels: TypeAlias = NDArray[np.uint8]
Shape: TypeAlias = tuple[int, int, int, int]


class Store(ABC):
    """Pixels of n images, of which some are asked for at a time. shape: (n, H, W, 3)."""

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, rows: NDArray[np.integer]) -> Pixels:
        """The images of these rows, a new array (m, H, W, 3)."""

    def whole(self) -> Pixels:
        """All images in one array."""
        return self[np.arange(len(self))]

    def prepare(self) -> None:
        """Do now whatever the first images would wait for; nothing, unless said otherwise."""
        return


class Lazy(Store):
    """An array that is made when its first image is asked for, such as a memory-mapped cache."""

    def __init__(self, shape: Shape, make: Callable[[], Pixels]) -> None:
        super().__init__(shape)
        self._make: Callable[[], Pixels] | None = make
        self._pixels: Pixels | None = None

    def whole(self) -> Pixels:
        if self._pixels is None:
            assert self._make is not None
            self._pixels = self._make()
            self._make = None  # and whatever it was made of
        return self._pixels

    def __getitem__(self, rows: NDArray[np.integer]) -> Pixels:
        found: Pixels = self.whole()[rows]
        return found

    def prepare(self) -> None:
        self.whole()


class Stack(Store):
    """Images of several sets, one after the other, all of one size; nothing is copied."""

    def __init__(self, parts: Sequence[Images]) -> None:
        sizes = {part.size for part in parts}
        if len(sizes) != 1:
            raise ValueError(f"images of one size can be stacked, not {sorted(sizes)}")
        self._ends = np.cumsum([len(part) for part in parts])
        super().__init__((int(self._ends[-1]), *sizes.pop(), 3))
        self._parts = tuple(parts)

    def __getitem__(self, rows: NDArray[np.integer]) -> Pixels:
        found = np.empty((len(rows), *self.shape[1:]), dtype=np.uint8)
        owner = np.searchsorted(self._ends, rows, side="right")
        for i in np.unique(owner).tolist():
            part, mine = self._parts[i], owner == i
            found[mine] = part.gather(rows[mine] - (self._ends[i] - len(part)))
        return found

    def prepare(self) -> None:
        for part in self._parts:
            part.prepare()
