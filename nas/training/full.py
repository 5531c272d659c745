"""Training at full length: one network, checkpoints, metrics, and its scores at the end."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nas.architecture import PRESETS, Architecture, key, preset, to_document
from nas.data import Dataset, Held, Images, check_spec, hold_out, load_dataset, resize
from nas.directory import Kind, check_directory, locked, make_directory
from nas.errors import UserError
from nas.files import write_atomically
from nas.seeds import derived_seed
from nas.training.metrics import add_scalars, open_tensorboard, write_metrics
from nas.training.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    import torch

    from nas.training.loop import Step, Trainer

FILE, CHECKPOINT, BEST, LAST = "train.json", "checkpoint.pt", "best.safetensors", "last.safetensors"


@dataclass(frozen=True)
class Training:
    """A finished training.

    network: the self-contained file to use, the best where epochs were scored, else the last.
    scores: of the test splits, by data spec; larger is better. best_epoch: 0 where none was scored.
    """

    path: Path
    network: Path
    epochs: int
    best_epoch: int
    scores: dict[str, dict[str, float]]


class View(Protocol):
    """What is told of a training while it goes on."""

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


def train_network(
    architecture: Architecture | str,
    *,
    data: str = "synthetic",
    recipe: str | Recipe = "standard",
    overrides: Sequence[str] = (),
    evaluate: Sequence[str] = (),
    init: str | Path | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    name: str | None = None,
    fresh: bool = False,
    device: str | None = None,
    checkpoint_minutes: float = 5.0,
    view: View | None = None,
) -> Training:
    """Train on the whole training split, and score the test split of `data` and of `evaluate`.

    architecture: a value, or the name of a preset. init: a file of weights to start from. name: of
    the architecture, in the default directory. Where the recipe has `early_stop`, identities (or
    images) are held out and scored after each epoch. The same arguments go on where a training was;
    evaluate, device and checkpoint_minutes may change. Raises UserError for what a user can mend,
    Diverged where the loss is no number, and KeyboardInterrupt after Ctrl-C, with the state saved.
    """
    from nas.training.loop import parse_device

    if isinstance(architecture, str):
        name, architecture = name or architecture, preset(architecture)
    trained = recipe if isinstance(recipe, Recipe) else load_recipe(recipe, overrides)
    for spec in (data, *evaluate):
        check_spec(spec)
    place = parse_device(device)
    asked: dict[str, Any] = {
        "key": key(architecture),
        "architecture": to_document(architecture),
        "data": data,
        "recipe": trained.model_dump(),
        "seed": seed,
        "init": None if init is None else f"{init} ({_digest(Path(init))})",
    }
    path = Path(out) if out is not None else _default_path(asked, name, recipe, overrides)
    shown = view or Silent()
    kind = Kind("training", FILE, (), ("torch", "numpy", "safetensors"), _read_asked)
    with locked(path, "training"):
        check_directory(path, asked, kind, fresh=fresh)
        dataset = load_dataset(data)
        split = derived_seed(seed, 0)  # as replicate 0 of a search with that seed
        held = _split(dataset, architecture, trained, split)
        trainer, about = _trainer(architecture, held.train, trained, split, init, place)
        make_directory(path, asked, kind, fresh=fresh)
        shown.opened(path)
        if about:
            shown.notice(about)
        run = _Run(path, trainer, held, dataset.task, checkpoint_minutes * 60, shown)
        run.resume()
        run.train()
        network = path / (BEST if trained.early_stop else LAST)
        scores = _score(path, network, trainer, dataset, (data, *evaluate))
    return Training(path, network, trainer.epoch, int(run.extra["best_epoch"]), scores)


def _split(dataset: Dataset, architecture: Architecture, recipe: Recipe, seed: int) -> Held:
    images = resize(dataset.train, architecture.input)
    if not recipe.early_stop:
        return Held(images)
    return hold_out(images, dataset.task, seed=seed, fraction=recipe.validation)


def _trainer(
    architecture: Architecture,
    images: Images,
    recipe: Recipe,
    seed: int,
    init: str | Path | None,
    device: torch.device,
) -> tuple[Trainer, str]:
    """A trainer at its start, and in words what it starts from."""
    from nas.models import build
    from nas.training.initial import load_initial
    from nas.training.loop import Trainer

    network = build(architecture, int(images.labels.max()) + 1, seed=seed)
    about = load_initial(network, Path(init)) if init is not None else ""
    trainer = Trainer(network, recipe, seed=seed, device=device)
    trainer.epoch_steps(images)  # what does not fit the data says so here
    return trainer, about


class _Run:
    """A training in its directory."""

    def __init__(
        self, path: Path, trainer: Trainer, held: Held, task: str, interval: float, view: View
    ) -> None:
        self.path, self.trainer, self.held, self.task, self.view = path, trainer, held, task, view
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
                with _interrupts() as stop:
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
        trainer, extra = self.trainer, self.extra
        row = {
            "epoch": trainer.epoch,
            "step": trainer.step,
            "lr": extra["lr"],
            "loss": extra["loss_sum"] / extra["images"],
            "images_per_second": extra["images"] / max(extra["seconds"], 1e-9),
            "seconds": extra["seconds"],
        }
        if trainer.recipe.early_stop:
            row |= {name: float(score) for name, score in self._validate().items()}
            if row["score"] > extra["best_score"]:
                extra |= {"best_score": row["score"], "best_epoch": trainer.epoch}
        extra["rows"].append(row)
        extra |= {"loss_sum": 0.0, "images": 0, "seconds": 0.0}
        self._check_finite()
        if trainer.recipe.early_stop and extra["best_epoch"] == trainer.epoch:
            self._write_network(BEST)
        self._save()
        self._write_outputs()
        self.view.epoch(row)
        return row

    def _validate(self) -> dict[str, float]:
        from nas.training.evaluation import score_classification, score_reid

        average, held = self.trainer.average, self.held
        if self.task == "reid":
            assert held.query is not None and held.gallery is not None
            return score_reid(average, held.query, held.gallery, autocast=self.trainer.autocast)
        assert held.validation is not None
        return score_classification(average, held.validation, autocast=self.trainer.autocast)

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


def _score(
    path: Path, network: Path, trainer: Trainer, dataset: Dataset, specs: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Scores of the test splits, kept in scores.json: those that are there are not made again."""
    from nas.models.weights import load_network
    from nas.training.evaluation import score_classification, score_reid

    file = path / "scores.json"
    scores: dict[str, dict[str, float]] = {}
    if file.is_file():
        try:
            scores = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            raise UserError(f"{file} is damaged; remove it to have the scores again") from None
    model = load_network(network).to(trainer.device)
    for index, spec in enumerate(specs):
        if spec in scores:
            continue
        found = dataset if index == 0 else load_dataset(spec)
        if found.task == "reid":
            query, gallery = (
                resize(found.splits[s], model.input_size) for s in ("query", "gallery")
            )
            scores[spec] = score_reid(model, query, gallery, autocast=trainer.autocast)
        else:
            if found.num_classes != dataset.num_classes:
                raise UserError(
                    f"--eval {spec}: it has {found.num_classes} classes, and the network was "
                    f"trained on {dataset.num_classes}"
                )
            test = resize(found.splits["test"], model.input_size)
            scores[spec] = score_classification(model, test, autocast=trainer.autocast)
        write_atomically(file, json.dumps(scores, indent=2) + "\n")
    return {spec: scores[spec] for spec in specs}


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C only makes the function that is given true: a step is done or not begun."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: came.set())
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _default_path(
    asked: dict[str, Any], name: str | None, recipe: str | Recipe, overrides: Sequence[str]
) -> Path:
    """`results/train-<architecture>-<data>-<recipe>-s<seed>`, and a hash of what is not in it."""
    label = name or asked["key"]
    rest: list[Any] = [*overrides]
    if label not in PRESETS or key(preset(label)) != asked["key"]:
        rest.append(asked["key"])
    if ":" in asked["data"]:
        rest.append(asked["data"])
    if asked["recipe"]["name"] != recipe:
        rest.append(recipe if isinstance(recipe, str) else asked["recipe"])
    if asked["init"] is not None:
        rest.append(asked["init"])
    parts = [_plain(text) for text in (label, asked["data"], asked["recipe"]["name"])]
    if rest:
        parts.append(blake2b(json.dumps(rest).encode(), digest_size=3).hexdigest())
    return Path("results") / "-".join(["train", *parts, f"s{asked['seed']}"])


def _plain(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[:40] or "x"


def _digest(path: Path) -> str:
    try:
        return blake2b(path.read_bytes(), digest_size=8).hexdigest()
    except OSError as error:
        raise UserError(f"--init: {path}: {error.strerror}") from None


def _read_asked(path: Path) -> dict[str, Any]:
    file = path / FILE
    try:
        asked = json.loads(file.read_text(encoding="utf-8"))["asked"]
        if not isinstance(asked, dict):
            raise ValueError("asked is not a mapping")
        return asked
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged ({type(error).__name__}: {error})") from None
