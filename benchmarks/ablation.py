"""What an ablation says of scores whose effects are known: how often it is right.

    python benchmarks/ablation.py [--simulations 2000] [--seeds 5]

Scores are simulated: row + seed + noise, normal, of deviation 0.01 in all; the seed's share of the
variance is the correlation of pairs. Each line has a figure, the bar that it has to meet, and
whether it does; one without a bar is there to compare. Exits with 1 where a bar is not met.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from nas.ablation import Cell, compare, contrast_scales, detectable, factorial_effects, pilot
from nas.ablation.power import power

DEVIATION = 0.01
CORRELATIONS = (0.0, 0.5, 0.9)
EFFECTS = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.01, -0.02, 0.03])
"""Of the rows on the score; the baseline's first."""
LEVELS = {"gate": ("unified", "none", "fixed"), "streams": (4, 1)}
COVERAGE, FAMILY, POWER = (0.93, 0.97), (0.0, 0.06), (0.75, 0.85)
Floats = np.ndarray


class Figure(NamedTuple):
    """What was measured, and the lowest and highest value that it may have."""

    what: str
    value: float
    bar: tuple[float, float] | None = None

    def met(self) -> bool:
        return self.bar is None or self.bar[0] <= self.value <= self.bar[1]

    def __str__(self) -> str:
        line = f"{self.what:<80} {self.value:6.1%}"
        if self.bar is None:
            return line
        low, high = self.bar
        bar = f"at most {high:.0%}" if low == 0 else f"{low:.0%} to {high:.0%}"
        return f"{line}  {bar}: {'met' if self.met() else 'NOT MET'}"


def simulated(
    random: np.random.Generator, effects: Floats, seeds: int, correlation: float, lost: float = 0.0
) -> Floats:
    """Scores (rows, seeds); a share `lost` of them is missing."""
    shared = np.sqrt(correlation) * random.normal(size=seeds)
    own = np.sqrt(1 - correlation) * random.normal(size=(len(effects), seeds))
    scores = 0.8 + effects[:, None] + DEVIATION * (shared + own)
    return np.where(random.random(scores.shape) < lost, np.nan, scores)


def deviation_of_pairs(correlation: float) -> float:
    return DEVIATION * float(np.sqrt(2 * (1 - correlation)))


def intervals(count: int, seeds: int, correlation: float, lost: float = 0.0) -> list[Figure]:
    """Coverage of the differences' intervals; false verdicts in families of tests."""
    random = np.random.default_rng([count, seeds, int(100 * correlation), int(100 * lost)])
    covered = known_intervals = unpaired = 0
    false = {"no row differs": 0, "three of seven rows differ": 0}
    for _ in range(count):
        for name, effects in zip(false, (0 * EFFECTS, EFFECTS), strict=True):
            found = compare(simulated(random, effects, seeds, correlation, lost))
            known = ~np.isnan(found.paired.low)
            inside = (found.paired.low <= effects) & (effects <= found.paired.high)
            covered += inside[known].sum()
            known_intervals += known.sum()
            inside = (found.unpaired.low <= effects) & (effects <= found.unpaired.high)
            unpaired += inside.sum()
            false[name] += bool((found.holm[effects == 0] <= found.alpha).any())
    about = f"correlation {correlation:g}" + (f", {lost:.0%} of scores lost" if lost else "")
    figures = [Figure(f"{about}: intervals cover", covered / known_intervals, COVERAGE)]
    if correlation == 0 and not lost:
        figures.append(Figure(f"{about}: unpaired cover", unpaired / known_intervals, COVERAGE))
    for name, wrong in false.items():
        figures.append(Figure(f"{about}: a false verdict, {name}", wrong / count, FAMILY))
    return figures


def detected(count: int, seeds: int, correlation: float) -> Figure:
    """How often one row that is better by the minimum detectable effect is called better."""
    random = np.random.default_rng([count, seeds, int(100 * correlation), 1])
    smallest = detectable(seeds, len(EFFECTS) - 1, deviation_of_pairs(correlation))
    effects = np.zeros(len(EFFECTS))
    effects[1] = smallest.effect
    found = (compare(simulated(random, effects, seeds, correlation)) for _ in range(count))
    share = sum(own.verdict[1] == "better" for own in found) / count
    return Figure(f"correlation {correlation:g}: minimum detectable effect is found", share, POWER)


def piloted(count: int, seeds: int, correlation: float) -> Figure:
    """How often the bound of a pilot of two rows and three seeds leads to the stated power."""
    random = np.random.default_rng([count, seeds, int(100 * correlation), 2])
    error = deviation_of_pairs(correlation) / np.sqrt(seeds)
    comparisons, enough = len(EFFECTS) - 1, 0
    for _ in range(count):
        own = pilot(simulated(random, np.array([0.0, 0.02]), 3, correlation))
        asked = detectable(seeds, comparisons, own)
        enough += power(asked.effect, error, seeds - 1, 0.05 / comparisons) >= asked.power
    what = f"correlation {correlation:g}: pilots whose effect has the stated power"
    return Figure(what, enough / count, POWER)


def bootstrapped(count: int, seeds: int) -> Figure:
    """Coverage of a percentile bootstrap of paired differences, to compare; ten times as many."""
    random = np.random.default_rng([count, seeds, 3])
    covered, count = 0, 10 * count
    for _ in range(count):
        sample = random.normal(size=seeds)
        means = sample[random.integers(seeds, size=(1000, seeds))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        covered += low <= 0 <= high
    return Figure("percentile bootstrap in its place: intervals cover", covered / count)


def looked_at_again(count: int, seeds: int) -> Figure:
    """A false verdict, to compare: where none shows as many seeds again are added, to look anew."""
    random = np.random.default_rng([count, seeds, 4])
    wrong = 0
    for _ in range(count):
        scores = simulated(random, 0 * EFFECTS, 2 * seeds, 0.5)
        looks = (compare(scores[:, :known]) for known in (seeds, 2 * seeds))
        wrong += any((own.holm <= own.alpha).any() for own in looks)
    return Figure(f"looked at again with {2 * seeds} seeds: a false verdict", wrong / count)


def factorial(
    count: int, seeds: int, lost: float = 0.0, *, collapsed: bool = False
) -> list[Figure]:
    """Contrasts of a 3 x 2 design. collapsed: at one stream two gates are one network."""
    combinations = [dict(zip(LEVELS, own, strict=True)) for own in product(*LEVELS.values())]
    rows = [0, 1, 2, 3, 4, 3 if collapsed else 5]
    cells = [Cell(factors, row) for factors, row in zip(combinations, rows, strict=True)]
    random = np.random.default_rng([count, seeds, int(100 * lost), collapsed])
    about = "3 x 2 cells" + (", two of them one network" if collapsed else "")
    about += f", {lost:.0%} of scores lost" if lost else ""
    covered, wrong, wrong_terms, found = [], 0, 0, 0
    true = np.array([0.0, 0.01, -0.02, 0.015, 0.0, 0.005][: max(rows) + 1])
    nothing = np.zeros(len(true))
    grid = true[rows].reshape(3, 2)
    gate, streams = grid.mean(axis=1), grid.mean(axis=0)
    rise = grid[:, 1] - grid[:, 0]
    expected = [*(gate[1:] - gate[0]), streams[1] - streams[0], *(rise[1:] - rise[0])]
    freedom = (len(true) - 1) * (seeds - 1)
    scale = contrast_scales(cells)[("streams",)]
    pairs = deviation_of_pairs(0.5)
    smallest = detectable(seeds, 5, pairs, scale=scale, freedom=freedom)
    # streams alone changes the score: rows 1, 3, 5 are those of its other level
    shifted = np.where(np.arange(len(true)) % 2 == 1, smallest.effect, 0.0)
    for _ in range(count):
        _, contrasts = factorial_effects(cells, simulated(random, true, seeds, 0.5, lost))
        known = [own for own in zip(contrasts, expected, strict=True) if np.isfinite(own[0].low)]
        covered.append(np.mean([own.low <= effect <= own.high for own, effect in known]))
        terms, contrasts = factorial_effects(cells, simulated(random, nothing, seeds, 0.5, lost))
        wrong += any(own.holm <= 0.05 for own in contrasts)
        wrong_terms += any(own.holm <= 0.05 for own in terms)
        if not collapsed and not lost:
            _, contrasts = factorial_effects(cells, simulated(random, shifted, seeds, 0.5))
            found += contrasts[2].verdict == "better"
    figures = [
        Figure(f"{about}: intervals cover", float(np.mean(covered)), COVERAGE),
        Figure(f"{about}: a false contrast", wrong / count, FAMILY),
        Figure(f"{about}: a false term", wrong_terms / count, FAMILY),
    ]
    if not collapsed and not lost:
        figures.append(Figure(f"{about}: minimum detectable effect is found", found / count, POWER))
    return figures


def figures(count: int, seeds: int) -> Iterator[Figure]:
    for correlation in CORRELATIONS:
        yield from intervals(count, seeds, correlation)
        yield detected(count, seeds, correlation)
    yield from intervals(count, seeds, 0.5, lost=0.1)
    yield piloted(count, seeds, 0.5)
    yield from factorial(count, seeds)
    yield from factorial(count, seeds, lost=0.1)
    yield from factorial(count, seeds, collapsed=True)
    yield bootstrapped(count, seeds)
    yield looked_at_again(count, seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(f"{options.simulations:,} simulations, {options.seeds} seeds", flush=True)
    met = True
    for figure in figures(options.simulations, options.seeds):
        print(figure, flush=True)
        met = met and figure.met()
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
