"""Fields and costs of points, gathered from the columns: of a list of them, or of all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.cost import COSTS, LATENCY, joined
from nas.space import paths
from nas.space.columns import Bools, Column, Columns, Ints
from nas.space.expression import evaluate


class Gathered(ABC):
    """What is known of points of a space, in arrays of one shape."""

    def __init__(self, columns: Columns, shape: tuple[int, ...]) -> None:
        self.columns, self.space, self.shape = columns, columns.space, shape

    @abstractmethod
    def ids(self, column: Column) -> Ints:
        """Label numbers of the column at each point; they broadcast to the shape."""

    def values(self, path: str) -> NDArray[Any]:
        """The field's value at each point; they broadcast to the shape."""
        column = self.columns.field(path)
        found: NDArray[Any] = column.values[self.ids(column)]
        return found

    @cached_property
    def buildable(self) -> Bools:
        """Whether each point can be built."""
        refused = np.zeros(self.shape, dtype=bool)
        for slot in self.columns.slots:
            refused |= slot.refused[self.ids(slot)]
        return ~refused

    @cached_property
    def costs(self) -> dict[str, NDArray[Any]]:
        """The space's costs of each point; without meaning where it can not be built. Latency is
        nan where the device's table lacks a part, as it may for points that are not valid."""
        found: dict[str, NDArray[Any]]
        found = {name: np.zeros(self.shape, dtype=np.int64) for name in COSTS}
        if latency := self.space.latency:
            found[LATENCY] = np.full(self.shape, latency.call)
        for slot in self.columns.slots:
            ids = self.ids(slot)
            for name, own in slot.costs.items():
                joined(name)(found[name], own[ids], out=found[name])
            if latency:
                found[LATENCY] += slot.milliseconds(latency)[ids]
        return found

    def satisfied(self, index: int) -> Bools:
        """Whether each point meets constraint `index` of the space."""
        constraint = self.space.constraints[index]
        costs = self.costs if constraint.needs_cost() else None
        stages = len(self.space.base_document["stages"])
        met = evaluate(constraint.expression, paths.reader(self.values, stages, costs))
        return np.broadcast_to(np.asarray(met, dtype=bool), self.shape)

    @cached_property
    def valid(self) -> Bools:
        """Whether each point can be built and meets every constraint."""
        valid = self.buildable.copy()
        for index in range(len(self.space.constraints)):
            valid &= self.satisfied(index)
        return valid


class Points(Gathered):
    """n points of a space. codes: (n, axes), the index of each axis' value."""

    def __init__(self, columns: Columns, codes: Ints) -> None:
        super().__init__(columns, (len(codes),))
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    def ids(self, column: Column) -> Ints:
        """Label numbers of the column at each point: (n,)."""
        index = tuple(
            self.codes[:, axis] if size > 1 else np.zeros(len(self.codes), dtype=np.int64)
            for axis, size in enumerate(column.ids.shape)
        )
        found: Ints = column.ids[index] if index else np.full(len(self), column.ids)
        return found

    def rows(self, chosen: Ints | Bools) -> Points:
        """Some of the points."""
        return Points(self.columns, self.codes[chosen])

    def point(self, row: int) -> dict[str, Any]:
        """The point of that row, active parameters only."""
        values: dict[str, Any] = {p.name: p.values[0] for p in self.space.parameters}
        for axis, code in zip(self.columns.axes, self.codes[row].tolist(), strict=True):
            parameter = self.space.parameters[axis]
            values[parameter.name] = parameter.values[code]
        return self.space.active(values)
