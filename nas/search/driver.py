"""The driver: asks for the next trial, gives its job to a worker, records what comes back."""

from __future__ import annotations

import math
import os
import statistics
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from nas.architecture import key
from nas.cost import Setting, cost
from nas.data import check_spec, prepare_dataset
from nas.directory import locked
from nas.errors import UserError
from nas.files import write_atomically
from nas.plugins import loaded_plugins
from nas.search.budget import Budget
from nas.search.confirm import LEAST, first_due, leaders, then_due
from nas.search.ledger import Ledger, epoch_seconds
from nas.search.objectives import SCORE, parse_objectives
from nas.search.record import FAILED, Record, Trial, digest
from nas.search.run import Run, checkpoint_file, default_path, front, open_run, prepare
from nas.search.rungs import Ladder, parse_rungs
from nas.search.samplers import Propose, make_sampler, propose_untried
from nas.search.study import Projection
from nas.search.workers import LocalWorkers, adopt, clear
from nas.seeds import drawer
from nas.space import Space, load_space
from nas.training.job import Job, Result
from nas.training.recipe import Recipe, check_for_search, load_recipe

OVERTIME = 0.1  # the share of a time budget by which jobs under way may run over
ATTEMPTS = 3  # how often a job is started whose worker dies
SAME_FAILURES = 3
PROMOTABLE = 16  # checkpoints that are kept of each rung, at least


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
    rungs: str | None = None,
    eta: float = 3.0,
    confirm: float = 0.25,
    workers: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    view: View | None = None,
) -> Run:
    """Search the space for architectures with a good score at a low cost, and return the run.

    Every argument is checked before anything is written. The same arguments resume the search that
    they started; budget, workers and confirm may change. latency: the setting in which the
    objective latency_ms is measured, while no worker trains. rungs: epochs below full length after
    which one trial in `eta` is trained further, as "1,3"; "" is none, None what the recipe says.
    confirm: the share of the budget, at most, that trains the front again with fresh seeds. Raises
    UserError for what a user can mend; KeyboardInterrupt ends the search cleanly and is passed on.
    """
    loaded = space if isinstance(space, Space) else load_space(space)
    spend = Budget.parse(budget)
    names = parse_objectives(objectives)
    trained = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if rungs is not None:
        trained = trained.model_copy(update={"rungs": parse_rungs(rungs, trained.epochs)})
    check_for_search(trained)
    ladder = Ladder((*trained.rungs, trained.epochs), eta, tuple(n for n in names if n != SCORE))
    if not 0 <= confirm <= 0.5:
        raise UserError(f"--confirm: {confirm:g} is not a share from 0 to 0.5")
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
    if trained.rungs:
        asked["eta"] = eta
    setting = Setting.parse(latency) if "latency_ms" in names else None
    if setting:
        asked["latency"] = setting.record()
    path = Path(out) if out is not None else default_path(asked)
    with locked(path, "search"):
        prepare_dataset(data, loaded.base.input)
        prepare(path, asked, fresh=fresh)
        shown = view or _Silent()
        shown.opened(path)
        ledger = Ledger(spend, trained, count)
        driver = _Driver(
            path,
            loaded,
            propose,
            trained,
            data,
            names,
            seed,
            ledger,
            ladder,
            confirm,
            shown,
            setting,
        )
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
    propose: Propose
    recipe: Recipe
    data: str
    objectives: tuple[str, ...]
    seed: int
    ledger: Ledger
    ladder: Ladder
    confirm: float
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
        self.known = {trial.number for trial in self.trials if trial.state != "running"}
        self.pending = [self._job(t, t.epoch) for t in self.trials if t.state == "running"]
        self.exhausted, self.refused, self.told = False, -1, set[str]()
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
            self.projection.close(self.trials)
            self.record.close()
            Run(self.path).write_tables()

    @property
    def trials(self) -> list[Trial]:
        return self.record.trials()

    @property
    def budget(self) -> Budget:
        return self.ledger.budget

    def _add_baselines(self) -> None:
        """Baselines have trials too; of those that were tried by chance, it is noted."""
        known = {trial.key: trial for trial in self.trials}
        for name, architecture in self.space.baselines:
            own = known.get(key(architecture))
            if own is None:
                self._add(Trial(
                    len(self.trials), key(architecture), {}, architecture,
                    dict(cost(architecture).as_dict()), state="baseline", baseline=name,
                ))  # fmt: skip
            elif not own.baseline:
                self.record.change(own.number, baseline=name)

    def _add(self, trial: Trial) -> None:
        self.record.add(trial)
        self.projection.add(trial)

    def _announce(self) -> None:
        searched = [trial for trial in self.trials if trial.state != "baseline"]
        done = sum(trial.state != "running" for trial in searched)
        if searched:
            self.view.notice(
                f"resuming {self.path}: {done} trials are finished, {len(self.pending)} were "
                f"interrupted; {self.budget} in all, {self._left_text()} left"
            )
        if self.status().left <= 0:
            self.view.notice(
                f"the budget of {self.budget} is spent; give a larger --budget to go on"
            )

    def _loop(self, pool: LocalWorkers) -> None:
        seen = time.time()
        while True:
            while pool.free and (job := self._next_job()):
                if (found := adopt(self.outbox, job.id)) is not None:
                    self._record(job, found)
                    continue
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
            self._tell("every architecture of the space has been tried")

    def _next_job(self) -> Job | None:
        """The next job that the budget allows, or None: what was interrupted; a promotion; a new
        trial; what a rung holds back only while there is other work; and confirmation."""
        job = self._search_job() or self._confirmation()
        return replace(job, deadline=self._deadline()) if job else None

    def _search_job(self) -> Job | None:
        left = self._left() - self._reserve()
        for index, job in enumerate(self.pending):
            if self._price(job) <= left:
                return self.pending.pop(index)
        if self.pending:
            return None
        new = self._promoted(left) or self._new_trial(left)
        if new is None and left > 0:
            new = self._promoted(left, len(self.trials) if self.exhausted else 1)
        return new

    def _promoted(self, left: float, least: int = 0) -> Job | None:
        """A job for the trial whose turn it is to climb, where the budget has room for it."""
        trial = self.ladder.promotion(self.trials, least)
        if trial is None:
            return None
        job = self._job(trial, trial.epoch)
        if self._price(job) > left:
            return None
        self.record.change(trial.number, state="running")
        return job

    def _new_trial(self, left: float) -> Job | None:
        """The first job of a trial that was not tried yet, now recorded, where there is room."""
        ended = len(self.trials) - len(self.running)
        if left <= 0 or ended == self.refused or self.exhausted or not self._trials_left():
            return None
        first = self.ladder.above(0)
        if self.budget.kind == "time" and left < epoch_seconds(self._typical, self.trials) * first:
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
        job = self._job(trial, 0)
        if self._price(job) > left:
            self.refused = ended  # until something ends, what is left can not grow
            return None
        self._add(trial)
        return job

    @property
    def _typical(self) -> float:
        """Macs of the median trial."""
        return statistics.median([trial.costs["macs"] for trial in self.trials] or [0.0])

    def _trials_left(self) -> bool:
        searched = sum(trial.state != "baseline" for trial in self.trials)
        return self.budget.kind != "trials" or searched < self.budget.amount

    def _confirmation(self) -> Job | None:
        """A replicate with a fresh seed, as long as confirmation has its share of the budget.

        The front is confirmed when the search has ended; baselines before, by idle workers.
        """
        if not self.confirm or not any(t.state == "complete" for t in self.trials):
            return None
        under_way = {job.id for job, _ in self.running.values()}
        searching = any(not job.replicate for job, _ in self.running.values())
        spent = self.ledger.confirming(self.trials)
        if not spent and self._first_price() > self._share():
            self._tell("two replicates of the front do not fit into its share of the budget: the "
                       "front is not confirmed")  # fmt: skip
            return None
        self._add_baselines()
        due = first_due(self.trials, self.objectives)
        due = due or then_due(self.trials, self.objectives)
        for number, replicate in due:
            job = self._job(self.trials[number], 0, replicate)
            if job.id in under_way or (searching and not self.trials[number].baseline):
                continue
            price = self._price(job)
            under = self.ledger.together(self._price(j) for j, _ in self.running.values())
            if (
                spent + under + self.ledger.together([price]) > self._share()
                or price > self._left()
            ):
                return None
            self._tell("confirming the front with fresh seeds")
            return job
        return None

    def _reserve(self) -> float:
        """What is kept of the budget to confirm the front that there is; 0 where it never fits."""
        if not self.confirm or self.budget.kind == "trials":
            return 0.0
        need = self._first_price()
        return need if need <= self._share() else 0.0

    def _first_price(self) -> float:
        """What it takes to confirm the front at all, with the baselines."""
        macs = [self.trials[n].costs["macs"] for n, _ in first_due(self.trials, self.objectives)]
        known = {trial.key for trial in self.trials if trial.baseline}
        new = [own for _, own in self.space.baselines if key(own) not in known]
        macs += [cost(own).macs for own in new] * LEAST
        full = self.recipe.epochs
        return self.ledger.together(self.ledger.price(m, full, self.trials) for m in macs)

    def _share(self) -> float:
        """What confirmation may take: a share of the budget; where that counts trials, of the
        epochs in all."""
        if self.budget.kind != "trials":
            return self.confirm * self.budget.amount
        searched = sum(t.epochs for t in self.trials) - self.ledger.confirming(self.trials)
        return searched * self.confirm / (1 - self.confirm)

    def _price(self, job: Job) -> float:
        macs = cost(job.architecture).macs
        return self.ledger.price(macs, job.to_epoch - job.from_epoch, self.trials)

    def _job(self, trial: Trial, epoch: int, replicate: int = 0) -> Job:
        """From `epoch` to the next rung; of a replicate, to full length at once.

        Where the checkpoint is gone, or damaged, from the start.
        """
        to_epoch = self.recipe.epochs if replicate else self.ladder.above(epoch)
        state = self._state(trial, epoch)
        return Job(
            id=f"{trial.number}-{replicate}-{to_epoch}",
            trial=trial.number,
            architecture=trial.architecture,
            recipe=self.recipe,
            data=self.data,
            seed=self.seed,
            replicate=replicate,
            from_epoch=epoch if state else 0,
            to_epoch=to_epoch,
            state=state,
            plugins=tuple(str(path) for path in loaded_plugins().values()),
            latency=self.latency if not epoch and not replicate else None,
        )

    def _state(self, trial: Trial, epoch: int) -> bytes | None:
        file = checkpoint_file(self.path, trial.number, epoch)
        if not epoch or not file.is_file():
            return None
        state = file.read_bytes()
        return state if digest(state) == trial.digests[epoch] else None

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
            except OSError:
                raise
            except Exception as error:
                self._record(job, Result("failed", f"{type(error).__name__}: {error}"))
        if done and wait_seconds > 1 and self.running:
            self._collect(wait_seconds)

    def _worker_died(self, job: Job) -> None:
        self.deaths[job.id] = self.deaths.get(job.id, 0) + 1
        if self.deaths[job.id] < ATTEMPTS:
            self.view.notice(f"the worker of trial {job.trial} died; its job is run again")
            if not job.replicate:
                self.pending.append(job)
        else:
            reason = f"its worker died {ATTEMPTS} times (out of memory?)"
            self._record(job, Result("failed", reason))

    def _record(self, job: Job, result: Result) -> None:
        if result.outcome == "stopped":
            return
        if result.state and not job.replicate:
            file = checkpoint_file(self.path, job.trial, job.to_epoch)
            write_atomically(file, result.state)
        trial = self.record.finish(job, result)
        clear(self.outbox, job.id)
        if job.replicate:
            score = f"score {result.scores['score']:.4f}" if result.scores else result.reason
            name = trial.baseline or f"trial {trial.number}"
            self.view.notice(f"{name}, fresh seed {job.replicate}: {score}")
            return
        self.projection.tell(trial)
        self._drop_checkpoints()
        self.view.finished(trial, self.status())

    def _drop_checkpoints(self) -> None:
        """Keep those of the front, of what runs, and of the next to be promoted from each rung."""
        needed = [trial for trial in self.trials if trial.state == "running"]
        needed += leaders(self.trials, self.objectives)
        kept = {checkpoint_file(self.path, trial.number, trial.epoch) for trial in needed}
        for epoch in self.ladder.epochs[:-1]:
            standing = [trial for trial in self.trials if epoch in trial.rungs]
            waiting = [t for t in standing if t.state == "stopped" and t.epoch == epoch]
            most = max(PROMOTABLE, len(standing) // 4)
            for trial in self.ladder.ranked(standing, epoch, waiting)[:most]:
                kept.add(checkpoint_file(self.path, trial.number, epoch))
        for file in set((self.path / "checkpoints").glob("*.pt")) - kept:
            file.unlink()

    def _stop_if_all_fail(self) -> None:
        ended = [
            t for t in self.trials
            if t.state not in ("running", "baseline") and t.number not in self.known
        ]  # fmt: skip
        reasons = {trial.reason for trial in ended}
        if len(ended) >= SAME_FAILURES and len(reasons) == 1 and ended[0].state in FAILED:
            raise UserError(
                f"{self.path}: the first {len(ended)} trials failed alike: {reasons.pop()}"
            )

    def _tell(self, text: str) -> None:
        """Say it once."""
        if text not in self.told:
            self.told.add(text)
            self.view.notice(text)

    def _spent(self) -> float:
        """What was spent, in the unit of the ledger; of jobs that run, what they will take."""
        seconds = self.before + time.time() - self.started
        return self.ledger.spent(self.trials, (job for job, _ in self.running.values()), seconds)

    def _left(self) -> float:
        """What is left to spend, in the unit of the ledger; a budget of trials has no end there."""
        return math.inf if self.budget.kind == "trials" else self.budget.amount - self._spent()

    def _left_text(self) -> str:
        left = max(0.0, self.status().left)
        return self.budget.words(left) if left else "nothing"

    def _deadline(self) -> float:
        if self.budget.kind != "time":
            return float("inf")
        return time.time() + self._left() + OVERTIME * self.budget.amount

    def status(self) -> Status:
        now = time.time()
        spent = self._spent()
        if self.budget.kind == "trials":
            spent = sum(trial.state != "baseline" for trial in self.trials)
        return Status(
            trials=self.trials,
            front=front(self.trials, self.objectives),
            running={job.trial: now - since for job, since in self.running.values()},
            seconds=self.before + now - self.started,
            spent=spent,
            left=self.budget.amount - spent,
            budget=self.budget,
            rungs=self.ladder.epochs,
        )
