"""Whether what `ehvi` predicts of a trial comes true: searches of the tabular benchmarks.

    python benchmarks/calibration.py [--seeds 20] [--trials 40]

Each architecture that the sampler proposed after its start was predicted, with a deviation, by what
was known then. Of the scores that came out, at full length, without rungs: how many are within the
95% and the 80% interval, and by how many deviations they are above on average, and spread (0 and 1
where it is calibrated).
"""

import argparse
from pathlib import Path

import pandas as pd
from scipy.stats import norm

from nas.search.predicted import predicted
from nas.search.replay import read_table, replay_search

HERE = Path(__file__).resolve().parent
TABLES = ("tabular", "tabular-quick", "tabular-long", "tabular-wide")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=40)
    options = parser.parse_args()
    for name in TABLES:
        table = read_table(HERE / name)
        found = pd.concat(
            predicted(replay_search(table, budget=f"{options.trials}trials", seed=seed).trials)
            for seed in range(options.seeds)
        )
        apart = (found["score"] - found["predicted"]) / found["deviation"]
        shares = {share: (apart.abs() <= norm.ppf(0.5 + share / 2)).mean() for share in (0.95, 0.8)}
        told = ", ".join(f"{within:.1%} within {share:.0%}" for share, within in shares.items())
        print(f"{name}: {len(found)} predicted, {told}; {apart.mean():+.2f}, {apart.std():.2f}")


if __name__ == "__main__":
    main()
