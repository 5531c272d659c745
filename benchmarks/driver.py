"""What the driver takes between jobs: a proposal, a plan's next step, and a record, by trials.

    python benchmarks/driver.py [--trials 300,2000] [--sampler ehvi]

The history is a search of a simulated space of 768,000 points with rungs: a third of the trials on
the second rung, a ninth complete. Processor seconds of this process, the median of three; the bar
for a proposal is 0.5 s at 300 trials and 2 s at 2,000.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from nas.architecture import key
from nas.cost import cost
from nas.search.budget import Budget
from nas.search.ledger import Ledger
from nas.search.plan import SearchPlan, Standing, Step
from nas.search.record import Record, Trial
from nas.search.rungs import Ladder
from nas.search.samplers import Proposal, Propose, make_sampler
from nas.search.study import Projection
from nas.seeds import drawer
from nas.space import Space, load_space
from nas.training import load_recipe
from nas.training.job import Job, Result

SPACE = Path(__file__).parent / "simulated.yaml"
OBJECTIVES = ("score", "macs")
RUNGS = (1, 3, 9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", default="300,2000")
    parser.add_argument("--sampler", default="ehvi")
    options = parser.parse_args()
    space = load_space(SPACE)
    propose = make_sampler(options.sampler, space, OBJECTIVES)
    for count in map(int, options.trials.split(",")):
        print(f"{count} trials, of {space.name}:", flush=True)
        decide(space, history(space, count), propose, options.sampler)


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


def show(what: str, work: Callable[[int], object]) -> None:
    seconds = []
    for n in range(3):
        started = time.process_time()
        work(n)
        seconds.append(time.process_time() - started)
    print(f"  {what}: {statistics.median(seconds):.3f} s", flush=True)


if __name__ == "__main__":
    main()
