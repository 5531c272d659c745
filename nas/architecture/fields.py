"""Declared fields: a domain gives the check, the message and the valid values at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nas.errors import UserError, meant

Value = int | float | str | bool


@dataclass(frozen=True)
class Field:
    """One field of a network: its default, what it may hold, and what it means.

    `problem(value)` is None for a valid value and otherwise says what would be valid. domain: equal
    for two fields that hold the same.
    """

    default: Value
    about: str
    problem: Callable[[Value], str | None]
    domain: tuple[object, ...] = ()

    def check(self, path: str, value: object) -> Value:
        """Return `value`, or raise UserError that names the path, the value and what is valid."""
        if not isinstance(value, (bool, int, float, str)):
            raise UserError(f"{path}: {value!r} is not a single value")
        problem = self.problem(value)
        if problem:
            raise UserError(f"{path}: {value!r} is not {problem}")
        return value


def integer(default: int, *, low: int, high: int, about: str) -> Any:
    """A whole number from `low` to `high`, both included."""

    def problem(value: Value) -> str | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return None if whole and low <= value <= high else f"a whole number from {low} to {high}"  # type: ignore[operator]

    return Field(default, about, problem, ("integer", low, high))


def number(default: float, *, above: float, high: float, about: str) -> Any:
    """A number greater than `above` and at most `high`."""

    def problem(value: Value) -> str | None:
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        valid = numeric and above < value <= high  # type: ignore[operator]
        return None if valid else f"a number above {above:g} and at most {high:g}"

    return Field(default, about, problem, ("number", above, high))


def choice(default: str | int, options: Iterable[str | int], *, about: str) -> Any:
    """One of `options`; a live collection (a registry) may still grow."""

    def problem(value: Value) -> str | None:
        valid = list(options)
        if any(value == own and type(value) is type(own) for own in valid):
            return None
        words = [str(own) for own in valid]
        return f"one of {', '.join(words)}{meant(str(value).lower(), words)}"

    fixed = tuple(options) if isinstance(options, (list, tuple)) else id(options)
    return Field(default, about, problem, ("choice", fixed))
