"""Looking for the cheapest network that is good enough, in place of the whole front.

    python benchmarks/score_min.py [--table benchmarks/tabular-wide] [--share 0.8] [--seeds 20]

Good enough are the architectures of the table in the upper part of its scores: those above --share
of all. A search sees one seed of a training, and is judged by the mean of all: how much dearer than
the cheapest of these is the cheapest of them that it has tried, on the table's log range of macs
from 0 to 1 (smaller is better; where it has tried none, as dear as can be)? Means over seeds with
their standard errors, and the share of searches that have tried the cheapest itself; first `ehvi`
as it is, the named baseline, then with that score as its `score_min`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from nas.search.replay import read_table, replay_search

LOOKS = (12, 16, 20, 30, 40)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", default=str(Path(__file__).parent / "tabular-wide"))
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    table = read_table(asked.table)
    scores = table.scores[:, :, -1].mean(axis=1)
    logs = np.log10(table.costs["macs"])
    costs = (logs - logs.min()) / np.ptp(logs)
    least = float(np.quantile(scores, asked.share))
    good = scores >= least
    cheapest = costs[good].min()
    print(f"{good.sum()} of {len(good)} score {least:.3f} at least, the cheapest at {cheapest:.2f}")
    budget = f"{max(LOOKS)}trials"
    for name, score_min in (("ehvi", None), ("ehvi, score_min", least)):
        dearer = np.empty((asked.seeds, len(LOOKS)))
        for seed in range(asked.seeds):
            found = replay_search(table, budget=budget, seed=seed, score_min=score_min)
            rows = [table.rows[trial.key] for trial in found.trials]
            for place, count in enumerate(LOOKS):
                own = [costs[row] for row in rows[:count] if good[row]]
                dearer[seed, place] = min(own, default=1.0) - cheapest
        means, errors = dearer.mean(axis=0), dearer.std(axis=0, ddof=1) / asked.seeds**0.5
        for count, mean, error, sure in zip(
            LOOKS, means, errors, (dearer == 0).mean(axis=0), strict=True
        ):
            print(f"{name:16} {count} trials: {mean:.3f} ±{error:.3f}, {sure:.0%} found it")


if __name__ == "__main__":
    main()
