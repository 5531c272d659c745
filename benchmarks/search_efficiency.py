"""How many evaluations each sampler needs to find 95% of the true front's hypervolume.

    python benchmarks/search_efficiency.py [--landscapes smooth,tabular] [--samplers ehvi,tpe]
        [--seeds 20] [--trials 150] [--workers 2] [--out searches.jsonl]

Three landscapes are made up, on a space of 768,000 points: the score of an architecture has effects
of parameters and of pairs (see `effects`), with noise; its cost is exact, as always. `tabular` is
real: the trainings of benchmarks/tabular, of which a sampler sees one seed and is judged by the
mean of all; so are the other tables beside it, by name. Every sampler has the filter against
duplicates. The hypervolume of what was tried, by its true score, is a share of the largest possible
one; a search that does not reach 95% counts as more than --trials. Each finished search becomes a
line of the file --out, from which a later call goes on. gp takes long: 12 minutes of a core for 150
proposals, the last of them 15 s each.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

import numpy as np

from nas.architecture import key
from nas.cost import cost
from nas.search.record import Trial
from nas.search.replay import read_table, replay_search
from nas.search.samplers import SAMPLERS, make_sampler, propose_untried
from nas.search.samplers.staircase import Staircase
from nas.space import Point, Space, load_space

SPACE = Path(__file__).parent / "simulated.yaml"
OBJECTIVES = ("score", "macs")
SPREAD = 0.04
SHARE = 0.95
LOOKED_AT = (25, 50, 75)
"""Evaluations after which the share is told too, if no search had ended by then; none that is not
of the table ends before the last of them."""
TABLES = Path(__file__).parent
LANDSCAPES = {"smooth": (0.08, 0.01), "interacting": (0.2, 0.01), "noisy": (0.08, 0.03)}
"""Strength of the effects of pairs, and standard deviation of the score's noise."""


class Landscape:
    """True scores of all distinct architectures of the space, told apart by their raw points."""

    def __init__(self, space: Space, kind: str, seed: int) -> None:
        table = space.table
        pairs, self.noise = LANDSCAPES[kind]
        points = table.points(table.distinct)
        scores = effects(points.codes, table.shape, pairs, np.random.default_rng(seed))
        logs = np.log10(points.costs["macs"])
        self.scores = 0.5 + SPREAD * (scores - scores.mean()) / scores.std()
        self.costs = (logs - logs.min()) / (logs.max() - logs.min())
        numbers = table.identity.ravel()
        self.row = np.full(numbers.max() + 1, -1)
        self.row[numbers[table.distinct]] = np.arange(len(points))
        self.numbers, self.space = numbers, space
        self.reference = float(np.median(self.scores))
        self.largest = self.hypervolume(np.arange(len(points)))

    def row_of(self, point: Point) -> int:
        places = [
            self.space.parameters[axis].values.index(point[self.space.parameters[axis].name])
            for axis in self.space.columns.axes
        ]
        return int(self.row[self.numbers[np.ravel_multi_index(places, self.space.table.shape)]])

    def hypervolume(self, rows: np.ndarray) -> float:
        """Of these architectures, without noise, above the median score of the space."""
        order = rows[np.argsort(self.costs[rows], kind="stable")]
        best = np.maximum.accumulate(self.scores[order])
        first = np.append(True, best[1:] > best[:-1])
        front = order[first]
        return Staircase(self.costs[front, None], self.scores[front], self.reference).hypervolume


def effects(
    codes: np.ndarray, shape: tuple[int, ...], pairs: float, random: np.random.Generator
) -> np.ndarray:
    """Made-up scores (n,) of codes (n, d): effects of each parameter, and of each pair of them.

    The effect of an ordered parameter (4 or 3 values: width, streams, bottleneck) rises and
    saturates; that of the others is normal. A pair's effect is a table of normal numbers.
    """
    scores = np.zeros(len(codes))
    for axis, size in enumerate(shape):
        if size in (3, 4):
            rise = 1 - np.exp(-random.uniform(0.3, 1.5) * np.arange(size))
            own = rise[::-1] if size == 3 else rise  # a larger bottleneck divides by more
            own = own / np.ptp(own) * random.uniform(0.5, 2.0)
        else:
            own = random.normal(size=size) * 0.6
        scores += own[codes[:, axis]]
    for one in range(len(shape)):
        for other in range(one):
            pair = random.normal(size=(shape[one], shape[other])) * pairs
            scores += pair[codes[:, one], codes[:, other]]
    return scores


def search(
    space: Space, truth: Landscape, name: str, trials: int, seed: int
) -> tuple[list[float], list[float], list[float]]:
    """By trial: the share of the hypervolume, seconds of the proposal; standardised residuals.

    A residual is of an observed score against what the sampler had noted that it would be.
    """
    propose = make_sampler(name, space, OBJECTIVES)
    noise = np.random.default_rng([seed, 1])
    history: list[Trial] = []
    rows, shares, seconds, residuals = [], [], [], []
    for number in range(trials):
        started = time.perf_counter()
        found = propose_untried(propose, space, history, seed)
        seconds.append(time.perf_counter() - started)
        assert found is not None
        proposal, architecture = found
        row = truth.row_of(proposal.point)
        score = float(truth.scores[row] + truth.noise * noise.normal())
        costs: dict[str, float] = dict(cost(architecture).as_dict())
        history.append(
            Trial(number, key(architecture), proposal.point, architecture, costs, proposal.note,
                  "complete", scores={"score": score}, rungs={1: score})
        )  # fmt: skip
        if "predicted" in proposal.note:
            residuals.append((score - proposal.note["predicted"]) / proposal.note["deviation"])
        rows.append(row)
        shares.append(truth.hypervolume(np.array(rows)) / truth.largest)
        if shares[-1] >= SHARE and len(shares) >= max(LOOKED_AT):
            break
    return shares, seconds, residuals


def finish(kind: str, name: str, trials: int, seed: int) -> dict[str, object]:
    """One search, as it is written to the file."""
    entry: dict[str, object] = {
        "landscape": kind, "trials": trials, "sampler": name, "seed": seed
    }  # fmt: skip
    if kind not in LANDSCAPES:
        table = read_table(TABLES / kind)
        found = replay_search(table, sampler=name, budget=f"{trials}trials", seed=seed, until=SHARE)
        return entry | {"shares": found.found}
    space = simulated()
    shares, seconds, residuals = search(space, Landscape(space, kind, seed), name, trials, seed)
    return entry | {"shares": shares, "seconds": seconds, "residuals": residuals}


@lru_cache
def simulated() -> Space:
    return load_space(SPACE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samplers", default="ehvi,gp,tpe,nsga2,random", help=", ".join(SAMPLERS))
    parser.add_argument("--landscapes", default="smooth,interacting,noisy,tabular")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("searches.jsonl"))
    options = parser.parse_args()
    done = {}
    if options.out.exists():
        for line in options.out.read_text().splitlines():
            entry = json.loads(line)
            done[entry["landscape"], entry["sampler"], entry["trials"], entry["seed"]] = entry
    kinds, names = options.landscapes.split(","), options.samplers.split(",")
    wanted = [
        (kind, name, options.trials, seed)
        for seed in range(options.seeds) for kind in kinds for name in names
    ]  # fmt: skip
    missing = [one for one in wanted if one not in done]
    print(f"{len(wanted)} searches, {len(missing)} to run", flush=True)
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(finish, *one) for one in missing]):
            entry = future.result()
            key = (entry["landscape"], entry["sampler"], entry["trials"], entry["seed"])
            done[key] = entry
            with options.out.open("a") as file:
                file.write(json.dumps(entry) + "\n")
    for kind in kinds:
        print(f"\n{kind}: evaluations to {SHARE:.0%}, median (quartiles) of {options.seeds} seeds")
        for name in names:
            own = [
                done[kind, name, options.trials, seed]["shares"] for seed in range(options.seeds)
            ]
            print(f"  {name:7} {summary(own, options.trials)}")


def summary(searches: list[list[float]], trials: int) -> str:
    """Quartiles of the evaluations to SHARE, those that never got there counted as more."""
    reached = [
        next((n for n, share in enumerate(own, 1) if share >= SHARE), np.inf) for own in searches
    ]
    low, middle, high = np.quantile(reached, [0.25, 0.5, 0.75], method="higher")
    words = [f"{x:.0f}" if np.isfinite(x) else f">{trials}" for x in (middle, low, high)]
    shares = ", ".join(
        f"{np.median([own[n - 1] for own in searches]):.1%} after {n}"
        for n in LOOKED_AT if all(len(own) >= n for own in searches)
    )  # fmt: skip
    return f"{words[0]} ({words[1]} to {words[2]}){shares and '; ' + shares}"


if __name__ == "__main__":
    main()
