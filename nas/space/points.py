"""Fields and costs of a list of points, gathered from the columns."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.cost import COSTS, LATENCY, joined
from nas.cost.table import latencies
from nas.space import paths
from nas.space.columns import Bools, Column, Columns, Ints, Refusal
from nas.space.expression import evaluate


class Points:
    """n points of a space. codes: (n, axes), the index of each axis' value."""

    def __init__(self, columns: Columns, codes: Ints) -> None:
        self.columns, self.codes = columns, codes
        self.space = columns.space

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

    def values(self, path: str) -> NDArray[Any]:
        """The field's value at each point: (n,)."""
        column = self.columns.field(path)
        found: NDArray[Any] = column.values[self.ids(column)]
        return found

    @cached_property
    def buildable(self) -> Bools:
        """Whether each point can be built: (n,)."""
        refused = np.zeros(len(self), dtype=bool)
        for slot in self.columns.slots:
            labels = np.array([isinstance(label, Refusal) for label in slot.labels])
            refused |= labels[self.ids(slot)]
        return ~refused

    def rows(self, chosen: Ints | Bools) -> Points:
        """Some of the points."""
        return Points(self.columns, self.codes[chosen])

    @cached_property
    def costs(self) -> dict[str, NDArray[Any]]:
        """The space's costs: (n,) each."""
        found: dict[str, NDArray[Any]]
        found = {name: np.zeros(len(self), dtype=np.int64) for name in COSTS}
        for slot in self.columns.slots:
            ids = self.ids(slot)
            for name, own in slot.costs.items():
                joined(name)(found[name], own[ids], out=found[name])
        if self.space.latency:
            found[LATENCY] = latencies(self, self.space.latency)
        return found

    def satisfied(self, index: int) -> Bools:
        """Whether each point meets constraint `index` of the space: (n,)."""
        constraint = self.space.constraints[index]
        costs = self.costs if constraint.needs_cost() else None
        stages = len(self.space.base_document["stages"])
        met = evaluate(constraint.expression, paths.reader(self.values, stages, costs))
        return np.broadcast_to(np.asarray(met, dtype=bool), (len(self),))

    @property
    def valid(self) -> Bools:
        """Whether each point can be built and meets every constraint: (n,)."""
        met = [self.satisfied(index) for index in range(len(self.space.constraints))]
        found: Bools = np.logical_and.reduce([self.buildable, *met])
        return found

    def point(self, row: int) -> dict[str, Any]:
        """The point of that row, active parameters only."""
        values: dict[str, Any] = {p.name: p.values[0] for p in self.space.parameters}
        for axis, code in zip(self.columns.axes, self.codes[row].tolist(), strict=True):
            parameter = self.space.parameters[axis]
            values[parameter.name] = parameter.values[code]
        return self.space.active(values)
