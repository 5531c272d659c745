"""Runs on disk that nobody trained: records written as a driver writes them."""

from contextlib import closing
from pathlib import Path
from typing import Any

from nas.architecture import key, preset
from nas.cost import cost
from nas.search.budget import Budget
from nas.search.record import Record, Trial
from nas.search.run import open_run, prepare
from nas.search.session import note_session
from nas.space import Space, load_space
from nas.training import Recipe, Result
from nas.training.job import Job

RECIPE = Recipe(name="made-up", epochs=9, batch=16, lr=0.01, rungs=(1, 3))
SCORES: tuple[dict[int, float], ...] = (
    {1: 0.10, 3: 0.20, 9: 0.30},
    {1: 0.15, 3: 0.25, 9: 0.50},
    {1: 0.12},
    {1: 0.11, 3: 0.24, 9: 0.45},
    {1: 0.05, 3: 0.15},
)
"""By rung, of trials of rising cost."""


def make_run(
    path: Path,
    scores: tuple[dict[int, float], ...] = SCORES,
    *,
    fresh: dict[int, tuple[float, ...]] | None = None,
    failed: int = 1,
    ended: bool = True,
    space: Space | None = None,
    **asked: Any,
) -> Path:
    """A search of osnet-mini. fresh: scores of a trial's replicates from 1. failed: trials more."""
    own = space or load_space("osnet-mini")
    about = {
        "space": own.name, "space_hash": own.hash(), "data": "synthetic",
        "cost_range": {name: list(ends) for name, ends in own.cost_range().items()},
        "recipe": RECIPE.model_dump(), "objectives": ["score", "macs"], "sampler": "random",
        "seed": 0, "eta": 3.0,
    } | asked  # fmt: skip
    prepare(path, about, own, fresh=False)
    record = Record(path / "record.db")
    for number, trial in enumerate(_trials(own, len(scores) + failed)):
        record.add(trial)
        rungs = scores[number] if number < len(scores) else {}
        before = 0
        for epoch, score in rungs.items():
            record.finish(_job(trial, 0, epoch, before), _result(score, epoch - before))
            before = epoch
        for replicate, score in enumerate((fresh or {}).get(number, ()), 1):
            record.finish(_job(trial, replicate, 9), _result(score, 9))
        if number >= len(scores):
            record.finish(_job(trial, 0, 1), Result("failed", "the loss is nan at step 3"))
    record.session(1000.0, 240.0)
    with record.db:
        record.db.execute("UPDATE jobs SET finished_at = 1000 + rowid")
    record.close()
    note_session(path, Budget("time", 300.0), 2, 1, ended=ended)
    return path


def add_baseline(path: Path, score: float, outside: str = "") -> int:
    """One that is dear, and better than the rest by two fresh seeds; its number."""
    own = preset("osnet_x1_0").resized(open_run(path).trial(0).architecture.input)
    with closing(Record(path / "record.db")) as record:
        number = record.count()
        costs = {"macs": 1e9 + number, "params": 1e5}
        trial = Trial(
            number, f"{number}", {}, own, costs, state="baseline", reason=outside, baseline="big"
        )
        record.add(trial)
        for replicate in (1, 2):
            record.finish(_job(trial, replicate, 9), _result(score, 9))
    return number


def _trials(space: Space, count: int) -> list[Trial]:
    """Of rising macs."""
    members = space.members()
    order = members.costs["macs"].argsort(kind="stable")
    found = []
    for number in range(count):
        point = members.point(int(order[number * (len(order) - 1) // max(1, count - 1)]))
        own = space.architecture(point)
        costs: dict[str, float] = dict(cost(own).as_dict())
        found.append(Trial(number, key(own), point, own, costs))
    return found


def _job(trial: Trial, replicate: int, epoch: int, before: int = 0) -> Job:
    return Job(
        f"{trial.number}-{replicate}-{epoch}", trial.number, trial.architecture, RECIPE,
        "synthetic", 0, replicate=replicate, from_epoch=before, to_epoch=epoch,
    )  # fmt: skip


def _result(score: float, epochs: int) -> Result:
    return Result(
        "done",
        scores={"mAP": score, "rank1": score, "score": score},
        train_seconds=2.0 * epochs,
        eval_seconds=0.5,
        images=100 * epochs,
    )
