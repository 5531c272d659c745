"""What verbs print: JSON, and tables for terminals of any width."""

from __future__ import annotations

import json
import math
from typing import Any


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
