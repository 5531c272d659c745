"""Integer rasterising: fills spans of many images at once, on a grid of twice the resolution.

A shape is given by its left and right edges on each row of each image, in a person's units
(x to the right from the middle, v downwards from the top of the head). So all the geometry is done
on small (n, rows) arrays, and pixels are only compared and written, in the rows concerned.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SHADE = 32
"""Added to a material: the same in the shade."""

_SQUARES = np.arange(1024, dtype=np.int64) ** 2


def isqrt(values: Ints) -> Ints:
    """Return floor of the square root, for values below 2**20; 0 for negative ones."""
    return np.maximum(np.searchsorted(_SQUARES, values, side="right") - 1, 0).astype(np.int64)


def lerp(v: Ints, points: list[tuple[int | Ints, int | Ints]]) -> Ints:
    """Interpolate linearly between (v, value) points with v increasing; constant outside.

    v: (n, rows); coordinates and values: integers or (n, 1). Returns (n, rows).
    """
    result = np.zeros_like(v) + points[0][1]
    for (v0, a), (v1, b) in pairwise(points):
        length = np.maximum(np.asarray(v1) - v0, 1)
        result += (np.asarray(b) - a) * np.clip(v - v0, 0, length) // length
    return result


def ellipse(v: Ints, middle: int | Ints, half_width: int | Ints, half_height: int | Ints) -> Ints:
    """Return half the width of an ellipse at v, in units; -1 on rows that miss it."""
    inside = np.asarray(half_height) ** 2 - (v - middle) ** 2
    return np.where(inside > 0, half_width * isqrt(inside) // half_height, -1)


class Canvas:
    """A material (uint8) for each point of n images, at twice the resolution.

    size: (height, width) of the images in pixels. unit: pixels a unit in 65536ths, (n,), on the
    doubled grid; unit_x the same, horizontally. top: row of a person's v = 0, in 65536ths, (n,).
    middle: column of x = 0 at v = 1000, the same; lean: how far x = 0 is off at v = 0, in units.
    """

    def __init__(
        self, size: tuple[int, int], unit: Ints, unit_x: Ints, top: Ints, middle: Ints, lean: Ints
    ) -> None:
        rows, columns = 2 * size[0], 2 * size[1]
        self.materials = np.zeros((len(unit), rows, columns), dtype=np.uint8)
        self._columns = np.arange(columns, dtype=np.int16)
        centres = (np.arange(rows, dtype=np.int64)[None] << 16) + (1 << 15)
        self.v = (centres - top[:, None]) // unit[:, None]
        self._unit_x = unit_x[:, None]
        shift = lean[:, None] * np.clip(1000 - self.v, 0, 1000) // 1000
        self._middle = middle[:, None] + shift * self._unit_x

    def _edge(self, x: Ints) -> NDArray[np.int16]:
        """The first column whose centre is at x units or to the right of it."""
        column = (self._middle + x * self._unit_x + (1 << 15) - 1) >> 16
        edge: NDArray[np.int16] = np.clip(column, 0, len(self._columns)).astype(np.int16)
        return edge

    def fill(
        self,
        material: int,
        left: Ints,
        right: Ints,
        top: int | Ints = -1000,
        bottom: int | Ints = 2000,
        where: Mask | None = None,
        shade: int = 0,
    ) -> None:
        """Fill between left and right, (n, rows), where top <= v < bottom, with a material.

        where: images (n, 1) or rows (n, rows) to fill. shade: sixteenths of the width, at the
        right, that lie in the shade.
        """
        inside = (self.v >= top) & (self.v < bottom) & (right > left)
        if where is not None:
            inside &= where
        self._spans(material, self._edge(left), self._edge(right), inside)
        if shade:
            split = right - (right - left) * shade // 16
            self._spans(material + SHADE, self._edge(split), self._edge(right), inside)

    def columns(self, material: int, left: Ints, right: Ints, top: Ints, where: Mask) -> None:
        """Fill columns left to right below the row `top`, each (n, 1), on the doubled grid."""
        rows = np.arange(self.v.shape[1])[None]
        limits = [np.clip(x, 0, len(self._columns)).astype(np.int16) for x in (left, right)]
        spans = [np.broadcast_to(x, self.v.shape) for x in limits]
        self._spans(material, spans[0], spans[1], (rows >= top) & where)

    def _spans(
        self, material: int, left: NDArray[np.int16], right: NDArray[np.int16], inside: Mask
    ) -> None:
        images = np.flatnonzero(inside.any(1))
        if not len(images):
            return
        rows = np.flatnonzero(inside.any(0))
        band = slice(rows[0], rows[-1] + 1)
        right = np.where(inside, right, 0)
        if len(images) * 4 > len(inside) * 3:
            view = self.materials[:, band]
            np.copyto(view, np.uint8(material), where=self._between(left[:, band], right[:, band]))
        else:
            part = self.materials[images, band]
            spans = self._between(left[images, band], right[images, band])
            np.copyto(part, np.uint8(material), where=spans)
            self.materials[images, band] = part

    def _between(self, left: NDArray[np.int16], right: NDArray[np.int16]) -> Mask:
        inside: Mask = self._columns >= left[:, :, None]
        inside &= self._columns < right[:, :, None]
        return inside

    def replace(self, old: int, new: int, images: Ints, band: slice, where: Mask) -> None:
        """Replace a material, in shade as in light, where the mask of those images and rows says.

        where: (len(images), rows of the band, columns).
        """
        part = self.materials[images, band]
        part[((part & (SHADE - 1)) == old) & where] += np.uint8(new - old)
        self.materials[images, band] = part

    def x(self, images: Ints, band: slice) -> Ints:
        """Return x in units at each point of those images and rows, (images, rows, columns)."""
        centres = (self._columns.astype(np.int64) << 16) + (1 << 15)
        offset: Ints = centres - self._middle[images, band][:, :, None]
        return offset // self._unit_x[images][:, :, None]
