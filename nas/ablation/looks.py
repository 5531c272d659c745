"""With how many seeds an ablation was looked at: each look is another chance of a false verdict.

A p adjusted for the number of rows holds for one look. Who adds seeds until a difference shows has
several chances of being wrong.
"""

from __future__ import annotations

import json
from pathlib import Path

from nas.files import write_atomically

LEAST = 2


def looked(path: Path, seeds: int) -> tuple[int, ...]:
    """Note in the ablation's directory that its verdicts are of so many seeds; all looks so far."""
    file = path / "looks.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    looks = sorted({*before, *[seeds] * (seeds >= LEAST)})
    if looks != before:
        write_atomically(file, json.dumps(looks) + "\n")
    return tuple(looks)
