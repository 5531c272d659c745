"""Factors: what varies in a design, found in a space by name and set on a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from nas.ablation.design import Candidate
from nas.architecture import Architecture, from_document, to_document
from nas.architecture.fields import Value
from nas.errors import UserError
from nas.space import Parameter, Space, paths
from nas.space.expression import evaluate
from nas.space.space import lookup

Document = dict[str, Any]
"""An architecture as plain data."""


@dataclass(frozen=True)
class Factor:
    """A parameter of the space, or several of the same values that are set to one of them."""

    name: str
    parameters: tuple[Parameter, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        return self.parameters[0].values

    @property
    def fields(self) -> list[str]:
        return [path for parameter in self.parameters for path in parameter.fields]


def find_factors(space: Space, names: Sequence[str] = ()) -> list[Factor]:
    """The factors of these names; without names, each parameter that varies.

    A name is a parameter's (`stages[*].gate`), that without `stages[*].` (`gate`), or a field that
    parameters vary stage by stage (`streams` for `stages[each].streams`): these are then one
    factor. They come in the order in which they can be set. UserError names what there is.
    """
    varying = [parameter for parameter in space.parameters if len(parameter.values) > 1]
    known = ", ".join(paths.short(parameter.name) for parameter in varying)
    found = [_named(name, varying, known) for name in names]
    found = found or [Factor(paths.short(p.name), (p,)) for p in varying]
    owner: dict[str, str] = {}
    for factor in found:
        for path in factor.fields:
            if path in owner:
                raise UserError(f"--factors: {owner[path]} and {factor.name} vary the same field")
            owner[path] = factor.name

    def order(factor: Factor) -> tuple[bool, int]:
        """What a single block says stands over what its stage says: it is set later."""
        of_block = bool(paths.of_stage(factor.fields[0]))
        return of_block, min(varying.index(parameter) for parameter in factor.parameters)

    return sorted(found, key=order)


def _named(name: str, varying: Sequence[Parameter], known: str) -> Factor:
    whole = [p for p in varying if name in (p.name, paths.short(p.name))]
    chosen = whole or [p for p in varying if p.name.startswith("stages") and field(p.name) == name]
    if not chosen:
        raise UserError(f"--factors: {name!r} is not one of what varies: {known}")
    if len({parameter.values for parameter in chosen}) > 1:
        several = ", ".join(parameter.name for parameter in chosen)
        raise UserError(f"--factors: {name!r} has several domains; give one of {several}")
    return Factor(paths.short(name), tuple(chosen))


def field(path: str) -> str:
    """The field of a stage or block that a path ends with."""
    return path.rpartition(".")[2]


def start_document(space: Space, baseline: Architecture) -> tuple[Document, str]:
    """The baseline at the space's input, with the fields that the space fixes; these in words.

    What can not vary is not what is asked about, and has to be the same in all rows.
    """
    if len(baseline.stages) != len(space.base.stages):
        raise UserError(
            f"--baseline: it has {len(baseline.stages)} stages, and those of {space.name} have "
            f"{len(space.base.stages)}"
        )
    document = to_document(baseline.resized(space.base.input))
    fixed = []
    for parameter in space.parameters:
        factor = Factor(paths.short(parameter.name), (parameter,))
        value = parameter.values[0]
        if len(parameter.values) == 1 and value_in(document, factor) != value:
            if not active(document, factor):
                continue
            put(document, factor, value)
            fixed.append(f"{factor.name} {value}")
    words = f"the baseline with {', '.join(fixed)}, which {space.name} fixes" if fixed else ""
    return document, words


def values_in_words(start: Document, factors: Sequence[Factor], fixed: str) -> str:
    """What the baseline has where rows differ from it, beside what is `fixed`."""
    own = [f"{factor.name} {value_in(start, factor)}" for factor in factors
           if active(start, factor) and value_in(start, factor) is not None]  # fmt: skip
    words = f"the baseline has {', '.join(own)}" if own else ""
    return "; ".join(filter(None, (words, fixed)))


def candidate(start: Document, chosen: Mapping[Factor, Value]) -> Candidate:
    """The start with these values; what is inactive then keeps the value that it has."""

    def make() -> Architecture:
        document = deepcopy(start)
        for factor, value in chosen.items():
            put(document, factor, value)
        return from_document(document)

    values = {factor.name: value for factor, value in chosen.items()}
    return ", ".join(f"{name} {value}" for name, value in values.items()), values, make


def active(document: Document, factor: Factor) -> bool:
    """Whether any of the factor's parameters is active."""
    return any(_active(document, parameter) for parameter in factor.parameters)


def _active(document: Document, parameter: Parameter) -> bool:
    return parameter.when is None or bool(evaluate(parameter.when, lookup(document, tied=True)))


def put(document: Document, factor: Factor, value: Value) -> None:
    """Set the factor's active parameters."""
    for parameter in factor.parameters:
        if _active(document, parameter):
            for path in parameter.fields:
                put_field(document, path, value)


def put_field(document: Document, path: str, value: Value) -> None:
    """Set a field; one of a stage for all of its blocks, whatever single blocks had."""
    paths.set_value(document, path, value)
    for values in _blocks(document, path):
        values.pop(field(path), None)


def value_in(document: Document, factor: Factor) -> Value | None:
    """The one value that all fields of the factor have; None where they have several."""
    found: set[Value] = set()
    for path in factor.fields:
        found.add(paths.get_value(document, path))
        found |= {own[field(path)] for own in _blocks(document, path) if field(path) in own}
    return found.pop() if len(found) == 1 else None


def _blocks(document: Document, path: str) -> list[Document]:
    """What single blocks say for themselves in the stage whose field this is."""
    match = paths.STAGE.fullmatch(path)
    if not match or match[2] is not None:
        return []
    return list(document["stages"][int(match[1])].get("blocks", {}).values())
