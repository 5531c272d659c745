"""The driver: asks for the next trial, gives its job to a worker, records what comes back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from nas.cost import Setting
from nas.errors import Unavailable, Unwritable, UserError
from nas.files import write_atomically
from nas.search.capacity import default_threads
from nas.search.checkpoints import checkpoint_file, checkpoints
from nas.search.confirm import baselines, leaders
from nas.search.executor import ATTEMPTS, Cluster, Executor
from nas.search.plan import Plan
from nas.search.record import FAILED, Record, Trial, digest, proposed_here, searched
from nas.search.run import Run, front
from nas.search.session import note_session
from nas.search.step import Standing, Step
from nas.search.study import Projection
from nas.search.view import Status, View
from nas.search.workers import LocalWorkers, adopt, clear, published
from nas.training.interrupts import interrupts
from nas.training.job import Job, Result

OVERTIME = 0.1  # the share of a time budget by which jobs under way may run over
SAME_FAILURES = 3
PROMOTABLE = 64  # checkpoints that are kept of each rung, at least; ehvi takes few others


@contextmanager
def _one_line() -> Iterator[None]:
    """What the disk refuses ends the search, in one line."""
    try:
        yield
    except (Unavailable, Unwritable, OSError) as error:
        raise UserError(
            f"{error}; nothing that was recorded is lost: the same command goes on once that is "
            "mended"
        ) from error


@dataclass(frozen=True)
class _Flight:
    """A step that a worker does."""

    step: Step
    job: Job
    since: float = field(default_factory=time.monotonic)


@dataclass
class Driver:
    """Carries out a plan: workers do its steps, and the record keeps what came of them."""

    path: Path
    plan: Plan
    job: Job
    """What all jobs have in common."""
    view: View
    projection: Projection | None = None
    latency: Setting | None = None
    """In which it is measured, once a trial was trained; None: it is not."""
    cluster: Cluster | None = None
    """Where jobs run; None is on this machine."""
    baselines: Mapping[str, str] = field(default_factory=dict)
    """Names, by key."""
    outside: Mapping[str, str] = field(default_factory=dict)
    """What baselines break of the space's constraints, by key."""
    running: dict[Future[Result], _Flight] = field(default_factory=dict)
    deaths: dict[str, int] = field(default_factory=dict)

    @_one_line()
    def work(self, workers: int) -> None:
        """Run until the plan has nothing more to do."""
        self.outbox = self.path / "outbox"
        self.record = Record(self.path / "record.db")
        self.record.name_baselines(self.baselines, self.outside)
        self.before = self.record.seconds_spent()
        self.started, self.begun = time.time(), time.monotonic()
        self.known = {trial.number for trial in self.trials if trial.state != "running"}
        told = (self.path, self.plan.ledger.budget, workers, self.threads(workers))
        note_session(*told, ended=False)
        pool = self.executor(workers)
        try:
            self._project(lambda study: study.open(self.trials))
            self._adopt()
            self._announce()
            with interrupts(once=True) as asked:
                self._loop(pool, workers, asked)
        except BaseException:
            with suppress(Exception):  # of two errors the first is told
                self._end(pool)
            raise
        self._end(pool)
        note_session(*told, ended=True)

    def executor(self, workers: int) -> Executor:
        """What does the jobs, so many side by side."""
        if self.cluster is not None:
            from nas.search.ray_workers import RayWorkers

            return RayWorkers(self.cluster)
        measuring = self.latency is not None
        return LocalWorkers(workers, self.threads(workers), self.outbox, measuring=measuring)

    def threads(self, workers: int) -> int:
        """Of a job, where so many run side by side."""
        return self.cluster.threads if self.cluster else max(1, default_threads() // workers)

    def _end(self, pool: Executor) -> None:
        """Take in what workers still hand over, and close; all of it, whatever of it fails."""
        with ExitStack() as last_first:
            last_first.callback(lambda: Run(self.path).write_tables())
            last_first.callback(self.record.close)
            last_first.callback(lambda: self._project(lambda study: study.close(self.trials)))
            last_first.callback(self._note_time)
            last_first.callback(pool.close)
            pool.cancel()
            self._collect(wait_seconds=30.0)

    def _project(self, act: Callable[[Projection], None]) -> None:
        """Do it to the study. A search goes on without: it is made again from the record."""
        if self.projection is None:
            return
        try:
            act(self.projection)
        except Exception as error:  # of the file, or of a library on the way to it
            where, self.projection = self.projection.where(), None
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            self.view.notice(
                f"{where} can not be written ({reason[0]}); when the search is started again it "
                "is made anew"
            )

    @property
    def trials(self) -> list[Trial]:
        return self.record.trials()

    @property
    def standing(self) -> Standing:
        steps = [flight.step for flight in self.running.values()]
        return Standing(self.trials, steps, self.before + self.seconds)

    @property
    def seconds(self) -> float:
        """That this session has been at work, whatever the clock was set to meanwhile."""
        return time.monotonic() - self.begun

    def _note_time(self) -> None:
        self.record.session(self.started, self.seconds)

    def _announce(self) -> None:
        own = proposed_here(self.trials)
        budget, left = self.plan.ledger.budget, self.plan.left(self.standing)
        if own:
            running = sum(trial.state == "running" for trial in own)
            words = budget.words(left) if left > 0 else "nothing"
            self.view.notice(
                f"resuming {self.path}: {len(own) - running} trials are finished, {running} were "
                f"interrupted; {budget} in all, {words} left"
            )
        if left <= 0 and self.plan.next(self.standing) is None:
            self.view.notice(
                f"all {budget} are done; more --seeds go further"
                if budget.kind == "replicates"
                else f"the budget of {budget} is spent; give a larger --budget to go on"
            )

    def _loop(self, pool: Executor, workers: int, stop: Callable[[], bool]) -> None:
        """Until the plan has nothing more to do; KeyboardInterrupt once it is to stop."""
        seen = self.seconds
        while True:
            # A job that is done and not recorded yet counts: what comes next follows from it.
            while (
                len(self.running) < workers
                and not stop()
                and (step := self.plan.next(self.standing))
            ):
                self._start(step, pool)
                self.view.update(self.status())
            if stop():
                raise KeyboardInterrupt
            if not self.running:
                break
            self._collect(wait_seconds=0.5)
            self._stop_if_all_fail()
            self.view.update(self.status())
            if self.seconds - seen > 2:
                seen = self.seconds
                self._note_time()

    def _start(self, step: Step, pool: Executor) -> None:
        """Record that the step begins, and do it, unless its result is there already."""
        if step.trial.number == len(self.trials):
            self.record.add(step.trial)
            self._project(lambda study: study.add(step.trial))
        elif step.trial.state != self.trials[step.trial.number].state:
            self.record.change(step.trial.number, state=step.trial.state)
        job = self._job(step)
        found = adopt(self.outbox, job.id)
        if found is not None:
            self._record(_Flight(step, job), found)
        else:
            self.running[pool.submit(job)] = _Flight(step, replace(job, state=None))

    def _adopt(self) -> None:
        """Record what was published while no driver was there, budget or not; forget what is torn.

        What is of a trial that has not begun waits for it.
        """
        recorded = {job for job, _, _ in self.record.jobs()}
        for name in published(self.outbox):
            number, replicate, epoch = map(int, name.split("-"))
            result = adopt(self.outbox, name)
            if result is None or name in recorded:
                clear(self.outbox, name)
            elif number < len(self.trials):
                trial = self.trials[number]
                step = Step(trial, replicate, 0 if replicate else trial.epoch, epoch)
                self._record(_Flight(step, self._job(step)), result)

    def _job(self, step: Step) -> Job:
        """Where the checkpoint is gone, or damaged, it begins at the start."""
        trial = step.trial
        state = None if step.replicate else self._state(trial)
        unmeasured = not step.from_epoch and "latency_ms" not in trial.costs
        return replace(
            self.job,
            id=step.id,
            trial=trial.number,
            architecture=trial.architecture,
            replicate=step.replicate,
            from_epoch=step.from_epoch if state else 0,
            to_epoch=step.to_epoch,
            state=state,
            deadline=self._deadline(),
            latency=self.latency if unmeasured else None,
        )

    def _state(self, trial: Trial) -> bytes | None:
        file = checkpoint_file(self.path, trial.number, trial.epoch)
        if not trial.epoch or not file.is_file():
            return None
        state = file.read_bytes()
        return state if digest(state) == trial.digests[trial.epoch] else None

    def _collect(self, wait_seconds: float) -> None:
        """Take in what the workers hand over, waiting at most so long for the first."""
        if not self.running:
            return
        done, _ = wait(self.running, timeout=wait_seconds, return_when=FIRST_COMPLETED)
        for future in done:
            flight = self.running.pop(future)
            try:
                result = future.result()
            except BrokenExecutor:
                result = None
            except (Unavailable, Unwritable, OSError):  # no fault of the trial
                raise
            except Exception as error:
                result = Result("failed", f"{type(error).__name__}: {error}")
            result = adopt(self.outbox, flight.job.id) or result
            if result is None:
                self._worker_died(flight)
            else:
                self._record(flight, result)
        if done and wait_seconds > 1 and self.running:
            self._collect(wait_seconds)

    def _worker_died(self, flight: _Flight) -> None:
        """The plan finds that the step is not done, and gives it again."""
        step = flight.step
        self.deaths[step.id] = self.deaths.get(step.id, 0) + 1
        if self.deaths[step.id] < ATTEMPTS:
            self.view.notice(f"the worker of trial {step.trial.number} died; its job is run again")
        else:
            reason = f"its worker died {ATTEMPTS} times (out of memory?)"
            self._record(flight, Result("failed", reason))

    def _record(self, flight: _Flight, result: Result) -> None:
        if result.outcome == "stopped":
            return
        step = flight.step
        if result.state and not step.replicate:
            file = checkpoint_file(self.path, step.trial.number, step.to_epoch)
            write_atomically(file, result.state)
        trial = self.record.finish(flight.job, result)
        clear(self.outbox, flight.job.id)
        if step.replicate:
            score = f"score {result.scores['score']:.4f}" if result.scores else result.reason
            name = trial.baseline or f"trial {trial.number}"
            self.view.notice(f"{name}, fresh seed {step.replicate}: {score}")
            return
        self._project(lambda study: study.tell(trial))
        self._drop_checkpoints()
        self.view.finished(trial, self.status())

    def _drop_checkpoints(self) -> None:
        """Keep those of the front, of baselines, which fresh seeds may bring there, of what runs,
        and of the next to be promoted from each rung."""
        needed = [trial for trial in self.trials if trial.state == "running"]
        needed += [*leaders(self.trials, self.plan.objectives), *baselines(self.trials)]
        kept = {checkpoint_file(self.path, trial.number, trial.epoch) for trial in needed}
        ladder = self.plan.ladder
        for epoch in ladder.epochs[:-1]:
            standing = [trial for trial in self.trials if epoch in trial.rungs]
            waiting = [t for t in standing if t.state == "stopped" and t.epoch == epoch]
            most = max(PROMOTABLE, int(len(standing) / ladder.eta))
            for trial in ladder.ranked(standing, epoch, waiting)[:most]:
                kept.add(checkpoint_file(self.path, trial.number, epoch))
        for file in set(checkpoints(self.path)) - kept:
            file.unlink()

    def _stop_if_all_fail(self) -> None:
        ended = [
            trial
            for trial in searched(self.trials)
            if trial.state != "running" and trial.number not in self.known
        ]
        alike = len({re.sub(r"[\d.]+", "", trial.reason) for trial in ended}) == 1
        if len(ended) >= SAME_FAILURES and alike and ended[0].state in FAILED:
            raise UserError(
                f"{self.path}: the first {len(ended)} trials failed alike: {ended[0].reason}"
            )

    def _deadline(self) -> float:
        budget = self.plan.ledger.budget
        if budget.kind != "time":
            return float("inf")
        return time.time() + self.plan.left(self.standing) + OVERTIME * budget.amount

    def status(self) -> Status:
        now, standing = time.monotonic(), self.standing
        left = self.plan.left(standing)
        return Status(
            trials=self.trials,
            front=front(self.trials, self.plan.objectives),
            running={own.step.trial.number: now - own.since for own in self.running.values()},
            seconds=standing.seconds,
            spent=self.plan.ledger.budget.amount - left,
            left=left,
            budget=self.plan.ledger.budget,
            rungs=self.plan.ladder.epochs,
        )
