"""A search space: a base architecture, the fields of it that may vary, and constraints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Architecture, from_document, key, to_document
from nas.architecture.canonical import digest
from nas.architecture.fields import Value
from nas.arguments import whole
from nas.cost import ALL_COSTS, COSTS, LATENCY, MEASURED, cost
from nas.cost.parts import PartTable
from nas.errors import UserError
from nas.seeds import drawer
from nas.space import paths
from nas.space.expression import Expression, evaluate

if TYPE_CHECKING:
    from nas.space.columns import Columns
    from nas.space.factored import Factored
    from nas.space.points import Points
    from nas.space.table import Table

Point = Mapping[str, Value]
"""A value for every active parameter, by name; what an inactive one holds does not matter."""

Draw = Callable[[int], int]
"""`draw(n)` is a random whole number from 0 to n - 1."""


@dataclass(frozen=True)
class Parameter:
    """One field, or one tied group of fields, that varies."""

    name: str
    fields: tuple[str, ...]
    values: tuple[Value, ...]
    weights: tuple[float, ...] = ()
    when: Expression | None = None
    when_text: str = ""


@dataclass(frozen=True)
class Constraint:
    """What every architecture of the space must satisfy."""

    text: str
    expression: Expression

    def needs_device(self) -> bool:
        """Whether it reads the latency of a device."""
        return any(name in MEASURED for name in self.expression.names())

    def needs_cost(self) -> bool:
        return any(name in ALL_COSTS for name in self.expression.names())


@dataclass(frozen=True)
class Count:
    """A number of architectures: exact, or an estimate between `low` and `high` (95%)."""

    value: int
    low: int
    high: int
    exact: bool = True

    def __str__(self) -> str:
        if self.exact:
            return f"{self.value:,}"
        return f"about {self.value:.3g} (estimate; {self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Space:
    """What may vary. Parameters stand in an order in which conditions look back only."""

    name: str
    about: str
    base: Architecture
    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...]
    plugins: tuple[str, ...] = ()
    baselines: tuple[tuple[str, Architecture], ...] = ()
    """By name: what a search shows beside its front. Not part of what the space contains."""
    latency: PartTable | None = field(default=None, compare=False, repr=False)
    """Of a device, where latency_ms is one of the costs; see `nas.space.on_device`."""

    def __repr__(self) -> str:
        return f"Space({self.name!r}, {len(self.parameters)} parameters, {self.raw_points} points)"

    @property
    def costs(self) -> tuple[str, ...]:
        """Names of the costs that are known of each architecture."""
        return COSTS if self.latency is None else (*COSTS, LATENCY)

    def costs_of(self, architecture: Architecture) -> dict[str, float]:
        """The costs of an architecture, of the space or not; without latency where the device's
        table lacks some of its parts."""
        found: dict[str, float] = dict(cost(architecture).as_dict())
        if self.latency is not None and self.latency.has(architecture):
            found[LATENCY] = self.latency.latency(architecture)
        return found

    @cached_property
    def base_document(self) -> dict[str, Any]:
        return to_document(self.base)

    @cached_property
    def raw_points(self) -> int:
        """The number of combinations of values, before anything collapses or is refused."""
        return math.prod(len(parameter.values) for parameter in self.parameters)

    @cached_property
    def baseline_names(self) -> dict[str, str]:
        """By the key of the architecture; the first name where a baseline has two."""
        return {key(own): name for name, own in reversed(self.baselines)}

    @cached_property
    def outside(self) -> dict[str, str]:
        """What baselines break of the constraints, or may, by the key of the architecture."""
        found = {}
        for _, own in self.baselines:
            if broken := self.broken(own, foreign=True):
                unknown = broken.needs_device() and LATENCY not in self.costs_of(own)
                found[key(own)] = f"{'may break' if unknown else 'breaks'} {broken.text}"
        return found

    @property
    def listable(self) -> bool:
        """Whether all raw points fit into a table; else the space is handled by its structure."""
        from nas.space.table import MAX_POINTS

        return self.raw_points <= MAX_POINTS

    @cached_property
    def columns(self) -> Columns:
        """Fields and parts of the space as columns; UserError where too many parameters vary."""
        from nas.space.columns import Columns

        return Columns(self)

    @cached_property
    def table(self) -> Table:
        """Keys and costs of all raw points, as arrays; UserError where there are too many."""
        from nas.space.table import Table

        return Table(self)

    @cached_property
    def factored(self) -> Factored:
        """The structure of a space of any size; UserError where it does not factor."""
        from nas.space.factored import Factored

        return Factored(self)

    def hash(self) -> str:
        """16 hex digits that change whenever what the space contains may change."""
        described = [(p.name, p.fields, p.values, p.weights, p.when_text) for p in self.parameters]
        texts = [c.text for c in self.constraints]
        return digest(self.base, described, texts, self.plugins, size=8).hex()

    def active(self, point: Point) -> dict[str, Value]:
        """The point without its inactive parameters; UserError for a value out of its domain."""
        return self._resolved(point)[0]

    def architecture(self, point: Point) -> Architecture:
        """The architecture that the point stands for, whether or not it meets the constraints."""
        return from_document(self._resolved(point)[1])

    def _resolved(self, point: Point) -> tuple[dict[str, Value], dict[str, Any]]:
        """The active values, and the base's document with these values in it."""
        document = _copy(self.base_document)
        kept: dict[str, Value] = {}
        for parameter in self.parameters:
            if parameter.when is not None and not evaluate(
                parameter.when, lookup(document, tied=True)
            ):
                continue
            if parameter.name not in point:
                raise UserError(f"{self.name}: no value is given for {parameter.name}")
            value = point[parameter.name]
            if value not in parameter.values:
                domain = ", ".join(map(str, parameter.values))
                raise UserError(f"{self.name}: {parameter.name}: {value!r} is not one of {domain}")
            value = parameter.values[parameter.values.index(value)]  # not numpy's, of a table
            kept[parameter.name] = value
            for path in parameter.fields:
                paths.set_value(document, path, value)
        return kept, document

    def broken(self, architecture: Architecture, *, foreign: bool = False) -> Constraint | None:
        """The first constraint that the architecture breaks, or None.

        foreign: it need not be a point of the space, and may have fewer stages: a constraint that
        reads a stage that it lacks is not broken. One on a latency that is not known is.
        """
        document = to_document(architecture)
        costs: dict[str, float] = {}
        for constraint in self.constraints:
            if constraint.needs_cost() and not costs:
                costs = self.costs_of(architecture)
            if constraint.needs_device() and LATENCY not in costs:
                return constraint
            try:
                if not evaluate(constraint.expression, lookup(document, costs)):
                    return constraint
            except UserError:
                if not foreign:
                    raise
        return None

    def count(self) -> Count:
        """The number of distinct architectures that meet every constraint.

        Exact up to 10**7 raw points, and beyond where no constraint reads a cost; otherwise an
        estimate with its 95% interval. UserError, with the reason, where the space is empty.
        """
        if self.listable:
            exact = len(self.table.distinct)
            return Count(exact, exact, exact)
        factored = self.factored
        if not any(constraint.needs_cost() for constraint in self.constraints):
            if not factored.unconstrained:
                factored.sample(1, 0)  # says why
            return Count(factored.unconstrained, factored.unconstrained, factored.unconstrained)
        return factored.estimate()

    def enumerate(self) -> Iterator[dict[str, Value]]:
        """The points of all distinct valid architectures, in the order of the raw points."""
        for index in self.table.distinct:
            yield self.point(int(index))

    def sample(self, draw: Draw | int = 0) -> dict[str, Value]:
        """A point, uniform over distinct valid architectures.

        draw: a function that draws a number below n, or a seed from 0: that of SPACE@seed.
        With weights, each active parameter is drawn by its value's share of its weights (equal ones
        where it has none), and what is not valid is drawn again.
        UserError, with the reason, where the space is empty (or, too large to list, seems to be).
        """
        if not callable(draw):
            draw = drawer(whole("draw, a seed or a function of n", draw), "sample")
        if any(parameter.weights for parameter in self.parameters):
            from nas.space.weighted import sample_weighted

            return sample_weighted(self, draw)
        if self.listable:
            distinct = self.table.distinct
            return self.point(int(distinct[draw(len(distinct))]))
        return self.factored.sample_valid(draw).point(0)

    def untried(self, tried: set[str], draw: Draw) -> dict[str, Value] | None:
        """A point whose key is not in `tried`; None where there is none (or none was found)."""
        if not self.listable:
            points = (self.factored.sample_valid(draw).point(0) for _ in range(100))
        else:
            random = np.random.Generator(np.random.PCG64(draw(2**62)))
            order = random.permutation(self.table.distinct)
            points = (self.point(int(index)) for index in order)
        return next((p for p in points if key(self.architecture(p)) not in tried), None)

    def point(self, index: int) -> dict[str, Value]:
        """The raw point of that index (the last parameter varies fastest), active values only."""
        values: dict[str, Value] = {}
        for parameter in reversed(self.parameters):
            index, code = divmod(index, len(parameter.values))
            values[parameter.name] = parameter.values[code]
        return self.active(values)

    def members(self, limit: int = 20_000, seed: int = 0) -> Points:
        """The distinct valid architectures: all of them, or `limit` uniform ones of more."""
        if not self.listable:
            return self.factored.valid_points(limit, seed)
        indices = self.table.distinct
        if len(indices) > limit:
            random = np.random.Generator(np.random.PCG64(seed))
            indices = np.sort(random.choice(indices, limit, replace=False))
        return self.table.points(indices)

    def cost_range(self) -> dict[str, tuple[float, float]]:
        """The least and the largest of each cost over the space, by name.

        Exact where the space is listable; else bounds from its structure, and where a constraint
        is on a cost, the largest of a uniform sample.
        """
        if self.listable:
            costs, distinct = self.table.costs, self.table.distinct
            values = {name: costs[name].ravel()[distinct] for name in self.costs}
            return {name: (own.min().item(), own.max().item()) for name, own in values.items()}
        bounds = self.factored.cost_bounds()
        if any(constraint.needs_cost() for constraint in self.constraints):
            members = self.members().costs  # what is larger is mostly not valid
            return {name: (bounds[name][0], members[name].max().item()) for name in bounds}
        return bounds

    def contains(self, architecture: Architecture) -> bool:
        """Whether the space has an architecture of the same key; UserError if it is too large."""
        return self.point_of(architecture) is not None

    def point_of(self, architecture: Architecture) -> dict[str, Value] | None:
        """The point whose architecture has the same key; None where there is none.

        UserError where the space is too large to be listed, and the architecture is not written as
        one of its points is.
        """
        wanted = key(architecture)
        if not self.listable:
            return self._written(architecture)
        candidates = self.table.with_cost(cost(architecture))
        points = (self.point(int(index)) for index in candidates)
        return next((p for p in points if key(self.architecture(p)) == wanted), None)

    def _written(self, architecture: Architecture) -> dict[str, Value] | None:
        """The point with the values that the architecture's fields have; None where a constraint
        or the number of stages keeps it out. UserError where that point is another architecture."""
        document = to_document(architecture)
        same = len(document["stages"]) == len(self.base_document["stages"])
        if not same or self.broken(architecture):
            return None
        point = self.active(self._values_in(document))
        if key(self.architecture(point)) != key(architecture):
            raise UserError(
                f"{self.name}: its {self.raw_points:,} raw points are too many to look for an "
                "architecture that is not written as one of them is"
            )
        return point

    def neighbours(self, point: Point) -> list[dict[str, Value]]:
        """The valid architectures that differ in one parameter, one point for each, but itself.

        A parameter that the change makes active takes the base's value, or its first one.
        """
        start = self.active(point)
        filled = self._values_in(self.base_document) | start
        seen = {key(self.architecture(start))}
        found = []
        for parameter in self.parameters:
            if parameter.name not in start:
                continue
            for value in parameter.values:
                other = filled | {parameter.name: value}
                try:
                    architecture = self.architecture(other)
                    name = key(architecture)
                except UserError:
                    continue
                if name not in seen and self.broken(architecture) is None:
                    seen.add(name)
                    found.append(self.active(other))
        return found

    def encode(self, point: Point) -> NDArray[np.float64]:
        """The point as a vector of fixed length: one-hot by parameter, zeros where inactive.

        Parameters with a single value are left out; their order is that of `parameters`.
        """
        active = self.active(point)
        found = []
        for parameter in self.parameters:
            if len(parameter.values) > 1:
                value = active.get(parameter.name)
                hot = [parameter.name in active and value == own for own in parameter.values]
                found.extend(hot)
        return np.array(found, dtype=np.float64)

    def _values_in(self, document: dict[str, Any]) -> dict[str, Value]:
        """For each parameter the value that a document of as many stages has, where it is in the
        domain; else the first one."""
        found = {}
        for parameter in self.parameters:
            own = paths.get_value(document, parameter.fields[0])
            found[parameter.name] = own if own in parameter.values else parameter.values[0]
        return found


def lookup(
    document: dict[str, Any], costs: Mapping[str, float] | None = None, *, tied: bool = False
) -> Callable[[str], Any]:
    """Names of an expression to their values in an architecture's document."""
    stages = len(document["stages"])
    return paths.reader(lambda path: paths.get_value(document, path), stages, costs, tied=tied)


def _copy(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _copy(value) for name, value in document.items()}
    return [_copy(item) for item in document] if isinstance(document, list) else document
