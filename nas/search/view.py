"""What is told of a search, an ablation or an audit while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nas.search.budget import Budget
from nas.search.record import Trial


@dataclass(frozen=True)
class Status:
    """Where a search stands: for the live view."""

    trials: list[Trial]
    front: list[Trial]
    running: dict[int, float]
    """Seconds that each running trial has been running, by trial number."""
    seconds: float
    spent: float
    """Of the budget, as `left` is: seconds, trials, epochs or MACs."""
    left: float
    budget: Budget
    rungs: tuple[int, ...]
    """Epochs after which a trial is scored, the last of them full length."""

    @property
    def complete(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.state == "complete"]


class View(Protocol):
    """What is told of a search while it goes on."""

    def opened(self, path: Path) -> None:
        """Called once, with the run's directory."""

    def update(self, status: Status) -> None:
        """Called about twice a second."""

    def finished(self, trial: Trial, status: Status) -> None:
        """Called when a trial has reached a rung, or failed."""

    def notice(self, text: str) -> None:
        """Called with a sentence for the user."""


class SilentView:
    def opened(self, path: Path) -> None: ...
    def update(self, status: Status) -> None: ...
    def finished(self, trial: Trial, status: Status) -> None: ...
    def notice(self, text: str) -> None: ...
