"""What the driver takes between jobs, and how many workers it keeps at work.

    python benchmarks/driver.py [--trials 300,2000] [--sampler ehvi]
    python benchmarks/driver.py --workers 1,10,100,300,1000 --trials 300 --sampler ehvi,random

The first measures a proposal, a plan's next step, and a record, by trials. The second lets the
driver of searches carry out its plan with workers whose jobs pass on a clock of their own, which
the driver's real time moves on: jobs of 30 to 90 s, each with a checkpoint of 4 MB, for --minutes
on that clock, so at most for that long. It prints the share of the workers that was at work after
the first 60 s, the share of the time in which the driver was, and the number of workers from which
less than 90% work.

The history is a search of a simulated space of 768,000 points with rungs: a third of the trials on
the second rung, a ninth complete. Processor seconds of this process, the median of three; the bar
for a proposal is 0.5 s at 300 trials and 2 s at 2,000.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from pathlib import Path

import numpy as np

from nas.architecture import key
from nas.cost import cost
from nas.search.budget import Budget
from nas.search.driver import Driver
from nas.search.executor import Executor
from nas.search.ledger import Ledger
from nas.search.plan import SearchPlan
from nas.search.record import Record, Trial
from nas.search.run import prepare
from nas.search.rungs import Ladder
from nas.search.samplers import Proposal, Propose, make_sampler
from nas.search.step import Standing, Step
from nas.search.study import Projection
from nas.search.view import SilentView
from nas.seeds import drawer
from nas.space import Space, load_space
from nas.training import load_recipe
from nas.training.job import Job, Result

SPACE = Path(__file__).parent / "simulated.yaml"
OBJECTIVES = ("score", "macs")
RUNGS = (1, 3, 9)
SECONDS = 60.0  # of a job, on average
STATE = bytes(4 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", default="300,2000")
    parser.add_argument("--sampler", default="ehvi", help="one, or several with commas")
    parser.add_argument("--workers", default="", help="numbers of simulated workers")
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    space = load_space(SPACE)
    for sampler in options.sampler.split(","):
        propose = make_sampler(sampler, space, OBJECTIVES)
        for count in map(int, options.trials.split(",")):
            trials = history(space, count)
            if options.workers:
                print(f"{sampler}, beginning with {count} trials of {space.name}:", flush=True)
                workers = [int(text) for text in options.workers.split(",")]
                saturate(space, trials, propose, workers, 60 * options.minutes)
            else:
                print(f"{count} trials, of {space.name}:", flush=True)
                decide(space, trials, propose, sampler)


def decide(space: Space, trials: list[Trial], propose: Propose, name: str) -> None:
    """A proposal, a step of the plan beside it, and the record."""
    ladder, recipe = Ladder(RUNGS, 3.0, ("macs",)), load_recipe("quick")
    ledger = Ledger(Budget.parse("100000epochs"), recipe, 2)
    plan = SearchPlan(
        space, lambda trials, seed: Proposal(trials[0].point), OBJECTIVES, 0, ladder, 0.25, ledger
    )
    propose(trials, 0)  # the table of the space is made once
    show(f"a proposal of {name}", lambda n: propose(trials, n))
    show("a promotion", lambda n: ladder.promotion(trials, len(trials)))
    show("a step of the plan, but for the proposal", lambda n: plan.next(Standing(trials, [], 0.0)))
    record_and_project(space, trials, recipe.epochs)


def history(space: Space, count: int) -> list[Trial]:
    """Trials of random architectures, with made-up scores on their rungs."""
    random = np.random.default_rng(0)
    found: list[Trial] = []
    draw = drawer(0)
    seen: set[str] = set()
    while len(found) < count:
        point = space.sample(draw)
        architecture = space.architecture(point)
        name = key(architecture)
        if name in seen:
            continue
        seen.add(name)
        costs: dict[str, float] = dict(cost(architecture).as_dict())
        top = 1 + (len(found) % 3 == 0) + (len(found) % 9 == 0)
        base = 0.1 * np.log10(costs["macs"]) + random.normal(0, 0.02)
        rungs = {epoch: float(base + 0.1 * epoch**0.3) for epoch in RUNGS[:top]}
        found.append(
            Trial(
                len(found), name, point, architecture, costs, {},
                "complete" if top == len(RUNGS) else "stopped",
                scores={"score": rungs[RUNGS[top - 1]]}, rungs=rungs,
                seconds=10.0 * top, images=3000 * RUNGS[top - 1], epochs=RUNGS[top - 1],
            )
        )  # fmt: skip
    return found


def record_and_project(space: Space, trials: list[Trial], full: int) -> None:
    """A row in the record and one in the study, after all others are there."""
    with tempfile.TemporaryDirectory() as folder:
        record = Record(Path(folder) / "record.db")
        projection = Projection(Path(folder) / "study.db", space.name, space, OBJECTIVES)
        for trial in trials:
            record.add(trial)
        projection.open(trials)
        recipe = load_recipe("quick")

        def one(n: int) -> None:
            step = Step(trials[n], 0, 0, full)
            job = Job(f"{n}-0-{full}-{time.monotonic_ns()}", n, trials[n].architecture, recipe,
                      "synthetic", 0, to_epoch=step.to_epoch)  # fmt: skip
            ended = record.finish(job, Result("done", scores={"score": 0.5}, state=b"x"))
            projection.tell(replace(ended, state="stopped"))

        show("a job recorded", one)
        record.close()


@dataclass
class Clock:
    """An executor whose jobs pass on a clock of its own.

    The driver's real time moves the clock on; where the driver waits, it leaps to the next end.
    """

    end: float
    now: float = 0.0
    idle: float = 0.0
    """Until `end`, how long the driver waited."""
    jobs: list[tuple[float, float]] = field(default_factory=list)
    """When each began and ended."""
    running: list[tuple[float, int, Job, Future[Result]]] = field(default_factory=list)
    seen: float = field(default_factory=time.perf_counter)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def look(self) -> None:
        before, self.seen = self.seen, time.perf_counter()
        self.now += self.seen - before

    def submit(self, job: Job) -> Future[Result]:
        self.look()
        if not self.jobs:  # what a start takes is none of it
            self.now = self.idle = 0.0
        future: Future[Result] = Future()
        end = self.now + SECONDS * self.random.uniform(0.5, 1.5)
        heappush(self.running, (end, len(self.jobs), job, future))
        self.jobs.append((self.now, end))
        return future

    def advance(self) -> None:
        """To the next end, if none was passed."""
        self.look()
        wait = max(0.0, self.running[0][0] - self.now) if self.running else 0.0
        self.idle += max(0.0, min(wait, self.end - self.now))
        self.now += wait
        while self.running and self.running[0][0] <= self.now:
            _, number, job, future = heappop(self.running)
            began, end = self.jobs[number]
            score = 0.1 * job.to_epoch**0.3 + self.random.normal(0.1, 0.02)
            epochs = job.to_epoch - job.from_epoch
            future.set_result(
                Result("done", scores={"score": float(score)}, train_seconds=end - began,
                       images=3000 * epochs, state=STATE)
            )  # fmt: skip
        self.seen = time.perf_counter()

    def cancel(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class OnClock(Driver):
    """The driver of searches, which waits on that clock."""

    clock: Clock = field(default_factory=lambda: Clock(0.0))

    def executor(self, workers: int) -> Executor:
        return self.clock

    def _collect(self, wait_seconds: float) -> None:
        self.clock.advance()
        super()._collect(0.0)


@dataclass
class Until(SearchPlan):
    """Gives no more steps once the clock has come to its end."""

    clock: Clock = field(default_factory=lambda: Clock(0.0))

    def next(self, now: Standing) -> Step | None:
        return super().next(now) if self.clock.now < self.clock.end else None


def saturate(
    space: Space, trials: list[Trial], propose: Propose, workers: Sequence[int], seconds: float
) -> None:
    """How much of each number of workers is at work."""
    propose(trials, 0)  # the table of the space is made once
    found = {}
    for count in workers:
        clock = Clock(seconds)
        with tempfile.TemporaryDirectory() as folder:
            simulate(space, trials, propose, clock, count, Path(folder) / "run")
        window = (min(SECONDS, seconds / 2), seconds)
        at_work = sum(
            max(0.0, min(end, window[1]) - max(began, window[0])) for began, end in clock.jobs
        )
        found[count] = at_work / (window[1] - window[0]) / count
        driving = 1 - clock.idle / seconds
        each = 1000 * (seconds - clock.idle) / len(clock.jobs)
        print(
            f"  {count} workers: {found[count]:.1%} at work, the driver {driving:.1%} "
            f"({each:.0f} ms a job, {len(clock.jobs)} jobs)",
            flush=True,
        )
    print(f"  less than 90% work from {_crossing(found)} workers", flush=True)


def simulate(
    space: Space, trials: list[Trial], propose: Propose, clock: Clock, workers: int, path: Path,
) -> None:  # fmt: skip
    recipe = load_recipe("quick").model_copy(update={"rungs": RUNGS[:-1], "epochs": RUNGS[-1]})
    asked = {"space": space.name, "data": "synthetic", "recipe": recipe.model_dump()}
    prepare(path, asked | {"objectives": OBJECTIVES, "seed": 0}, space, fresh=False)
    common = Job("", 0, space.base, recipe, "synthetic", 0)
    remember(path, trials, common)
    ledger = Ledger(Budget("epochs", 1e9), recipe, workers)
    ladder = Ladder(RUNGS, 3.0, ("macs",))
    plan = Until(space, propose, OBJECTIVES, 0, ladder, 0.0, ledger, clock=clock)
    study = Projection(path / "study.db", space.name, space, OBJECTIVES)
    OnClock(path, plan, common, SilentView(), study, clock=clock).work(workers)


def remember(path: Path, trials: list[Trial], common: Job) -> None:
    """A record in which these trials are."""
    record = Record(path / "record.db")
    for trial in trials:
        record.add(replace(trial, state="running"))
        before = 0
        for epoch, score in trial.rungs.items():
            name = f"{trial.number}-0-{epoch}"
            job = replace(common, id=name, trial=trial.number, from_epoch=before, to_epoch=epoch)
            result = Result("done", scores={"score": score}, train_seconds=SECONDS,
                            images=3000 * (epoch - before), state=b"x")  # fmt: skip
            record.finish(job, result)
            before = epoch
    record.close()


def _crossing(found: dict[int, float]) -> str:
    """Between the numbers that were tried, on a line over their logarithms."""
    below = [count for count, share in sorted(found.items()) if share < 0.9]
    if not below:
        return f"more than {max(found)}"
    above = [count for count in found if count < below[0]]
    if not above:
        return f"{below[0]} or less"
    first, last = max(above), below[0]
    part = (found[first] - 0.9) / (found[first] - found[last])
    return f"about {first * (last / first) ** part:.0f}"


def show(what: str, work: Callable[[int], object]) -> None:
    seconds = []
    for n in range(3):
        started = time.process_time()
        work(n)
        seconds.append(time.process_time() - started)
    print(f"  {what}: {statistics.median(seconds):.3f} s", flush=True)


if __name__ == "__main__":
    main()
