"""Budgets: what a search may spend, in wall-clock time or in trials."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nas.errors import UserError

SECONDS = {"h": 3600, "m": 60, "s": 1}
VALID = "a time as 90s, 5m, 1h30m, or a number of trials as 20trials"


@dataclass(frozen=True)
class Budget:
    """`amount` is seconds of wall-clock time or a number of trials."""

    kind: Literal["time", "trials"]
    amount: float

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `5m`, `1h30m`, `90s`, `20trials`; UserError says what is valid otherwise."""
        if match := re.fullmatch(r"(\d{1,9}) ?trials?", text.strip()):
            amount: float = int(match[1])
            kind: Literal["time", "trials"] = "trials"
        elif match := re.fullmatch(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", text.strip()):
            amount = sum(
                int(n) * SECONDS[u] for n, u in zip(match.groups(), "hms", strict=True) if n
            )
            kind = "time"
        else:
            raise UserError(f"--budget: {text!r} is not a budget; give {VALID}")
        if amount <= 0:
            raise UserError(f"--budget: {text!r} is nothing to spend; give {VALID}")
        return cls(kind, amount)

    def __str__(self) -> str:
        return f"{self.amount:g} trials" if self.kind == "trials" else duration(self.amount)


def duration(seconds: float) -> str:
    """Seconds in words: 45s, 5m00s, 1h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
