"""The driver: asks for the next trial, gives its job to a worker, records what comes back."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from nas.architecture import key
from nas.cost import Setting, cost
from nas.data import check_spec, prepare_dataset
from nas.directory import locked
from nas.errors import UserError
from nas.files import write_atomically
from nas.plugins import loaded_plugins
from nas.search.budget import TRAINING, Budget
from nas.search.objectives import parse_objectives
from nas.search.record import Record, Trial
from nas.search.run import Run, default_path, front, open_run, prepare
from nas.search.samplers import make_sampler, propose_untried
from nas.search.study import Projection
from nas.search.workers import LocalWorkers, adopt, clear
from nas.seeds import drawer
from nas.space import Space, load_space
from nas.training.job import Job, Result
from nas.training.recipe import Recipe, check_for_search, load_recipe

OVERTIME = 0.1  # the share of a time budget by which jobs under way may run over
ATTEMPTS = 3  # how often a job is started whose worker dies
SAME_FAILURES = 3


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
        """Called when a trial has ended, whether complete or failed."""

    def notice(self, text: str) -> None:
        """Called with a sentence for the user."""


class _Silent:
    def opened(self, path: Path) -> None: ...
    def update(self, status: Status) -> None: ...
    def finished(self, trial: Trial, status: Status) -> None: ...
    def notice(self, text: str) -> None: ...


def run_search(
    space: str | Path | Space,
    *,
    budget: str = "5m",
    data: str = "synthetic",
    recipe: str | Recipe = "quick",
    objectives: str = "score,macs",
    sampler: str = "tpe",
    latency: str = "frozen:threads=1",
    workers: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    view: View | None = None,
) -> Run:
    """Search the space for architectures with a good score at a low cost, and return the run.

    Every argument is checked before anything is written. The same arguments resume the search that
    they started; budget and workers may change. latency: the setting in which the objective
    latency_ms is measured, while no worker trains. Raises UserError for what a user can mend;
    KeyboardInterrupt ends the search cleanly and is passed on.
    """
    loaded = space if isinstance(space, Space) else load_space(space)
    spend = Budget.parse(budget)
    names = parse_objectives(objectives)
    trained = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    check_for_search(trained)
    propose = make_sampler(sampler, loaded, names)
    count = workers if workers is not None else default_workers()
    if count < 1:
        raise UserError(f"--workers: {count} is not a number of processes from 1")
    check_spec(data)
    loaded.sample(drawer(seed))  # an empty space says so here
    asked = {
        "space": loaded.name,
        "space_hash": loaded.hash(),
        "data": data,
        "recipe": trained.model_dump(),
        "objectives": list(names),
        "sampler": sampler,
        "seed": seed,
    }
    setting = Setting.parse(latency) if "latency_ms" in names else None
    if setting:
        asked["latency"] = setting.record()
    path = Path(out) if out is not None else default_path(asked)
    with locked(path, "search"):
        prepare_dataset(data, loaded.base.input)
        prepare(path, asked, fresh=fresh)
        shown = view or _Silent()
        shown.opened(path)
        driver = _Driver(path, loaded, propose, trained, data, names, seed, spend, shown, setting)
        driver.search(count)
    return open_run(path)


def default_workers() -> int:
    """One process a core, up to 8; one where there is a GPU."""
    import torch

    return 1 if torch.cuda.is_available() else max(1, min(8, len(os.sched_getaffinity(0))))


def default_threads() -> int:
    """Threads for all workers together: OMP_NUM_THREADS where it is set, else one a core."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else len(os.sched_getaffinity(0))


@dataclass
class _Driver:
    path: Path
    space: Space
    propose: Callable[..., Any]
    recipe: Recipe
    data: str
    objectives: tuple[str, ...]
    seed: int
    budget: Budget
    view: View
    latency: Setting | None = None
    running: dict[Future[Result], tuple[Job, float]] = field(default_factory=dict)
    pending: list[Job] = field(default_factory=list)
    deaths: dict[str, int] = field(default_factory=dict)

    def search(self, workers: int) -> None:
        """Run until the budget is spent or the space is exhausted."""
        self.outbox = self.path / "outbox"
        self.record = Record(self.path / "record.db")
        self.before = self.record.seconds_spent()
        self.started = time.time()
        self.projection = Projection(
            self.path / "study.db", self.space.name, self.space, self.objectives
        )
        self.projection.update(self.trials)
        self.front = front(self.trials, self.objectives)
        self.known = {trial.number for trial in self.trials if trial.state != "running"}
        self.pending = self._interrupted()
        self.exhausted, self.refused = False, -1
        self._announce()
        threads = max(1, default_threads() // workers)
        pool = LocalWorkers(workers, threads, self.outbox)
        try:
            self._loop(pool)
        finally:
            pool.cancel()
            self._collect(wait_seconds=30.0)
            pool.close()
            self.record.session(self.started)
            self.record.close()
            Run(self.path).write_tables()

    @property
    def trials(self) -> list[Trial]:
        return self.record.trials()

    def _interrupted(self) -> list[Job]:
        """Jobs of trials that were running when the driver ended; finished ones are adopted."""
        jobs = []
        for trial in self.trials:
            if trial.state != "running":
                continue
            job = self._job(trial)
            result = adopt(self.outbox, job.id)
            if result is not None:
                self._record(job, result)
            else:
                jobs.append(job)
        return jobs

    def _announce(self) -> None:
        done = sum(trial.state != "running" for trial in self.trials)
        if self.trials:
            self.view.notice(
                f"resuming {self.path}: {done} trials are finished, {len(self.pending)} were "
                f"interrupted; {self.budget} in all, {self._left_text()} left"
            )
        if self._left() <= 0:
            self.view.notice(
                f"the budget of {self.budget} is spent; give a larger --budget to go on"
            )

    def _loop(self, pool: LocalWorkers) -> None:
        seen = time.time()
        while True:
            while pool.free and (job := self._next_job()):
                self.running[pool.submit(job)] = (job, time.time())
                self.view.update(self.status())
            if not self.running:
                break
            self._collect(wait_seconds=0.5)
            self._stop_if_all_fail()
            self.view.update(self.status())
            if time.time() - seen > 2:
                seen = time.time()
                self.record.session(self.started)
        if self.exhausted:
            self.view.notice("every architecture of the space has been tried")

    def _next_job(self) -> Job | None:
        """The next job that the budget allows, or None."""
        if self.budget.kind == "time" and self._left() <= self._expected_seconds():
            return None
        if self.pending:
            trial = self.trials[self.pending[0].trial]
            if not self._affords(trial):
                return None
            job = self.pending.pop(0)
        else:
            new = self._new_trial()
            if new is None:
                return None
            job = self._job(new)
        return replace(job, deadline=self._deadline())

    def _new_trial(self) -> Trial | None:
        """A trial that was not tried yet, where the budget allows one more, now recorded."""
        ended = len(self.trials) - len(self.running)
        if self._left() <= 0 or ended == self.refused:
            return None
        proposed = propose_untried(self.propose, self.space, self.trials, self.seed)
        if proposed is None:
            self.exhausted = True
            return None
        proposal, architecture = proposed
        trial = Trial(
            len(self.trials),
            key(architecture),
            proposal.point,
            architecture,
            dict(cost(architecture).as_dict()),
            proposal.note,
        )
        if not self._affords(trial):
            self.refused = ended  # until something ends, what is left can not grow
            return None
        self.record.add(trial)
        self.projection.add(trial)
        return trial

    def _job(self, trial: Trial) -> Job:
        epochs = self.recipe.epochs
        return Job(
            id=f"{trial.number}-0-{epochs}",
            trial=trial.number,
            architecture=trial.architecture,
            recipe=self.recipe,
            data=self.data,
            seed=self.seed,
            to_epoch=epochs,
            plugins=tuple(str(path) for path in loaded_plugins().values()),
            latency=self.latency,
        )

    def _collect(self, wait_seconds: float) -> None:
        """Take in what the workers hand over, waiting at most so long for the first."""
        if not self.running:
            return
        done, _ = wait(self.running, timeout=wait_seconds, return_when=FIRST_COMPLETED)
        for future in done:
            job, _ = self.running.pop(future)
            try:
                self._record(job, future.result())
            except BrokenProcessPool:
                self._worker_died(job)
            except Exception as error:
                self._record(job, Result("failed", f"{type(error).__name__}: {error}"))
        if done and wait_seconds > 1 and self.running:
            self._collect(wait_seconds)

    def _worker_died(self, job: Job) -> None:
        self.deaths[job.id] = self.deaths.get(job.id, 0) + 1
        if self.deaths[job.id] < ATTEMPTS:
            self.view.notice(f"the worker of trial {job.trial} died; its job is run again")
            self.pending.append(job)
        else:
            reason = f"its worker died {ATTEMPTS} times (out of memory?)"
            self._record(job, Result("failed", reason))

    def _record(self, job: Job, result: Result) -> None:
        if result.outcome == "stopped":
            return
        if result.state:
            write_atomically(self.path / "checkpoints" / f"{job.trial}.pt", result.state)
        trial = self.record.finish(job, result)
        clear(self.outbox, job.id)
        self.projection.tell(trial)
        self.front = front(self.trials, self.objectives)
        self._keep_checkpoints_of_front()
        self.view.finished(trial, self.status())

    def _keep_checkpoints_of_front(self) -> None:
        members = {trial.number for trial in self.front}
        for file in (self.path / "checkpoints").glob("*.pt"):
            if file.stem.isdecimal() and int(file.stem) not in members:
                file.unlink()

    def _stop_if_all_fail(self) -> None:
        ended = [t for t in self.trials if t.state != "running" and t.number not in self.known]
        reasons = {trial.reason for trial in ended}
        if len(ended) >= SAME_FAILURES and len(reasons) == 1 and ended[0].state == "failed":
            raise UserError(
                f"{self.path}: the first {len(ended)} trials failed alike: {reasons.pop()}"
            )

    def _spent(self) -> float:
        """What was spent of the budget: of trials that are running, what they will take."""
        if self.budget.kind == "time":
            return self.before + time.time() - self.started
        waiting = {job.trial for job in self.pending}
        return sum(self._price(trial) for trial in self.trials if trial.number not in waiting)

    def _left(self) -> float:
        return self.budget.amount - self._spent()

    def _price(self, trial: Trial) -> float:
        """What a trial takes of a budget that is not of time; predicted where it has not ended."""
        if self.budget.kind == "trials":
            return 1
        if self.budget.kind == "epochs":
            return self.recipe.epochs
        images = trial.images if trial.state != "running" else self._expected_images()
        return TRAINING * trial.costs["macs"] * images

    def _affords(self, trial: Trial) -> bool:
        """Whether the budget has the trial's price left; one of time is not asked here."""
        return self.budget.kind == "time" or self._price(trial) <= self._left() * (1 + 1e-9)

    def _expected_images(self) -> float:
        """Images that full length trains on: the median so far; before, what the recipe says."""
        images = [trial.images for trial in self.trials if trial.state == "complete"]
        said = self.recipe.epochs * self.recipe.epoch_images
        return statistics.median(images) if images else said

    def _left_text(self) -> str:
        left = max(0.0, self._left())
        return self.budget.words(left) if left else "nothing"

    def _deadline(self) -> float:
        if self.budget.kind != "time":
            return float("inf")
        return time.time() + self._left() + OVERTIME * self.budget.amount

    def _expected_seconds(self) -> float:
        """The median time of the finished jobs; 0 as long as there is none."""
        times = [trial.seconds for trial in self.trials if trial.state == "complete"]
        return statistics.median(times) if times else 0.0

    def status(self) -> Status:
        now = time.time()
        return Status(
            trials=self.trials,
            front=self.front,
            running={job.trial: now - since for job, since in self.running.values()},
            seconds=self.before + now - self.started,
            spent=self._spent(),
            left=self._left(),
            budget=self.budget,
        )
