"""Budgets: what a search may spend, in wall-clock time, trials, epochs, or MACs of training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nas.errors import UserError

Kind = Literal["time", "trials", "epochs", "macs", "replicates"]
SECONDS = {"h": 3600, "m": 60, "s": 1}
MACS = {"G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
TRAINING = 3  # times the macs of the network, for each image: forward, and backward twice that
VALID = (
    "a time as 90s, 5m, 1h30m, a number of trials as 20trials, of epochs as 120epochs, "
    "or MACs of training as 2PMAC"
)


@dataclass(frozen=True)
class Budget:
    """`amount` is seconds of wall-clock time, or a number of trials, of epochs, or of MACs.

    A budget of replicates is what an ablation has that is given none: as many as it has to train.
    """

    kind: Kind
    amount: float

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `5m`, `1h30m`, `20trials`, `120epochs`, `2PMAC`; UserError says what is valid."""
        given = str(text).strip()  # from Python a number may come
        kind: Kind = "time"
        if match := re.fullmatch(r"(\d{1,9}) ?(trial|epoch)s?", given):
            amount: float = int(match[1])
            kind = "trials" if match[2] == "trial" else "epochs"
        elif match := re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([GTPE])MACs?", given):
            amount, kind = float(match[1]) * MACS[match[2]], "macs"
        elif match := re.fullmatch(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", given):
            amount = sum(
                int(n) * SECONDS[u] for n, u in zip(match.groups(), "hms", strict=True) if n
            )
        else:
            raise UserError(f"--budget: {text!r} is not a budget; give {VALID}")
        if amount <= 0:
            raise UserError(f"--budget: {text!r} is nothing to spend; give {VALID}")
        return cls(kind, amount)

    def words(self, amount: float) -> str:
        """An amount of what the budget is of: 5m00s, 20 trials, 1.25 PMAC."""
        if self.kind == "time":
            return duration(amount)
        if self.kind == "macs":
            unit = max((u for u in MACS if MACS[u] <= max(amount, 1e9)), key=MACS.__getitem__)
            return f"{amount / MACS[unit]:.3g} {unit}MAC"
        return number_of(amount, self.kind.removesuffix("s"))

    def __str__(self) -> str:
        return self.words(self.amount)


def number_of(amount: float, noun: str) -> str:
    """1 trial, 20 trials."""
    return f"{amount:g} {noun}{'s' * (amount != 1)}"


def duration(seconds: float) -> str:
    """Seconds in words: 45s, 5m00s, 1h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
