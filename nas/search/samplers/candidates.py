"""What a sampler may choose from: codes and scaled exact costs of the architectures of a space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nas.architecture.fields import Value
from nas.search.samplers.surrogate import Codes, Floats, distance_table
from nas.space import Space
from nas.space.columns import Bools, Ints
from nas.space.points import Points

POOL = 20_000  # candidates that are looked at
BEYOND = 0.05
"""How far beyond the space's largest cost a score counts at most, as a share of the range."""
CODE = np.int16


@dataclass(frozen=True)
class Candidates:
    """N points. codes (N, d): what `Pool.tables` tell the distances of; costs (N, c) scaled."""

    points: Points
    codes: Codes
    costs: Floats

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self, chosen: NDArray[np.int64]) -> Candidates:
        """Some of the candidates."""
        return Candidates(self.points.rows(chosen), self.codes[chosen], self.costs[chosen])

    def joined(self, other: Candidates) -> Candidates:
        """These, and then the others."""
        return Candidates(
            Points(self.points.columns, np.concatenate([self.points.codes, other.points.codes])),
            np.concatenate([self.codes, other.codes]),
            np.concatenate([self.costs, other.costs]),
        )


class Pool:
    """The architectures of a space that a sampler chooses from: all, or a uniform sample.

    costs: names of the costs that count, on a log axis on which the least of the space is 0, and 1
    as far beyond the largest as the share of the space that has it: else that would gain nothing,
    which is a third of the space where a cost has three values, and next to nothing of it where
    each architecture has its own.
    """

    def __init__(self, space: Space, costs: Sequence[str]) -> None:
        self.space, self.names = space, tuple(costs)
        varying = [space.parameters[axis] for axis in space.columns.axes]
        self.tables = [distance_table(parameter.values) for parameter in varying]
        self._places = [
            {value: place for place, value in enumerate(parameter.values)} for parameter in varying
        ]
        self._columns = [space.columns.fields[parameter.fields[0]] for parameter in varying]

    @property
    def whole(self) -> bool:
        """Whether `all` has every distinct valid architecture."""
        return self.space.listable and len(self.space.table.distinct) <= POOL

    @cached_property
    def all(self) -> Candidates:
        return self.candidates(self._members)

    @cached_property
    def _members(self) -> Points:
        return self.space.members(POOL)

    @cached_property
    def _end(self) -> Floats:
        """Where 1 is, as a multiple of the range of each cost: (c,)."""
        own = (self._members.costs[name] for name in self.names)
        shares = [float(np.mean(costs == costs.max())) for costs in own]
        return 1 + np.minimum(shares, BEYOND)

    def drawn(self, seed: int) -> Candidates:
        """The whole, or a sample that differs by seed."""
        return self.all if self.whole else self.candidates(self.space.members(POOL, seed))

    def candidates(self, points: Points) -> Candidates:
        """The points with their codes and scaled costs."""
        own = [points.ids(column) for column in self._columns]
        codes = np.stack(own, axis=1) if own else np.zeros((len(points), 0), dtype=np.int64)
        raw = np.stack([points.costs[name] for name in self.names], axis=1)
        return Candidates(points, codes.astype(CODE), self._scaled(raw))

    @cached_property
    def bounds(self) -> tuple[Floats, Floats]:
        """Logarithms of the least and the largest of each cost: (c,) each."""
        bounds = self.space.cost_range()
        low, high = np.log10(np.array([bounds[name] for name in self.names], dtype=float)).T
        return low, high

    def _scaled(self, costs: NDArray[np.integer | np.floating]) -> Floats:
        low, high = self.bounds
        found: Floats = (np.log10(costs) - low) / np.maximum((high - low) * self._end, 1e-9)
        return np.clip(found, 0.0, 1.0)

    def costs_of(self, costs: Sequence[Mapping[str, float]]) -> Floats:
        """Scaled costs (n, c) of trials."""
        raw = [[own[name] for name in self.names] for own in costs]
        return self._scaled(np.array(raw).reshape(-1, len(self.names)))

    def codes_of(self, points: Sequence[Mapping[str, Value]]) -> Codes:
        """Codes (n, d) of trials' points; those of the listed point of the same architecture."""
        names = [self.space.parameters[axis].name for axis in self.space.columns.axes]
        found = np.zeros((len(points), len(names)), dtype=CODE)
        for row, point in enumerate(points):
            for column, (name, places) in enumerate(zip(names, self._places, strict=True)):
                found[row, column] = places[point[name]] if name in point else len(places)
        if not self.space.listable or not names:
            return found
        listed, known = self._listed(self.points_of(found))
        own = self.candidates(self.space.table.points(listed)).codes
        return np.where(known[:, None], own, found)

    def points_of(self, codes: Codes) -> Points:
        """The points of these codes (n, d)."""
        raw = np.where(codes < np.array(self.space.columns.shape), codes, 0)
        return Points(self.space.columns, raw.astype(np.int64))

    def _listed(self, points: Points) -> tuple[Ints, Bools]:
        """Which point of the table stands for each one's architecture, and whether one does."""
        table = self.space.table
        own = table.identity.ravel()[np.ravel_multi_index(tuple(points.codes.T), table.shape)]
        order, numbers = self._numbers
        at = np.clip(np.searchsorted(numbers, own), 0, len(numbers) - 1)
        return table.distinct[order[at]], numbers[at] == own

    @cached_property
    def _numbers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The distinct architectures by their number: an order, and the numbers ascending."""
        table = self.space.table
        numbers = table.identity.ravel()[table.distinct]
        order = np.argsort(numbers)
        return order, numbers[order]

    def neighbours(self, points: Points) -> Candidates:
        """The valid architectures whose points differ from one of these in one parameter."""
        found = [points.codes[:0]]
        for axis, size in enumerate(self.space.columns.shape):
            for shift in range(1, size):
                other = points.codes.copy()
                other[:, axis] = (other[:, axis] + shift) % size
                found.append(other)
        near = Points(self.space.columns, np.unique(np.concatenate(found), axis=0))
        if self.space.listable:
            listed, known = self._listed(near)
            return self.candidates(self.space.table.points(np.unique(listed[known])))
        return self.candidates(near.rows(near.valid))
