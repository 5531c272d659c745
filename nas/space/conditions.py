"""Conditions and constraints: what the expressions of a space may say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nas.architecture import Size
from nas.architecture.value import NETWORK_FIELDS
from nas.cost import ALL_COSTS, LATENCY
from nas.errors import UserError
from nas.space import paths
from nas.space.expression import AGGREGATES, Expression, parse
from nas.space.space import Constraint, Parameter

ARITHMETIC = ("+", "-", "*", "/", "negative", "sum", "max", "min")
NUMERIC = (*ARITHMETIC, "<", "<=", ">", ">=", "nondecreasing")
VALUES = ("value", "name", "list", *ARITHMETIC)


def parse_constraint(text: object, stages: int, *, device: bool = False) -> Constraint:
    """Read a constraint; UserError where it is none. device: whether latency_ms is known."""
    if not isinstance(text, str):
        raise UserError(f"constraint: {text!r} is not an expression, as `macs <= 100M`")
    try:
        expression = parse(text, lambda word: _is_name(word, stages, costs=True))
        if expression.op in VALUES:
            raise UserError(f"{text!r} is a value, not a condition; as `macs <= 100M`")
        _check(expression, stages, lists=False)
        if LATENCY in expression.names() and not device:
            raise UserError(
                f"{LATENCY} is of a device: give `{text}` as --constraint of a search, with a "
                "--latency-table of that device"
            )
    except UserError as error:
        raise UserError(f"constraint: {error}") from None
    return Constraint(text, expression)


def parse_when(text: str, index: str, stages: int) -> Expression:
    """Read a parameter's condition; `[each]` in it is the parameter's own stage, `index`."""
    try:
        expression = parse(text, lambda word: _is_name(word, stages, costs=False, own_index=True))
        if expression.op in VALUES:
            raise UserError(f"{text!r} is a value, not a condition")
        own = _own_index(expression, index)
        _check(own, stages, lists=True, costs=False)
    except UserError as error:
        raise UserError(f"when: {error}") from None
    return own


def ordered(
    parameters: list[Parameter], base: dict[str, Any], error: Callable[[Parameter, str], UserError]
) -> tuple[Parameter, ...]:
    """The parameters, sorted so that a condition reads only what stands before it.

    Raises the `error` of a parameter whose condition depends on itself, or reads a `[*]` that is
    not one choice.
    """
    stages = len(base["stages"])
    by_field = {path: parameter for parameter in parameters for path in parameter.fields}
    done: dict[str, Parameter] = {}

    def owners(path: str) -> list[Parameter]:
        """Whose value the field has: its own parameter's; a block's may be its stage's instead."""
        own = [by_field[path]] if path in by_field else []
        stage = paths.of_stage(path)
        always = own and own[0].when is None
        if stage in by_field and not always and paths.own_value(base, path) is None:
            own.append(by_field[stage])
        return own

    def place(parameter: Parameter, trail: tuple[str, ...]) -> None:
        if parameter.name in done:
            return
        if parameter.name in trail:
            cycle = " -> ".join([*trail[trail.index(parameter.name) :], parameter.name])
            raise error(parameter, f"conditions depend on each other: {cycle}")
        for name in parameter.when.names() if parameter.when else ():
            read = paths.concrete(name, stages)
            choices = {tuple(map(id, owners(path))) for path in read}
            values = {paths.get_value(base, path) for path in read} if choices == {()} else set()
            if paths.is_list(name) and (len(choices) > 1 or len(values) > 1):
                raise error(parameter, f"{name} is not one tied choice; name a stage")
            for path in read:
                for owner in owners(path):
                    place(owner, (*trail, parameter.name))
        done[parameter.name] = parameter

    for parameter in parameters:
        place(parameter, ())
    return tuple(done.values())


def _is_name(word: str, stages: int, *, costs: bool, own_index: bool = False) -> bool:
    """Whether a word of an expression is a field or cost; UserError for a path that is wrong."""
    if word in NETWORK_FIELDS or (costs and word in ALL_COSTS):
        return True
    if word.startswith("stages") or not word.isidentifier():
        if "[each" in word and not own_index:
            raise UserError(f"{word}: [each] is only for parameters; use [*] in all, any, sum, ...")
        paths.expand(word, stages)
        return True
    return False


def _own_index(expression: Expression, index: str) -> Expression:
    args = []
    for arg in expression.args:
        if isinstance(arg, Expression):
            arg = _own_index(arg, index)
        elif expression.op == "name" and "[each]" in arg:
            if not index:
                raise UserError(f"{arg}: [each] is only for a parameter with [each]")
            arg = arg.replace("[each]", f"[{index}]")
        args.append(arg)
    return Expression(expression.op, tuple(args))


def _check(expression: Expression, stages: int, *, lists: bool, costs: bool = True) -> None:
    """Lists only inside of aggregates; no word where a number belongs; values that can be.

    costs: whether they may be read.
    """
    op, args = expression.op, expression.args
    if op in AGGREGATES:
        if lists:
            raise UserError(f"{op}(...) does not go inside of another aggregate or of `when`")
        paths_read = [name for name in args[0].names() if paths.is_list(name)]
        if len({len(paths.concrete(name, stages)) for name in paths_read}) != 1:
            raise UserError(f"{op}(...) needs paths over the same stages, as stages[*].streams")
        lists = True
    if op == "name" and paths.is_list(args[0]) and not lists:
        raise UserError(f"{args[0]} is a list: use it inside {', '.join(AGGREGATES)}")
    operands = [arg for arg in args if isinstance(arg, Expression)]
    if op in NUMERIC:
        for arg in operands:
            if arg.op == "value" and isinstance(arg.args[0], str):
                known = (*(ALL_COSTS if costs else ()), *NETWORK_FIELDS, "stages[i].<field>")
                names = ", ".join(known)
                why = "; costs are for constraints" if arg.args[0] in ALL_COSTS else ""
                raise UserError(f"{arg.args[0]!r} is not a name here; names are {names}{why}")
            if _is_word(arg, stages):
                raise UserError(f"{arg.args[0]} is a word, and {op!r} needs numbers")
            if arg.op == "value" and isinstance(arg.args[0], bool):
                raise UserError(
                    f"{str(arg.args[0]).lower()} is no number, and {op!r} needs numbers"
                )
    for i, arg in enumerate(operands):
        if arg.op == "list" and not (op in ("in", "not in") and i == 1):
            raise UserError("a list stands after `in` only, as `stages[0].gate in [none, fixed]`")
        _check(arg, stages, lists=lists, costs=costs)
    if op in ("==", "!=", "in", "not in"):
        _check_words(operands, stages)
    if op in ("in", "not in") and not operands[1].args:
        raise UserError(f"{op!r} needs a list with values, as [none, fixed]")
    if op == "/" and operands[1] == Expression("value", (0,)):
        raise UserError("'/' needs a number that is not 0")
    if op in ("and", "or", "not", "all", "any"):
        for arg in operands:
            if arg.op in VALUES and not (arg.op == "value" and isinstance(arg.args[0], bool)):
                raise UserError(f"{op!r} needs a condition, not a value")


def _check_words(operands: list[Expression], stages: int) -> None:
    """A field is compared with values that it can have."""
    names = [arg.args[0] for arg in operands if arg.op == "name"]
    others = [arg for arg in operands if arg.op != "name"]
    values = [v for o in others for v in (o.args if o.op == "list" else (o,)) if v.op == "value"]
    for name in names:
        for value in values:
            if name in ALL_COSTS:
                problems = "a number" if isinstance(value.args[0], (str, bool)) else None
            else:
                path = paths.concrete(name, stages)[0]
                found = [field.problem(value.args[0]) for field in paths.declared(path)]
                problems = None if None in found else found[0]
                if name == "input" and not problems:
                    problems = _other_spelling(value.args[0])
            if problems:
                raise UserError(f"{name} is never {value.args[0]!r}: it is {problems}")
    if len({_is_word(arg, stages) for arg in operands if arg.op not in ("value", "list")}) > 1:
        word = next(arg.args[0] for arg in operands if _is_word(arg, stages))
        raise UserError(f"{word} is a word, and is compared with a number")
    if not names and any(isinstance(v.args[0], str) for v in values):
        words = ", ".join(repr(v.args[0]) for v in values)
        raise UserError(f"none of {words} is a name")


def _other_spelling(size: str) -> str | None:
    """How the size is written, where that is otherwise: sizes are compared as words."""
    written = str(Size.parse(size, "input"))
    return None if size == written else f"written {written!r}"


def _is_word(expression: Expression, stages: int) -> bool:
    """Whether it is the name of a field that holds words."""
    if expression.op != "name" or expression.args[0] in ALL_COSTS:
        return False
    path = paths.concrete(expression.args[0], stages)[0]
    return all(isinstance(field.default, str) for field in paths.declared(path))
