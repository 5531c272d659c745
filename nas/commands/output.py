"""What verbs print: JSON, and tables for terminals of any width."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def make_console(*, stderr: bool = False) -> Console:
    """Where tables are printed. Words stay as they are: paths and messages have brackets too."""
    from rich.console import Console

    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.width:  # COLUMNS=0: a terminal that does not know
        console.width = 80
    return console


def print_json(found: Any) -> None:
    """One JSON document on standard output; what is no number in it is null."""
    print(json.dumps(_plain(found), indent=2, default=str))


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        return {str(name): _plain(value) for name, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_plain(value) for value in found]
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return found
