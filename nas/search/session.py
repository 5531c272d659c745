"""The last session of a run: what its driver was told, and whether it came to its end."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.errors import Unwritable
from nas.files import write_atomically
from nas.provenance import command_line
from nas.search.budget import Budget

FILE = "session.json"


@dataclass(frozen=True)
class Session:
    """threads: of each worker. ended: there was nothing left to do within the budget."""

    command: str
    budget: Budget
    workers: int
    threads: int
    ended: bool


def note_session(path: Path, budget: Budget, workers: int, threads: int, *, ended: bool) -> None:
    """Write it into the run's directory. Where that can not be written, nothing is lost by it."""
    about = {
        "command": command_line(),
        "budget": {"kind": budget.kind, "amount": budget.amount},
        "workers": workers,
        "threads": threads,
        "ended": ended,
    }
    with suppress(Unwritable):
        write_atomically(path / FILE, json.dumps(about, indent=2) + "\n")


def last_session(path: Path) -> Session | None:
    """What `note_session` wrote; None where there is none, or it is damaged."""
    try:
        found: dict[str, Any] = json.loads((path / FILE).read_text(encoding="utf-8"))
        return Session(**found | {"budget": Budget(**found["budget"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
