"""Keys and costs of all raw points of a space, as arrays: exact for up to ten million points."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nas.architecture import Size
from nas.architecture.lower import key_of_parts
from nas.cost import LATENCY, Cost
from nas.errors import UserError
from nas.space.columns import Column, Ints, Refusal, decodable
from nas.space.points import Gathered, Points

if TYPE_CHECKING:
    from nas.space.space import Space

MAX_POINTS = 10_000_000


class Table(Gathered):
    """All raw points of one space, an axis for each parameter that varies.

    Index i is the point whose last parameter varies fastest.
    """

    def __init__(self, space: Space) -> None:
        if space.raw_points > MAX_POINTS:
            raise UserError(
                f"{space.name} has {space.raw_points:,} raw points; "
                f"at most {MAX_POINTS:,} are listed"
            )
        super().__init__(space.columns, space.columns.shape)

    def ids(self, column: Column) -> Ints:
        """The column's own, which have length 1 along the axes that do not matter."""
        return column.ids

    @cached_property
    def identity(self) -> Ints:
        """Equal numbers for raw points of equal key, and only for these."""
        code = combined(self.columns.telling, self.shape)
        if decodable(self.columns.slots):
            return code
        return self._identity_by_key(code)

    def _identity_by_key(self, code: Ints) -> Ints:
        """Slow and always right: merge the codes whose chains of parts have the same key."""
        values, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        known: dict[str, int] = {}
        numbers = np.empty(len(values), dtype=np.int64)
        columns = self.columns.telling
        ids = [np.broadcast_to(column.ids, self.shape).ravel() for column in columns]
        for i, point in enumerate(first.tolist()):
            size, *parts = (
                column.labels[own[point]] for column, own in zip(columns, ids, strict=True)
            )
            if any(isinstance(part, Refusal) for part in parts):
                text = f"refused {i}"
            else:
                text = key_of_parts(Size.parse(size), tuple(part for part in parts if part))
            numbers[i] = known.setdefault(text, len(known))
        return numbers[inverse].reshape(self.shape)

    @cached_property
    def distinct(self) -> Ints:
        """Indices of one raw point (the first) for each distinct valid architecture, ascending.

        UserError names what emptied the space where there is none.
        """
        indices = np.flatnonzero(self.valid)
        if not len(indices):
            raise UserError(f"{self.space.name} is empty: {self._why_empty()}")
        _, first = np.unique(self.identity.ravel()[indices], return_index=True)
        return np.sort(indices[first])

    def _why_empty(self) -> str:
        if not self.buildable.any():
            return f"nothing in it can be built: {self.columns.refusals()[0]}"
        reasons = []
        total = int(self.buildable.sum())
        for index, constraint in enumerate(self.space.constraints):
            left = int((self.buildable & self.satisfied(index)).sum())
            reasons.append(f"`{constraint.text}` alone leaves {left:,} of {total:,} raw points")
            if constraint.needs_cost() and not left:
                reasons.append(self.cost_range())
        return "; ".join(reasons)

    def cost_range(self) -> str:
        """The range of macs, params and latency of what can be built, in words."""
        names = [name for name in ("macs", "params", LATENCY) if name in self.costs]
        own = {name: self.costs[name][self.buildable] for name in names}
        return in_words({n: (np.nanmin(of).item(), np.nanmax(of).item()) for n, of in own.items()})

    def points(self, indices: Ints) -> Points:
        """The raw points of these indices, with their costs."""
        codes = np.zeros((len(indices), len(self.shape)), dtype=np.int64)
        if self.shape:
            codes = np.stack(np.unravel_index(indices, self.shape), axis=1)
        found = Points(self.columns, codes)
        found.costs = {name: own.ravel()[indices] for name, own in self.costs.items()}
        return found

    def with_cost(self, cost: Cost) -> Ints:
        """Indices of the distinct valid architectures of exactly this cost."""
        chosen = np.ones(len(self.distinct), dtype=bool)
        for name, value in cost.as_dict().items():
            chosen &= self.costs[name].ravel()[self.distinct] == value
        return self.distinct[chosen]


def in_words(ranges: Mapping[str, tuple[float, float]]) -> str:
    """Of costs: the least and the largest."""
    shapes = {name: ".4g" if name == LATENCY else "," for name in ranges}
    return ", ".join(
        f"{n} {low:{shapes[n]}} to {high:{shapes[n]}}" for n, (low, high) in ranges.items()
    )


def combined(columns: list[Column], shape: tuple[int, ...]) -> Ints:
    """One number for each combination of labels that occurs, over an array of `shape`."""
    code, size = np.zeros(shape, dtype=np.int64), 1
    for column in columns:
        if size * len(column.labels) >= 2**62:
            values, inverse = np.unique(code, return_inverse=True)
            code, size = inverse.reshape(shape), len(values)
        code *= len(column.labels)
        code += column.ids
        size *= len(column.labels)
    return code
