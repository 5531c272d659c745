"""With how many seeds an ablation was looked at: each look is another chance of a false verdict.

A p adjusted for the number of rows holds for one look. Who adds seeds until a difference shows has
several chances of being wrong.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from nas.errors import Unwritable
from nas.files import write_atomically

NAME = "looks.json"
LEAST = 2


def looked(path: Path, *seeds: int) -> tuple[int, ...]:
    """Note in the ablation's directory that its verdicts, or those of another one that its scores
    are from, were of so many seeds; all looks so far."""
    before = looks(path)
    found = tuple(sorted({*before, *(count for count in seeds if count >= LEAST)}))
    if found != before:
        with suppress(Unwritable):  # who only looks may not be allowed to write
            write_atomically(path / NAME, json.dumps(found) + "\n")
    return found


def looks(path: Path) -> tuple[int, ...]:
    """All that were noted so far; none where the file is damaged."""
    try:
        return tuple(map(int, json.loads((path / NAME).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return ()
