"""The unit of work of a search: train one architecture for some epochs, and score it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from nas.architecture import Architecture, Size
from nas.cost import Setting
from nas.data import Dataset, Held, hold_out_to_score, load_dataset
from nas.data.register import DATA
from nas.data.split import as_it_is
from nas.errors import UserError, first_line, in_words, is_memory_full, where
from nas.plugins import load_plugin, loaded_plugins
from nas.seeds import derived_seed
from nas.training.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """Train a replicate of a trial from `from_epoch` (that of `state`) to `to_epoch`; score it.

    `deadline` is a time.time() after which the job gives up. latency: the setting to measure
    latency_ms in, where that is wanted.
    """

    id: str
    trial: int
    architecture: Architecture
    recipe: Recipe
    data: str
    seed: int
    replicate: int = 0
    from_epoch: int = 0
    to_epoch: int = 0
    state: bytes | None = None
    deadline: float = float("inf")
    plugins: tuple[str, ...] = ()
    tested: bool = False
    """Train on the whole training split and score the test split; else on what is held out."""
    latency: Setting | None = None


@dataclass(frozen=True)
class Result:
    """What became of a job. outcome: done, failed, infeasible (out of memory), or stopped (out of
    time); with a reason, if it is not done.

    scores: larger is better, but for nll and ece. measured: costs that are not known beforehand,
    latency_ms, smaller is better. train_seconds and eval_seconds: wall-clock.
    images: trained on.
    """

    outcome: str
    reason: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    train_seconds: float = 0.0
    eval_seconds: float = 0.0
    images: int = 0
    state: bytes = b""


IN_PARTS = "out of memory, so batches were computed in"


def run_job(job: Job, *, cancelled: Callable[[], bool] = lambda: False) -> Result:
    """Do the job. What fails in training is a result, with its reason, and not an exception.

    Out of memory, it is tried once more with half the images at a time. cancelled: asked before
    each step; where it says so, the outcome is "stopped".
    """
    for plugin in job.plugins:
        if Path(plugin).name not in loaded_plugins():
            load_plugin(plugin)
    result = _train(job, cancelled)
    if result.outcome != "infeasible":
        return result
    parts = 2 * job.recipe.accumulate
    try:
        halved = Recipe(**job.recipe.model_dump() | {"accumulate": parts})
    except ValueError:  # a batch that can not be split further
        return result
    again = _train(replace(job, recipe=halved), cancelled)
    if again.outcome == "done":
        return replace(again, reason=f"{IN_PARTS} {parts} parts")
    return again


def in_parts(reason: str) -> bool:
    """Whether that is the reason of a job whose batches were split as memory was full."""
    return reason.startswith(IN_PARTS)


def _train(job: Job, cancelled: Callable[[], bool]) -> Result:
    from nas.training.evaluation import score_held
    from nas.training.initial import begin
    from nas.training.loop import Diverged, Stopped, Trainer

    started = time.monotonic()
    seed = derived_seed(job.seed, job.replicate)
    size = job.architecture.input
    dataset = _loaded(job.data, size, _registered())
    if job.tested:
        held = as_it_is(dataset)
    else:
        held = _held(job.data, size, seed, job.recipe.validation, _registered())

    def stop() -> bool:
        return time.time() > job.deadline or cancelled()

    try:
        classes = int(held.train.labels.max()) + 1
        network = begin(job.architecture, classes, job.recipe, seed=seed)
        network.task, network.classes = dataset.task, dataset.classes
        trainer = Trainer(network, job.recipe, seed=seed)
        if job.state is not None:
            trainer.restore(job.state)
        started = time.monotonic()
        first = trainer.step
        trainer.train(held.train, job.to_epoch, stop=stop)
        trained = time.monotonic()
        scores = score_held(trainer.average, held, trainer.autocast)
    except Stopped:
        return Result("stopped", "out of time", train_seconds=time.monotonic() - started)
    except Diverged as error:
        return Result("failed", str(error), train_seconds=time.monotonic() - started)
    except (RuntimeError, MemoryError) as error:
        reason = first_line(error)
        if is_memory_full(error):
            reason = f"out of memory: {reason}"
            return Result("infeasible", reason, train_seconds=time.monotonic() - started)
        return Result("failed", reason + where(error), train_seconds=time.monotonic() - started)
    except (UserError, OSError):
        raise
    except Exception as error:  # whatever code of a plug-in raises; its line is known here alone
        return Result("failed", in_words(error), train_seconds=time.monotonic() - started)
    return Result(
        "done",
        scores=scores,
        train_seconds=trained - started,
        eval_seconds=time.monotonic() - trained,
        images=(trainer.step - first) * job.recipe.batch,
        state=trainer.state(),
    )


def _registered() -> tuple[object, ...]:
    """What gives data of plug-ins: in a notebook it may be another one under the same name."""
    return tuple(DATA.values())


@lru_cache(maxsize=2)
def _loaded(spec: str, size: Size, registered: tuple[object, ...]) -> Dataset:
    dataset = load_dataset(spec, size)
    dataset.train.prepare()
    return dataset


@lru_cache(maxsize=4)
def _held(
    spec: str, size: Size, seed: int, fraction: float, registered: tuple[object, ...]
) -> Held:
    """The training split in two, at the network's input size."""
    return hold_out_to_score(_loaded(spec, size, registered), seed=seed, fraction=fraction)
