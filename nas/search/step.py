"""A step of a plan, and where a search stands when one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas.search.record import Trial


@dataclass(frozen=True)
class Step:
    """Train a replicate of a trial from one epoch to another.

    trial: as it is to stand in the record when the step begins; a new one has the next number.
    """

    trial: Trial
    replicate: int
    from_epoch: int
    to_epoch: int

    @property
    def id(self) -> str:
        return f"{self.trial.number}-{self.replicate}-{self.to_epoch}"

    @property
    def epochs(self) -> int:
        return self.to_epoch - self.from_epoch


@dataclass(frozen=True)
class Standing:
    """Where a search stands. seconds: of wall-clock time that it has taken, in all."""

    trials: Sequence[Trial]
    running: Sequence[Step]
    seconds: float
