"""The view of a training: a bar that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from nas.commands.live import Hushed, Lines, Redrawn
from nas.commands.output import make_console
from nas.search.budget import duration

if TYPE_CHECKING:
    from nas.training.loop import Step

LINE_SECONDS = 60.0  # between lines within an epoch


def make_view(quiet: bool = False) -> LinesView:
    """A bar where standard error is a terminal, else plain lines; or nothing."""
    if quiet:
        return QuietView()
    return BarView() if sys.stderr.isatty() else LinesView()


class LinesView(Lines):
    """A line on standard error for each epoch, and each minute within one."""

    what = "training"

    def begin(self, epochs: int, epoch_steps: int, step: int) -> None:
        self.epochs, self.epoch_steps, self.first = epochs, epoch_steps, step
        self.started = self.told = time.monotonic()
        self.now = step

    def step(self, step: Step) -> None:
        self.now = step.step
        if time.monotonic() - self.told > LINE_SECONDS:
            within = step.step - step.epoch * self.epoch_steps
            self.notice(
                f"epoch {step.epoch + 1}/{self.epochs}  step {within}/{self.epoch_steps}  "
                f"loss {step.loss:.3f}  {self._left()}"
            )

    def epoch(self, row: dict[str, float]) -> None:
        scores = {"score": row.get("score"), "test score": row.get("test/score")}
        told = (f"{name} {value:.4f}  " for name, value in scores.items() if value is not None)
        self.notice(
            f"epoch {row['epoch']}/{self.epochs}  loss {row['loss']:.3f}  lr {row['lr']:.2g}  "
            f"{row['images_per_second']:.0f} images/s  {''.join(told)}{self._left()}"
        )

    def notice(self, text: str) -> None:
        self.told = time.monotonic()
        super().notice(text)

    def _left(self) -> str:
        left = self.epochs * self.epoch_steps - self.now
        done = max(self.now - self.first, 1)
        return f"{duration(left * (time.monotonic() - self.started) / done)} left"


class QuietView(Hushed, LinesView):
    """Nothing."""


class BarView(Redrawn, LinesView):
    """The steps as a bar with what is left, and a line above it for each epoch."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f}%  loss {task.fields[loss]:.3f}  {task.fields[left]}"),
            console=make_console(stderr=True),
            transient=True,
        )
        super().__init__(self.progress)

    def begin(self, epochs: int, epoch_steps: int, step: int) -> None:
        super().begin(epochs, epoch_steps, step)
        self.task = self.progress.add_task(
            "", total=epochs * epoch_steps, completed=step,
            epoch=f"{step // epoch_steps + 1}/{epochs}", loss=float("nan"), left="",
        )  # fmt: skip

    def step(self, step: Step) -> None:
        self.now = step.step
        self.progress.update(
            self.task, completed=step.step, epoch=f"{step.epoch + 1}/{self.epochs}",
            loss=step.loss, left=self._left(),
        )  # fmt: skip
