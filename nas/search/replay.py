"""Replay: a search against a table of finished trainings, in seconds, with simulated workers.

The plan is the one that a real search follows; what its steps come to is looked up.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.architecture import key
from nas.errors import UserError
from nas.search.budget import Budget
from nas.search.ledger import Ledger
from nas.search.objectives import SCORE
from nas.search.plan import Plan, SearchPlan, check_growth, check_share
from nas.search.record import Trial
from nas.search.rungs import Ladder, parse_rungs
from nas.search.samplers import make_sampler, promoter
from nas.search.samplers.staircase import Staircase
from nas.search.step import Standing, Step
from nas.space import Space, load_space
from nas.training.recipe import load_recipe

Floats = NDArray[np.floating]
SPACE, SCORES, NETWORKS = "space.yaml", "scores.parquet", "networks.parquet"


@dataclass(frozen=True)
class Table:
    """Trainings of n architectures with R seeds, scored after each of E epochs.

    keys: (n,). scores, seconds: (n, R, E), seconds being what the epoch and its scoring took.
    images: of an epoch. costs: by name, (n,).
    """

    space: Space
    keys: tuple[str, ...]
    scores: Floats
    seconds: Floats
    images: int
    costs: Mapping[str, Floats]

    @cached_property
    def rows(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self.keys)}

    @property
    def truth(self) -> Floats:
        """The score at full length, as the mean over seeds: (n,)."""
        found: Floats = self.scores[:, :, -1].mean(axis=1)
        return found

    def hypervolume(self, rows: Sequence[int], cost: str = "macs") -> float:
        """Of these architectures by their true scores, log cost scaled over the table.

        Above the median score of the table; a share of what all architectures have together.
        """
        return self._area(np.asarray(rows, dtype=int), cost) / self._largest[cost]

    @cached_property
    def _largest(self) -> dict[str, float]:
        return {name: self._area(np.arange(len(self.keys)), name) for name in self.costs}

    def _area(self, rows: NDArray[np.integer], cost: str) -> float:
        logs = np.log10(self.costs[cost])
        scaled = (logs - logs.min()) / np.ptp(logs)
        return Staircase(
            scaled[rows, None], self.truth[rows], float(np.median(self.truth))
        ).hypervolume


def read_table(folder: str | Path) -> Table:
    """A table that a build of a tabular benchmark wrote; UserError where it is none."""
    import pandas as pd

    folder = Path(folder)
    missing = [name for name in (SPACE, SCORES, NETWORKS) if not (folder / name).is_file()]
    if missing and (folder / "record.db").is_file():
        raise UserError(f"{folder} is a run: name one of its trials, as {folder}#0")
    if missing:
        raise UserError(f"{folder} is not a table of trainings: it has no {', '.join(missing)}")
    try:
        rows = pd.read_parquet(folder / SCORES)
    except ImportError:
        raise UserError(f"{folder} needs pyarrow: pip install 'osnet-nas[parquet]'") from None
    networks = pd.read_parquet(folder / NETWORKS).set_index("key")
    shape = tuple(rows[name].nunique() for name in ("key", "replicate", "epoch"))
    if np.prod(shape) != len(rows):
        raise UserError(f"{folder / SCORES}: not every epoch of every seed of every architecture")
    rows = rows.sort_values(["key", "replicate", "epoch"])
    keys = tuple(rows["key"].unique())
    return Table(
        load_space(folder / SPACE),
        keys,
        rows["mAP"].to_numpy().reshape(shape),
        (rows["train_seconds"] + rows["eval_seconds"]).to_numpy().reshape(shape),
        round(float(rows["images"].median())),
        {name: networks.loc[list(keys), name].to_numpy() for name in ("macs", "params")},
    )


@dataclass(frozen=True)
class Event:
    """A step that ended. seconds: of simulated time; epochs, macs: trained until then, in all;
    macs of training are epochs times macs of the network."""

    step: Step
    seconds: float
    epochs: int
    macs: float


def replay(
    plan: Plan,
    table: Table,
    *,
    workers: int = 1,
    replicate: int = 0,
    enough: Callable[[Event], bool] = lambda event: False,
) -> tuple[list[Trial], list[Event]]:
    """Carry out a plan against the table: the trials, and the steps in the order they ended in.

    replicate: which of the table's seeds is the search's own; fresh ones are those after it, as
    many as there are. Architectures that the table lacks are an error. enough: whether to end,
    asked after each step.
    """
    trials: list[Trial] = []
    running: dict[int, Step] = {}
    ends: list[tuple[float, int]] = []
    events: list[Event] = []
    now, epochs, macs, started = 0.0, 0, 0.0, 0
    while True:
        while len(running) < workers:
            step = plan.next(Standing(trials, list(running.values()), now))
            if step is None:
                break
            if step.trial.number == len(trials):
                trials.append(step.trial)
            trials[step.trial.number] = step.trial
            running[started] = step
            heapq.heappush(ends, (now + _seconds(step, table, replicate), started))
            started += 1
        if not running:
            return trials, events
        now, number = heapq.heappop(ends)
        step = running.pop(number)
        epochs += step.epochs
        macs += step.epochs * step.trial.costs["macs"]
        own = trials[step.trial.number]
        trials[own.number] = _ended(own, step, table, replicate, plan.ladder.epochs[-1])
        events.append(Event(step, now, epochs, macs))
        if enough(events[-1]):
            return trials, events


def _cells(step: Step, table: Table, replicate: int) -> tuple[int, int]:
    """Row and seed in the table."""
    count = table.scores.shape[1]
    return table.rows[step.trial.key], (replicate + step.replicate) % count


def _seconds(step: Step, table: Table, replicate: int) -> float:
    row, seed = _cells(step, table, replicate)
    return float(table.seconds[row, seed, step.from_epoch : step.to_epoch].sum())


def _ended(trial: Trial, step: Step, table: Table, replicate: int, full: int) -> Trial:
    """The trial once the step has come to what the table says."""
    row, seed = _cells(step, table, replicate)
    score = float(table.scores[row, seed, step.to_epoch - 1])
    spent = replace(
        trial,
        seconds=trial.seconds + _seconds(step, table, replicate),
        images=trial.images + step.epochs * table.images,
        epochs=trial.epochs + step.epochs,
    )
    if step.replicate:
        return replace(spent, fresh=trial.fresh | {step.replicate: score})
    return replace(
        spent,
        state="complete" if step.to_epoch == full else "stopped",
        scores={SCORE: score},
        rungs=trial.rungs | {step.to_epoch: score},
    )


@dataclass(frozen=True)
class Replayed:
    """A search that was replayed. found: the share of the table's hypervolume that the trials
    which are complete have by their true scores, after each of the events; larger is better."""

    trials: list[Trial]
    events: list[Event]
    found: list[float]


def replay_search(
    table: str | Path | Table,
    *,
    sampler: str = "ehvi",
    budget: str = "30trials",
    rungs: str | Sequence[int] = "",
    eta: float = 3.0,
    confirm: float = 0.0,
    workers: int = 1,
    seed: int = 0,
    until: float = math.inf,
    score_min: float | None = None,
    growth_min: float = 0.0,
) -> Replayed:
    """Search a table of finished trainings as `nas.run_search` would search the space itself.

    The search sees the table's seeds in turn from number `seed` on, and is judged by the mean of
    all. Baselines that the table lacks are left out. until: the share of the table's hypervolume
    at which it ends, if the budget lasts. score_min, growth_min, and UserError: as in `run_search`.
    """
    check_share(confirm)
    check_growth(growth_min, sampler)
    own = table if isinstance(table, Table) else read_table(table)
    full = own.scores.shape[2]
    objectives = (SCORE, "macs")
    known = tuple((n, a) for n, a in own.space.baselines if key(a) in own.rows)
    space = replace(own.space, baselines=known)
    ladder = Ladder((*parse_rungs(rungs, full), full), eta, ("macs",))
    recipe = load_recipe("quick", [f"epochs={full}", f"epoch_images={own.images}", "rungs=[]"])
    ledger = Ledger(Budget.parse(budget), recipe, workers)
    on_rungs = len(ladder.epochs) > 1
    propose = make_sampler(sampler, space, objectives, rungs=on_rungs, score_min=score_min)
    promote = promoter(propose, ladder, seed)
    plan = SearchPlan(
        space, propose, objectives, seed, ladder, confirm, ledger, promote=promote,
        score_min=score_min, growth_min=growth_min,
    )  # fmt: skip
    rows: list[int] = []
    found: list[float] = []

    def enough(event: Event) -> bool:
        if event.step.to_epoch == full and not event.step.replicate:
            rows.append(own.rows[event.step.trial.key])
        found.append(own.hypervolume(rows))
        return found[-1] >= until

    replicate = seed % own.scores.shape[1]
    trials, events = replay(plan, own, workers=workers, replicate=replicate, enough=enough)
    return Replayed(trials, events, found)
