"""Domains: what a parameter may take, as it is written in a space."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from nas.architecture.fields import Value
from nas.errors import UserError
from nas.space import paths

KEYS = ("values", "weights", "when")
RANGE = re.compile(r"(-?\d{1,18})\s*\.\.\s*(-?\d{1,18})(?:\s+step\s+(\d{1,18}))?")
MAX_VALUES = 1000
MAX_WEIGHT = 1e300  # of which there still is a sum


@dataclass(frozen=True)
class Domain:
    """Values, a weight for each (empty: none is given), and a condition as text (empty: always)."""

    values: tuple[Value, ...]
    weights: tuple[float, ...] = ()
    when: str = ""


def parse_domain(entry: Any) -> Domain:
    """Read `[a, b]`, `1..4`, `16..128 step 16`, a value, or a mapping of values, weights, when."""
    weights: tuple[float, ...] = ()
    when = ""
    if isinstance(entry, dict):
        if unknown := set(entry) - set(KEYS):
            raise UserError(f"{sorted(unknown)[0]!r} is not one of {', '.join(KEYS)}")
        if "values" not in entry:
            raise UserError("'values' is missing")
        when = _condition(entry.get("when", ""))
        values = _values(entry["values"])
        if "weights" in entry:
            weights = _weights(entry["weights"], len(values))
    else:
        values = _values(entry)
    return Domain(values, weights, when)


def check_values(domain: Domain, path: str) -> None:
    """Check the values against the declarations of their field: valid for one family is valid."""
    for value in domain.values:
        errors = []
        for field in paths.declared(path):
            try:
                field.check(path, value)
                break
            except UserError as error:
                errors.append(error)
        else:
            raise errors[0]


def _values(entry: Any) -> tuple[Value, ...]:
    values = entry if isinstance(entry, list) else _range(entry)
    if not values:
        raise UserError("the list of values is empty")
    if len(values) > MAX_VALUES:
        raise UserError(f"{len(values)} values; at most {MAX_VALUES} are expected")
    seen = set()
    for value in values:
        if not isinstance(value, (bool, int, float, str)):
            word = "; did you mean none?" if value is None else ""
            raise UserError(f"{value!r} is not a single value{word}")
        if (value, isinstance(value, bool)) in seen:
            raise UserError(f"{value!r} stands twice in the list")
        seen.add((value, isinstance(value, bool)))
    return tuple(values)


def _range(entry: Any) -> list[Any]:
    """A range, both ends included; any other value stands alone."""
    match = RANGE.fullmatch(entry.strip()) if isinstance(entry, str) else None
    if not match:
        if entry is None:
            raise UserError("a list, a range as 1..4, or a value is expected")
        if isinstance(entry, str) and ".." in entry:
            raise UserError(f"{entry!r}: a range is of whole numbers, as 1..4; list other ones")
        if isinstance(entry, str) and "," in entry:
            raise UserError(f"{entry!r} is one text; several values are written [{entry}]")
        if isinstance(entry, str) and (given := re.fullmatch(r"(\d+)\s*-\s*(\d+)", entry)):
            raise UserError(f"{entry!r}: a range is written {given[1]}..{given[2]}")
        return [entry]
    low, high, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if low > high or step < 1 or (high - low) // step >= MAX_VALUES:
        raise UserError(
            f"{entry!r} is not a range from low to high with at most {MAX_VALUES} values"
        )
    return list(range(low, high + 1, step))


def _weights(given: Any, count: int) -> tuple[float, ...]:
    numbers = isinstance(given, list) and all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and 0 < x <= MAX_WEIGHT
        for x in given
    )
    if not numbers or len(given) != count:
        wanted = f"a list of {count} positive numbers, at most {MAX_WEIGHT:g}"
        raise UserError(f"weights: {given!r} is not {wanted}")
    return tuple(float(x) for x in given)


def _condition(given: Any) -> str:
    if not isinstance(given, str):
        raise UserError(f"when: {given!r} is not an expression, as `stages[0].gate != none`")
    return given
