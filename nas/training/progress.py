"""The epochs of a training: checkpoints, metrics, networks, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.data import Dataset, Held
from nas.errors import UserError
from nas.files import write_atomically
from nas.training.final_scores import test_scores
from nas.training.interrupts import interrupts
from nas.training.metrics import add_scalars, open_tensorboard, write_metrics
from nas.training.view import View

if TYPE_CHECKING:
    from nas.training.loop import Step, Trainer

CHECKPOINT, BEST, LAST = "checkpoint.pt", "best.safetensors", "last.safetensors"


class Progress:
    """A training that is under way in its directory.

    interval: seconds between checkpoints within an epoch. looked_at: test splits, by the name of
    their scores in the metrics, that are scored after each `every` epochs; nothing goes by that.
    """

    def __init__(
        self, path: Path, trainer: Trainer, held: Held, interval: float, view: View,
        looked_at: Mapping[str, Dataset], every: int | None,
    ) -> None:  # fmt: skip
        self.looked_at, self.every = looked_at, every
        self.path, self.trainer, self.held, self.view = path, trainer, held, view
        self.interval, self.saved_at = interval, time.monotonic()
        self.extra: dict[str, Any] = {
            "rows": [],
            "best_score": -1.0,
            "best_epoch": 0,
            "loss_sum": 0.0,  # of this epoch so far, as the next two
            "images": 0,
            "seconds": 0.0,
        }

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one."""
        file = self.path / CHECKPOINT
        if not file.is_file():
            return
        try:
            self.extra = self.trainer.restore(file.read_bytes())
            self.extra["rows"] = [dict(row) for row in self.extra["rows"]]
        except Exception as error:  # what torch raises for a damaged file has no common base
            if "size mismatch" in str(error):
                raise UserError(
                    f"{file} is of a network with another classifier: the data had more classes, "
                    "or fewer, when the training was begun; --fresh starts over"
                ) from None
            raise UserError(
                f"{file} is damaged ({type(error).__name__}); --fresh starts over"
            ) from None
        trainer = self.trainer
        if not self.ended:
            at = f"epoch {trainer.epoch + 1} of {trainer.recipe.epochs}, step {trainer.step}"
            self.view.notice(f"resuming {self.path} at {at}")

    @property
    def ended(self) -> bool:
        """Whether there is no epoch left, or the score has not risen for long enough."""
        recipe, epoch = self.trainer.recipe, self.trainer.epoch
        waited = epoch - self.extra["best_epoch"]
        return epoch >= recipe.epochs or bool(recipe.early_stop and waited >= recipe.early_stop)

    def train(self) -> None:
        """Train to the end, with a checkpoint after each epoch and every few minutes."""
        from nas.training.loop import Stopped

        trainer = self.trainer
        if self.ended:
            self.view.notice(f"{self.path} is trained; nothing is left to do but scores")
            self._write_outputs()  # a kill may have come between the checkpoint and these
            return
        epoch_steps = trainer.epoch_steps(self.held.train)
        self.view.begin(trainer.recipe.epochs, epoch_steps, trainer.step)
        board = open_tensorboard(self.path / "tensorboard", trainer.step)
        if board is None:
            self.view.notice("tensorboard is not installed: metrics are in metrics.csv alone")
        try:
            while not self.ended:
                self.before = time.monotonic()
                with interrupts() as stop:
                    trainer.train(
                        self.held.train, trainer.epoch + 1, stop=stop, watch=self._after_step
                    )
                row = self._end_epoch()
                if board is not None:
                    add_scalars(board, row)
                if stop():  # after the last step asked
                    raise KeyboardInterrupt
        except Stopped:
            self._save()
            raise KeyboardInterrupt from None
        finally:
            if board is not None:
                board.close()

    def _after_step(self, step: Step) -> None:
        now = time.monotonic()
        self.extra["loss_sum"] += step.loss * step.images
        self.extra["images"] += step.images
        self.extra["seconds"] += now - self.before
        self.extra["lr"] = step.lr
        self.before = now
        if now - self.saved_at > self.interval and self.trainer.batch:
            self._save()
        self.view.step(step)

    def _end_epoch(self) -> dict[str, float]:
        """Score where asked, and write what there is: the checkpoint decides, the rest follows."""
        from nas.training.evaluation import score_held

        trainer, extra = self.trainer, self.extra
        row = {
            "epoch": trainer.epoch,
            "step": trainer.step,
            "lr": extra["lr"],
            "loss": extra["loss_sum"] / extra["images"],
            "images_per_second": extra["images"] / max(extra["seconds"], 1e-9),
            "seconds": extra["seconds"],
        }
        self._check_finite()
        if trainer.recipe.early_stop:
            row |= score_held(trainer.average, self.held, trainer.autocast)
            if row["score"] > extra["best_score"]:
                extra |= {"best_score": row["score"], "best_epoch": trainer.epoch}
        extra["rows"].append(row)
        extra |= {"loss_sum": 0.0, "images": 0, "seconds": 0.0}
        if trainer.recipe.early_stop and extra["best_epoch"] == trainer.epoch:
            self._write_network(BEST)
        self._save()
        if self.every and trainer.epoch % self.every == 0:  # once the epoch can not be lost by it
            row |= self._look()
            self._save()
        self._write_outputs()
        self.view.epoch(row)
        return row

    def _look(self) -> dict[str, float]:
        return {
            f"{where}/{name}": score
            for where, dataset in self.looked_at.items()
            for name, score in test_scores(self.trainer.average, dataset).items()
        }

    def _save(self) -> None:
        self._check_finite()
        write_atomically(self.path / CHECKPOINT, self.trainer.state(self.extra))
        self.saved_at = time.monotonic()

    def _check_finite(self) -> None:
        from nas.training.loop import Diverged

        if not self.trainer.finite():
            raise Diverged(f"a weight is not a finite number at step {self.trainer.step}")

    def _write_outputs(self) -> None:
        write_metrics(self.path / "metrics.csv", self.extra["rows"])
        self._write_network(LAST)

    def _write_network(self, name: str) -> None:
        from nas.models.weights import save_network

        save_network(self.trainer.average, self.path / name)
