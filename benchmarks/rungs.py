"""What rungs save: training to 95% of the true front's hypervolume, with rungs and without.

    python benchmarks/rungs.py [--table benchmarks/tabular] [--samplers ehvi,tpe,random]
        [--rungs 4,6] [--eta 3] [--seeds 20] [--noise 1] [--budgets 60,100,150,250]

Searches are replayed against the table, each sampler with the rungs and without, the same seeds;
with --table made-up or made-up-by-cost each against its own one, see made_up.py. Training is
epochs x MACs of the network. A search may train all to full length. It sees one of the table's
seeds, and what it has found is judged by the mean of all. --noise 0.3 draws the seeds to their
mean, so that they differ by that share of what they do: it shows how much of it is noise.
"at best" is what no promotion of the same networks can be below: the searches without
rungs, had they trained what they tried to the first rung, and to full length only the cheapest set
with that share.

Then, of the searches with rungs and until they got there, what share of the trials of each quarter
of the cost was promoted from each rung: a quarter that is never promoted is starved.

With --budgets, instead: the share of the hypervolume that is found in so many epochs, mean and
standard error, with the rungs and without; larger is better.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from made_up import KINDS, made_up

from nas.search.replay import Replayed, Table, read_table, replay_search
from nas.search.rungs import parse_rungs

HERE = Path(__file__).parent
SHARE = 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=HERE / "tabular")
    parser.add_argument("--samplers", default="ehvi,tpe,random")
    parser.add_argument("--rungs", default="4,6")
    parser.add_argument("--eta", type=float, default=3.0)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--budgets", help="numbers of epochs")
    asked = parser.parse_args()
    tables = [quieter(own, asked.noise) for own in tables_of(asked.table, asked.seeds)]
    table = tables[0]
    full = table.scores.shape[2]
    whole = float(table.costs["macs"].sum()) * full
    rungs = parse_rungs(asked.rungs, full)
    if not rungs:
        parser.error("--rungs: one at least")
    if asked.budgets:
        by_budget(tables, asked)
        return
    print(
        f"training to {SHARE:.0%} of the hypervolume, as a share of training the whole table once"
    )
    print(
        f"median (quartiles) of {asked.seeds} seeds; rungs {asked.rungs}, eta {asked.eta:g}, "
        f"noise times {asked.noise:g}"
    )
    for sampler in asked.samplers.split(","):

        def search(own: str, sampler: str = sampler) -> list[Replayed]:
            budget = f"{len(table.keys) * full}epochs"
            return [
                replay_search(
                    tables[seed], sampler=sampler, budget=budget, rungs=own, eta=asked.eta,
                    seed=seed, until=SHARE,
                )
                for seed in range(asked.seeds)
            ]  # fmt: skip

        without, climbing = search(""), search(asked.rungs)
        base = show(f"{sampler:7} no rungs", [spent(own) / whole for own in without])
        least = [
            at_best(own, searched, rungs[0]) / whole
            for own, searched in zip(tables, without, strict=True)
        ]
        show(f"{sampler:7} at best", least, base)
        show(f"{sampler:7} rungs {asked.rungs}", [spent(own) / whole for own in climbing], base)
        for line in promoted(table, climbing, rungs):
            print(f"  {sampler:7} {line}", flush=True)


def tables_of(name: Path, seeds: int) -> list[Table]:
    """The table for each seed, of the same architectures."""
    if str(name) in KINDS:
        return [made_up(str(name), seed) for seed in range(seeds)]
    return [read_table(name)] * seeds


def by_budget(tables: list[Table], asked: argparse.Namespace) -> None:
    """Print what is found in each of the budgets."""
    print(f"share of the hypervolume, mean and its standard error, of {asked.seeds} seeds")
    for sampler in asked.samplers.split(","):
        for budget in asked.budgets.split(","):
            told = []
            for rungs in ("", asked.rungs):
                shares = [
                    replay_search(
                        own, sampler=sampler, budget=f"{budget}epochs", rungs=rungs,
                        eta=asked.eta, seed=seed,
                    ).found[-1]
                    for seed, own in enumerate(tables)
                ]  # fmt: skip
                error = np.std(shares, ddof=1) / np.sqrt(len(shares))
                told.append(f"{np.mean(shares):.3f} ±{error:.3f}")
            print(
                f"  {sampler:7} {budget:>4} epochs: no rungs {told[0]}, rungs {told[1]}", flush=True
            )


def show(name: str, costs: list[float], base: float | None = None) -> float:
    """Print quartiles, and the ratio of the median to `base`; the median."""
    low, middle, high = np.quantile(costs, [0.25, 0.5, 0.75], method="higher")
    ratio = "" if base is None else f", ratio {middle / base:.2f}"
    print(f"  {name:20} {middle:.3f} ({low:.3f} to {high:.3f}){ratio}", flush=True)
    return float(middle)


def quieter(table: Table, share: float) -> Table:
    """The table as if its seeds differed from their mean by this share of what they do."""
    mean = table.scores.mean(axis=1, keepdims=True)
    return replace(table, scores=mean + share * (table.scores - mean))


def at_best(table: Table, search: Replayed, rung: int) -> float:
    """Epochs x MACs, if it were known beforehand which of what was tried has the share."""
    full, macs = table.scores.shape[2], table.costs["macs"]
    tried = [table.rows[event.step.trial.key] for event in search.events]
    found = table.hypervolume(tried)
    front = [r for r in tried if table.hypervolume([o for o in tried if o != r]) < found]
    enough = (
        macs[list(some)].sum()
        for size in range(1, len(front) + 1)
        for some in combinations(front, size)
        if table.hypervolume(list(some)) >= SHARE
    )
    return float(macs[tried].sum() * rung + min(enough) * (full - rung))


def spent(search: Replayed) -> float:
    """Epochs x MACs until SHARE was found, where the search ends; infinite where it never was."""
    return search.events[-1].macs if search.found[-1] >= SHARE else float("inf")


def promoted(table: Table, searches: list[Replayed], rungs: tuple[int, ...]) -> list[str]:
    """For each rung: of the trials on it, by quarter of the table's cost, the share promoted."""
    edges = np.quantile(table.costs["macs"], [0.25, 0.5, 0.75])
    lines = []
    for rung in rungs:
        on, up = np.zeros(4), np.zeros(4)
        for search in searches:
            for event in search.events:
                quarter = int(np.searchsorted(edges, event.step.trial.costs["macs"]))
                on[quarter] += event.step.to_epoch == rung
                up[quarter] += event.step.from_epoch == rung
        shares = ", ".join(f"{u / o:.0%}" if o else "none" for u, o in zip(up, on, strict=True))
        lines.append(f"from epoch {rung}, by quarter of the cost from the cheapest: {shares}")
    return lines


if __name__ == "__main__":
    main()
