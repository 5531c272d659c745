"""How long looking at a large run takes, and how large its report is.

    python benchmarks/report.py [--trials 5000,20000]

The run is made up: random architectures of osnet-stages on three rungs with made-up scores, a front
that is confirmed, and a baseline. Processor seconds of one process; the bars are 10 s and 12 MB for
the report of 5,000 trials, 30 s and 25 MB at 20,000.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nas.architecture import Architecture, key, preset
from nas.architecture.fields import Value
from nas.cost import cost
from nas.search import Run, open_run
from nas.search.confirm import leaders
from nas.search.record import Record, Trial
from nas.search.run import prepare
from nas.seeds import drawer
from nas.space import Space, load_space
from nas.space.space import Draw
from nas.training import load_recipe
from nas.training.job import Job, Result
from nas.training.recipe import Recipe

RUNGS, FULL = (1, 3), 9
OBJECTIVES = ("score", "macs")
VERBS = ("report", "pareto", "runs", "show")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", default="5000,20000")
    options = parser.parse_args()
    for count in map(int, options.trials.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run"
            made_run(path, load_space("osnet-stages"), count)
            print(f"{count:,} trials:")
            for verb in VERBS:
                place = folder if verb == "runs" else str(path)
                print(f"  {verb}: {seconds(verb, place):.1f} s of processor time")
            size = (path / "report.html").stat().st_size
            print(f"  report.html: {size / 1e6:.1f} MB", flush=True)


def seconds(verb: str, place: str) -> float:
    """Processor time of one command, its children included."""
    before = time.process_time(), _children()
    done = subprocess.run([sys.executable, "cli.py", verb, place], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{verb}: {done.stderr}")
    return _children() - before[1]


def _children() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def made_run(path: Path, space: Space, count: int, seed: int = 0) -> Run:
    """A finished search of `count` trials, none of which was trained."""
    random = np.random.default_rng(seed)
    recipe = load_recipe("quick", [f"epochs={FULL}", f"rungs={list(RUNGS)}"])
    asked = {
        "space": space.name, "space_hash": space.hash(),
        "cost_range": {name: list(own) for name, own in space.cost_range().items()},
        "data": "synthetic", "recipe": recipe.model_dump(), "objectives": list(OBJECTIVES),
        "sampler": "random", "seed": seed, "eta": 3.0,
    }  # fmt: skip
    prepare(path, asked, space, fresh=False)
    record = Record(path / "record.db")
    record.db.execute("PRAGMA synchronous = OFF")
    started = time.time()
    record.session(started, 0.0)
    points = _points(space, count, drawer(seed))
    gains = 0.01 * np.array([_gain(point) for point in points]) + random.normal(0, 0.02, count)
    behind = np.argsort(np.argsort(-gains))  # how many are better for their cost
    for number, point in enumerate(points):
        architecture = space.architecture(point)
        trial = _trial(number, architecture, point)
        record.add(trial)
        if number % 50 == 49:
            record.finish(_job(number, architecture, recipe, 0, RUNGS[0]), Result("failed", "NaN"))
            continue
        score = 0.25 + 0.1 * float(np.log10(trial.costs["macs"] / 1e6)) + gains[number]
        climbed = 1 + (behind[number] < count / 3) + (behind[number] < count / 9)
        for start, end in itertools.pairwise((0, *RUNGS, FULL)[: climbed + 1]):
            result = _scored(score * (end / FULL) ** 0.3, end - start)
            record.finish(_job(number, architecture, recipe, start, end), result)
    record.add(_trial(count, preset("osnet_x0_25"), {}, "osnet_x0_25"))
    chosen = [record.trials()[count], *leaders(record.trials(), OBJECTIVES)]
    for trial in chosen:
        true = trial.scores.get("score", 0.4) - 0.01
        for replicate in (1, 2, 3):
            job = _job(trial.number, trial.architecture, recipe, 0, FULL, replicate)
            record.finish(job, _scored(true + random.normal(0, 0.01), FULL))
    record.session(started, time.time() - started)
    record.close()
    return open_run(path)


def _points(space: Space, count: int, draw: Draw) -> list[dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {}
    while len(found) < count:
        point = space.sample(draw)
        found.setdefault(key(space.architecture(point)), point)
    return list(found.values())


def _gain(point: Mapping[str, Value]) -> int:
    """What is made up to be good for a network, whatever it costs: unified gates and streams."""
    gates = sum(value == "unified" for value in point.values())
    return gates + sum(int(v) for name, v in point.items() if name.endswith("streams"))


def _trial(
    number: int, architecture: Architecture, point: dict[str, Value], baseline: str = ""
) -> Trial:
    return Trial(
        number, key(architecture), point, architecture,
        dict(cost(architecture).as_dict()), state="baseline" if baseline else "running",
        baseline=baseline,
    )  # fmt: skip


def _job(
    number: int, architecture: Architecture, recipe: Recipe, start: int, end: int,
    replicate: int = 0,
) -> Job:  # fmt: skip
    return Job(
        f"{number}-{replicate}-{end}", number, architecture, recipe, "synthetic", 0,
        replicate, start, end,
    )  # fmt: skip


def _scored(score: float, epochs: int) -> Result:
    scores = {"score": score, "mAP": score, "rank1": min(1.0, score + 0.1)}
    return Result("done", scores=scores, train_seconds=2.0 * epochs, images=3000 * epochs)


if __name__ == "__main__":
    main()
