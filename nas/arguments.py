"""Arguments of the public functions as people write them."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Iterable, Mapping
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

from nas.errors import UserError, brief


def several(given: Any) -> list[Any]:
    """The things given; a text, a path, or what can not be gone through, is one thing."""
    if isinstance(given, (str, Path)) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def settings(given: Any) -> list[str]:
    """Texts `key=value`, as --set takes them; of a mapping too."""
    if isinstance(given, Mapping):
        return [f"{name}={json.dumps(value, default=str)}" for name, value in given.items()]
    return several(given)


def a_path(name: str, given: Any) -> Path:
    """The path, of a text too, or of what stands for one; UserError, which begins with `name`, for
    anything else."""
    if not isinstance(given, (str, PathLike)):
        raise UserError(f"{name}: {brief(given)} is not a path")
    return Path(given)


def check_one_of(name: str, given: Any, known: Iterable[str]) -> None:
    """UserError, which begins with `name`, unless it is one of the names that are known."""
    names = list(known)
    if not isinstance(given, str) or given not in names:
        raise UserError(f"{name}: {brief(given)} is not one of {', '.join(names)}")


def real(name: str, given: Any) -> float:
    """The number, numpy's too; UserError, which begins with `name`, for anything else, NaN too."""
    found = float(given) if isinstance(given, Real) else math.nan
    if math.isnan(found):
        raise UserError(f"{name}: {brief(given)} is not a number")
    return found


def whole(name: str, given: Any, least: int = 0) -> int:
    """The whole number, numpy's too; UserError, which begins with `name`, for anything else."""
    try:
        found = operator.index(given)
    except TypeError:
        found = least - 1
    if found < least:
        raise UserError(f"{name}: {brief(given)} is not a whole number from {least}")
    return found
