"""A search space: a base architecture, the fields of it that may vary, and constraints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nas.architecture import Architecture, from_document, key, to_document
from nas.architecture.canonical import digest
from nas.architecture.fields import Value
from nas.cost import COSTS, cost
from nas.errors import UserError
from nas.space import paths
from nas.space.expression import Expression, evaluate

if TYPE_CHECKING:
    from nas.space.table import Table

Point = Mapping[str, Value]
"""A value for every parameter, by name; what an inactive parameter holds does not matter."""


@dataclass(frozen=True)
class Parameter:
    """One field, or one tied group of fields, that varies."""

    name: str
    fields: tuple[str, ...]
    values: tuple[Value, ...]
    when: Expression | None = None
    when_text: str = ""


@dataclass(frozen=True)
class Constraint:
    """What every architecture of the space must satisfy."""

    text: str
    expression: Expression

    def needs_cost(self) -> bool:
        return any(name in COSTS for name in self.expression.names())


@dataclass(frozen=True)
class Space:
    """What may vary. Parameters stand in an order in which conditions look back only."""

    name: str
    about: str
    base: Architecture
    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...]

    @cached_property
    def base_document(self) -> dict[str, Any]:
        return to_document(self.base)

    @cached_property
    def raw_points(self) -> int:
        """The number of combinations of values, before anything collapses or is refused."""
        product = 1
        for parameter in self.parameters:
            product *= len(parameter.values)
        return product

    @cached_property
    def table(self) -> Table:
        """Keys and costs of all raw points, as arrays; UserError where there are too many."""
        from nas.space.table import Table

        return Table(self)

    def hash(self) -> str:
        """16 hex digits that change whenever what the space contains may change."""
        described = [(p.name, p.fields, p.values, p.when_text) for p in self.parameters]
        return digest(self.base, described, [c.text for c in self.constraints], size=8).hex()

    def active(self, point: Point) -> dict[str, Value]:
        """The point without its inactive parameters; UserError for a value out of its domain."""
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
            kept[parameter.name] = value
            for path in parameter.fields:
                paths.set_value(document, path, value)
        return kept

    def architecture(self, point: Point) -> Architecture:
        """The architecture that the point stands for, whether or not it meets the constraints."""
        document = _copy(self.base_document)
        active = self.active(point)
        for parameter in self.parameters:
            if parameter.name in active:
                for path in parameter.fields:
                    paths.set_value(document, path, active[parameter.name])
        return from_document(document)

    def broken(self, architecture: Architecture) -> Constraint | None:
        """The first constraint that the architecture breaks, or None."""
        document = to_document(architecture)
        costs: dict[str, int] = {}
        for constraint in self.constraints:
            if constraint.needs_cost() and not costs:
                costs = cost(architecture).as_dict()
            if not evaluate(constraint.expression, lookup(document, costs)):
                return constraint
        return None

    def count(self) -> int:
        """The number of distinct architectures that meet every constraint; exact."""
        return len(self.table.distinct)

    def enumerate(self) -> Iterator[dict[str, Value]]:
        """The points of all distinct valid architectures, in the order of the raw points."""
        for index in self.table.distinct:
            yield self.point(int(index))

    def sample(self, uniform: Callable[[int], int]) -> dict[str, Value]:
        """A point, uniform over distinct valid architectures; `uniform(n)` draws below n."""
        distinct = self.table.distinct
        return self.point(int(distinct[uniform(len(distinct))]))

    def point(self, index: int) -> dict[str, Value]:
        """The raw point of that index (the last parameter varies fastest), active values only."""
        values: dict[str, Value] = {}
        for parameter in reversed(self.parameters):
            index, code = divmod(index, len(parameter.values))
            values[parameter.name] = parameter.values[code]
        return self.active(values)

    def contains(self, architecture: Architecture) -> bool:
        """Whether the space has an architecture of the same key."""
        wanted = key(architecture)
        candidates = self.table.with_cost(cost(architecture))
        return any(key(self.architecture(self.point(int(i)))) == wanted for i in candidates)


def lookup(
    document: Mapping[str, Any], costs: Mapping[str, int] | None = None, *, tied: bool = False
) -> Callable[[str], Any]:
    """Names of an expression to their values in an architecture's document.

    `[*]` is a list, but in a condition (`tied`) the one value that all of them have.
    """

    def find(name: str) -> Any:
        if name in COSTS:
            return (costs or {})[name]
        groups = paths.expand(name, len(document["stages"]))
        found = [paths.get_value(dict(document), path) for group in groups for path in group]
        return found if paths.is_list(name) and not tied else found[0]

    return find


def _copy(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _copy(value) for name, value in document.items()}
    return [_copy(item) for item in document] if isinstance(document, list) else document
