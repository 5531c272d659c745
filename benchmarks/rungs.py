"""What rungs save: training to 95% of the true front's hypervolume, with rungs and without.

    python benchmarks/rungs.py [--table benchmarks/tabular] [--samplers ehvi,tpe,random]
        [--rungs 4,6] [--eta 3] [--seeds 20]

Searches are replayed against the table, each sampler with the rungs and without, the same seeds.
Training is epochs x MACs of the network. A search may train all to full length. Then, of the
searches with rungs and until they got there, what share of the trials of each quarter of the cost
was promoted from each rung: a quarter that is never promoted is starved.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

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
    asked = parser.parse_args()
    table = read_table(asked.table)
    full = table.scores.shape[2]
    whole = float(table.costs["macs"].sum()) * full
    print(
        f"training to {SHARE:.0%} of the hypervolume, as a share of training the whole table once"
    )
    print(f"median (quartiles) of {asked.seeds} seeds; rungs {asked.rungs}, eta {asked.eta:g}")
    for sampler in asked.samplers.split(","):
        middle = {}
        for rungs in ("", asked.rungs):
            searches = [
                replay_search(
                    table, sampler=sampler, budget=f"{len(table.keys) * full}epochs",
                    rungs=rungs, eta=asked.eta, seed=seed, until=SHARE,
                )
                for seed in range(asked.seeds)
            ]  # fmt: skip
            costs = [spent(own) / whole for own in searches]
            low, middle[rungs], high = np.quantile(costs, [0.25, 0.5, 0.75], method="higher")
            name = f"rungs {rungs}" if rungs else "no rungs"
            print(f"  {sampler:7} {name:12} {middle[rungs]:.3f} ({low:.3f} to {high:.3f})")
        print(f"  {sampler:7} {'ratio':12} {middle[asked.rungs] / middle['']:.2f}")
        for line in promoted(table, searches, parse_rungs(asked.rungs, full)):
            print(f"  {sampler:7} {line}", flush=True)


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
