"""Where pixels are kept, other than in one array: made when first needed, for instance.

Shapes: n images of height H and width W, RGB, in the order (n, H, W, 3), uint8.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
Shape: TypeAlias = tuple[int, int, int, int]


class Store(ABC):
    """Pixels of n images, of which some are asked for at a time.

    shape: (n, H, W, 3). names: n, their files, or "" for what has none; empty for no files at all.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, shape: Shape, names: Sequence[str] = ()) -> None:
        self.shape = shape
        self.names = names

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

    def __init__(self, shape: Shape, make: Callable[[], Pixels], names: Sequence[str] = ()) -> None:
        super().__init__(shape, names)
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
