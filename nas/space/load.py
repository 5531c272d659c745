"""From a YAML file to a Space; a mistake is one line: file, line, path, and what is valid."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from nas.architecture import Architecture, from_json, preset
from nas.architecture.fields import Value
from nas.architecture.presets import PRESETS
from nas.architecture.value import NETWORK_FIELDS, Size
from nas.cost import COSTS
from nas.errors import UserError
from nas.space import paths
from nas.space.document import Document, parse_document, read_document
from nas.space.expression import AGGREGATES, Expression, parse
from nas.space.space import Constraint, Parameter, Space

KEYS = ("space", "about", "base", "input", "parameters", "constraints")
RANGE = re.compile(r"(-?\d+)\s*\.\.\s*(-?\d+)(?:\s+step\s+(\d+))?")
MAX_VALUES = 1000


def load_space(name_or_path: str | Path) -> Space:
    """Load a space that we ship, by name, or a YAML file, by path."""
    given = str(name_or_path)
    shipped = {
        Path(f.name).stem: f for f in files("search_spaces").iterdir() if f.name.endswith(".yaml")
    }
    if given in shipped:
        return from_yaml(shipped[given].read_text(encoding="utf-8"), source=shipped[given].name)
    if not Path(given).is_file():
        raise UserError(
            f"no space {given!r}: neither a file nor one of {', '.join(sorted(shipped))}"
        )
    return space_from(read_document(Path(given)))


def from_yaml(text: str, source: str = "space.yaml") -> Space:
    """Load a space from YAML text; `source` names it in errors."""
    return space_from(parse_document(text, source))


def space_from(document: Document) -> Space:
    """Build and check a space from a read document."""
    data = document.data
    if not isinstance(data, dict):
        raise document.error(f"a space is a mapping of {', '.join(KEYS)}")
    for entry in data:
        if entry not in KEYS:
            raise document.error(f"{entry!r} is not one of {', '.join(KEYS)}", entry)
    for needed in ("space", "base", "parameters"):
        if needed not in data:
            raise document.error(f"{needed!r} is missing")
    base = _base(document)
    return Space(
        name=str(data["space"]),
        about=str(data.get("about") or ""),
        base=base,
        parameters=_parameters(document, len(base.stages)),
        constraints=_constraints(document, len(base.stages)),
    )


def _base(document: Document) -> Architecture:
    given = document.data["base"]
    try:
        if not isinstance(given, str):
            raise UserError(f"{given!r} is not the name of a preset or of an architecture file")
        file = Path(document.source).parent / given
        if given in PRESETS:
            base = preset(given)
        elif file.suffix == ".json" and file.is_file():
            base = from_json(file.read_text(encoding="utf-8"), str(file))
        else:
            raise UserError(f"{given!r} is neither a JSON file nor one of {', '.join(PRESETS)}")
    except UserError as error:
        raise document.error(f"base: {error}", "base") from None
    if "input" not in document.data:
        return base
    try:
        return base.resized(Size.parse(document.data["input"]))
    except UserError as error:
        raise document.error(str(error), "input") from None


def _parameters(document: Document, stages: int) -> tuple[Parameter, ...]:
    given = document.data["parameters"]
    if not isinstance(given, dict) or not given:
        raise document.error("a mapping of paths to domains is expected", "parameters")
    found: list[Parameter] = []
    owner: dict[str, str] = {}
    for pattern, entry in given.items():
        where = ("parameters", pattern)
        try:
            groups = paths.expand(pattern, stages)
            values, when, when_text = _domain(entry, stages)
            for group in groups:
                for path in group:
                    if path in owner:
                        raise UserError(f"{path} is varied by {owner[path]} already")
                    owner[path] = pattern
                for value in values:
                    _check(group[0], value)
                found.append(_parameter(pattern, groups, group, values, when, when_text))
        except UserError as error:
            prefix = "" if str(error).startswith(pattern) else f"{pattern}: "
            raise document.error(f"{prefix}{error}", *where) from None
    return _ordered(found, document, stages)


def _parameter(
    pattern: str,
    groups: list[list[str]],
    group: list[str],
    values: tuple[Value, ...],
    when: Expression | None,
    when_text: str,
) -> Parameter:
    """One parameter; `[each]` in its condition is its own stage."""
    name = pattern if len(groups) == 1 else group[0]
    index = (
        group[0].removeprefix("stages[").partition("]")[0] if group[0].startswith("stages") else ""
    )
    return Parameter(
        name=name,
        fields=tuple(group),
        values=values,
        when=_own_index(when, index) if when else None,
        when_text=when_text.replace("[each]", f"[{index}]"),
    )


def _own_index(expression: Expression, index: str) -> Expression:
    args = tuple(
        _own_index(arg, index)
        if isinstance(arg, Expression)
        else (arg.replace("[each]", f"[{index}]") if expression.op == "name" else arg)
        for arg in expression.args
    )
    return Expression(expression.op, args)


def _domain(entry: Any, stages: int) -> tuple[tuple[Value, ...], Expression | None, str]:
    """Values and condition of a parameter's entry."""
    when: Expression | None = None
    when_text = ""
    if isinstance(entry, dict):
        if unknown := set(entry) - {"values", "when"}:
            raise UserError(f"{sorted(unknown)[0]!r} is not one of values, when")
        if "values" not in entry:
            raise UserError("'values' is missing")
        if "when" in entry:
            when_text = str(entry["when"])
            when = parse(when_text, lambda name: is_name(name, stages, costs=False, own_index=True))
        entry = entry["values"]
    values = entry if isinstance(entry, list) else _range(entry)
    if not values:
        raise UserError("the list of values is empty")
    if len(values) > MAX_VALUES:
        raise UserError(f"{len(values)} values; at most {MAX_VALUES} are expected")
    for i, value in enumerate(values):
        if any(value == other and type(value) is type(other) for other in values[:i]):
            raise UserError(f"{value!r} stands twice in the list")
    return tuple(values), when, when_text


def _range(entry: Any) -> list[Any]:
    """`1..4` and `16..128 step 16`, both ends included; any other value stands alone."""
    match = RANGE.fullmatch(entry.strip()) if isinstance(entry, str) else None
    if not match:
        if entry is None:
            raise UserError("a list, a range as 1..4, or a value is expected")
        return [entry]
    low, high, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if low > high or step < 1 or (high - low) // step >= MAX_VALUES:
        raise UserError(
            f"{entry!r} is not a range from low to high with at most {MAX_VALUES} values"
        )
    return list(range(low, high + 1, step))


def _check(path: str, value: Any) -> None:
    """Check a value against the declarations of its field: valid for one family is valid."""
    errors = []
    for field in paths.declared(path):
        try:
            field.check(path, value)
            return
        except UserError as error:
            errors.append(error)
    raise errors[0]


def _ordered(found: list[Parameter], document: Document, stages: int) -> tuple[Parameter, ...]:
    """Sort so that a condition reads only what stands before it; a cycle is an error."""
    by_field = {path: parameter for parameter in found for path in parameter.fields}
    ordered: list[Parameter] = []
    state: dict[str, str] = {}

    def tied(name: str, groups: list[list[str]]) -> None:
        """`[*]` in a condition is one value: every field of it must be of one parameter."""
        owners = {id(by_field.get(path)) for group in groups for path in group}
        if paths.is_list(name) and len(owners) > 1:
            raise document.error(
                f"{name} in `when` is not one tied choice; name a stage", "parameters"
            )

    def place(parameter: Parameter, trail: tuple[str, ...]) -> None:
        if state.get(parameter.name) == "placed":
            return
        if parameter.name in trail:
            cycle = " -> ".join([*trail[trail.index(parameter.name) :], parameter.name])
            raise document.error(f"conditions depend on each other: {cycle}", "parameters")
        if parameter.when is not None:
            for name in parameter.when.names():
                groups = paths.expand(name, stages)
                tied(name, groups)
                for group in groups:
                    for path in group:
                        if path in by_field:
                            place(by_field[path], (*trail, parameter.name))
        state[parameter.name] = "placed"
        ordered.append(parameter)

    for parameter in found:
        place(parameter, ())
    return tuple(ordered)


def is_name(word: str, stages: int, *, costs: bool, own_index: bool = False) -> bool:
    """Whether a word of an expression is a field or cost; UserError for a path that is wrong."""
    if word in NETWORK_FIELDS or (costs and word in COSTS):
        return True
    if word.startswith("stages") or "[" in word or "." in word:
        if "[each" in word and not own_index:
            raise UserError(f"{word}: [each] is only for parameters; use [*] in all, any, sum, ...")
        paths.expand(word, stages)
        return True
    return False


def _constraints(document: Document, stages: int) -> tuple[Constraint, ...]:
    given = document.data.get("constraints") or []
    if not isinstance(given, list):
        raise document.error("a list of expressions is expected", "constraints")
    found = []
    for i, text in enumerate(given):
        try:
            if not isinstance(text, str):
                raise UserError(f"{text!r} is not an expression, as `macs <= 100M`")
            expression = parse(text, lambda name: is_name(name, stages, costs=True))
            if expression.op in ("value", "name", "list", "+", "-", "*", "/", "negative"):
                raise UserError(f"{text!r} is a value, not a condition; as `macs <= 100M`")
            _check_types(expression)
            _check_lists(expression)
            found.append(Constraint(text, expression))
        except UserError as error:
            raise document.error(f"constraint: {error}", "constraints", i) from None
    return tuple(found)


def _check_lists(expression: Expression) -> None:
    """In constraints, a path over several stages is legal inside of an aggregate only."""
    if expression.op in AGGREGATES:
        return
    if expression.op == "name" and paths.is_list(expression.args[0]):
        raise UserError(f"{expression.args[0]} is a list: use it inside {', '.join(AGGREGATES)}")
    for arg in expression.args:
        if isinstance(arg, Expression):
            _check_lists(arg)


def _check_types(expression: Expression) -> None:
    """A word where a number belongs is most likely a mistyped name: say so."""
    if expression.op in ("<", "<=", ">", ">=", "+", "-", "*", "/", "negative"):
        for arg in expression.args:
            if isinstance(arg, Expression) and arg.op == "value" and isinstance(arg.args[0], str):
                names = ", ".join((*COSTS, *NETWORK_FIELDS, "stages[i].<field>"))
                raise UserError(f"{arg.args[0]!r} is not a name; names are {names}")
    for arg in expression.args:
        if isinstance(arg, Expression):
            _check_types(arg)
