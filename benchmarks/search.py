"""How much of the true front each sampler finds, on a simulated space of 768,000 points.

    python benchmarks/search.py [--samplers ehvi,tpe,random] [--seeds 5] [--trials 75]

The score of an architecture is made up (see `effects`), with noise; its cost is exact, as always.
The hypervolume of what was tried, by its score without noise, is printed as a share of the largest
possible one: the median over seeds, and the interval that holds 90% of them. Each finished search
becomes a line of the file --out, from which a later call goes on. gp takes seconds a proposal.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from nas.architecture import key
from nas.cost import cost
from nas.search.ehvi import Staircase
from nas.search.record import Trial
from nas.search.samplers import SAMPLERS, make_sampler, propose_untried
from nas.space import Space, from_yaml

SPACE = """
space: simulated
about: Streams, gate and fusion of each of three stages, width and bottleneck.
base: osnet_x0_25
input: 64x32
parameters:
  width: [0.125, 0.25, 0.375, 0.5]
  stages[each].streams: 1..4
  stages[each].gate: [none, fixed, streamwise, separate, unified]
  stages[each].fusion: [add, concat]
  stages[*].bottleneck: [2, 4, 8]
"""
OBJECTIVES = ("score", "macs")
SPREAD = 0.04
SHARE = 0.9
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

    def row_of(self, point: dict[str, object]) -> int:
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
        costs = cost(architecture).as_dict()
        history.append(
            Trial(number, key(architecture), proposal.point, architecture, costs, proposal.note,
                  "complete", scores={"score": score}, rungs={1: score})
        )  # fmt: skip
        if "predicted" in proposal.note:
            residuals.append((score - proposal.note["predicted"]) / proposal.note["deviation"])
        rows.append(row)
        shares.append(truth.hypervolume(np.array(rows)) / truth.largest)
    return shares, seconds, residuals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samplers", default="ehvi,tpe,nsga2,random", help=", ".join(SAMPLERS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--landscape", default="smooth", choices=LANDSCAPES)
    parser.add_argument("--trials", type=int, default=75)
    parser.add_argument("--out", type=Path, help="a file of finished searches, one a line")
    options = parser.parse_args()
    space = from_yaml(SPACE)
    print(f"{space.raw_points:,} points, {space.count()} architectures", flush=True)
    done = {}
    if options.out and options.out.exists():
        for line in options.out.read_text().splitlines():
            entry = json.loads(line)
            done[entry["landscape"], entry["trials"], entry["sampler"], entry["seed"]] = entry
    names = options.samplers.split(",")
    setting = (options.landscape, options.trials)
    for seed in range(options.seeds):
        truth = None
        for name in names:
            if (*setting, name, seed) in done:
                continue
            truth = truth or Landscape(space, options.landscape, seed)
            shares, seconds, residuals = search(space, truth, name, options.trials, seed)
            entry = {"landscape": options.landscape, "trials": options.trials}
            entry |= {"sampler": name, "seed": seed, "shares": shares}
            entry |= {"seconds": seconds, "residuals": residuals}
            done[*setting, name, seed] = entry
            at = ", ".join(f"{shares[n - 1]:.3f} at {n}" for n in marks(options.trials))
            z = f", residuals' variance {np.var(residuals):.2f}" if residuals else ""
            print(
                f"seed {seed} {name:7} {at}; {np.median(seconds):.2f} s a proposal{z}", flush=True
            )
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(entry) + "\n")
    for name in names:
        own = [done[*setting, name, seed]["shares"] for seed in range(options.seeds)]
        summary(name, np.array(own), options.trials)


def marks(trials: int) -> list[int]:
    return [n for n in (25, 50, 75, 150) if n <= trials] or [trials]


def summary(name: str, shares: np.ndarray, trials: int) -> None:
    """One line: shares (seeds, trials)."""
    parts = []
    for n in marks(trials):
        low, middle, high = np.quantile(shares[:, n - 1], [0.05, 0.5, 0.95])
        parts.append(f"{n} trials {middle:.1%} ({low:.1%} to {high:.1%})")
    reached = np.where((shares >= SHARE).any(axis=1), (shares >= SHARE).argmax(axis=1) + 1, np.inf)
    middle = np.median(reached)
    needed = f"{middle:.0f}" if np.isfinite(middle) else f"more than {trials}"
    print(f"{name:7} {', '.join(parts)}; {SHARE:.0%} after {needed} trials", flush=True)


if __name__ == "__main__":
    main()
