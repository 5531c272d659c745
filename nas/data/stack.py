"""Images of several sets as those of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import Images
from nas.data.store import Pixels, Store


def stacked(parts: Sequence[Images]) -> Images:
    """Images one after the other; with cameras and groups where all parts have them."""
    cameras = [part.cameras for part in parts if part.cameras is not None]
    groups = [part.groups for part in parts if part.groups is not None]
    return Images(
        Stack(parts),
        np.concatenate([part.labels for part in parts]),
        np.concatenate(cameras) if len(cameras) == len(parts) else None,
        np.concatenate(groups) if len(groups) == len(parts) else None,
    )


class Stack(Store):
    """Images of several sets, one after the other, all of one size; nothing is copied."""

    def __init__(self, parts: Sequence[Images]) -> None:
        sizes = {part.size for part in parts}
        if len(sizes) != 1:
            raise ValueError(f"images of one size can be stacked, not {sorted(sizes)}")
        self._ends = np.cumsum([len(part) for part in parts])
        names: list[str] = []
        for part in parts:
            names += part.names if part.files else [""] * len(part)
        super().__init__((int(self._ends[-1]), *sizes.pop(), 3), names)
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
