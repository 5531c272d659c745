"""What is told of a training while it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nas.training.loop import Step


class View(Protocol):
    """Who is told of a training while it goes on."""

    def opened(self, path: Path) -> None:
        """Called once, with the directory."""

    def notice(self, text: str) -> None:
        """Called with a sentence for the user."""

    def begin(self, epochs: int, epoch_steps: int, step: int) -> None:
        """Called before the first step of this process; `step` were done before."""

    def step(self, step: Step) -> None:
        """Called after each step."""

    def epoch(self, row: dict[str, float]) -> None:
        """Called at the end of each epoch with its row of the metrics."""


class Silent:
    """A view that shows nothing."""

    def opened(self, path: Path) -> None: ...
    def notice(self, text: str) -> None: ...
    def begin(self, epochs: int, epoch_steps: int, step: int) -> None: ...
    def step(self, step: Step) -> None: ...
    def epoch(self, row: dict[str, float]) -> None: ...
