"""Whether what `ehvi` predicts of a trial comes true: searches of the tabular benchmarks.

    python benchmarks/calibration.py [--seeds 20] [--trials 40]

Each architecture that the sampler proposed after its start was predicted, with a deviation, by what
was known then. Of the scores that came out, at full length, without rungs: how many are within the
95% and the 80% interval, and by how many deviations they are above on average, and spread (0 and 1
where it is calibrated). And how much the next --ahead trials together were expected to add to the
hypervolume, as a share of it, what they did add by the true scores, and how much was still to be
found; means over the seeds.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from nas.search.predicted import predicted
from nas.search.replay import Replayed, Table, read_table, replay_search
from nas.search.samplers.ehvi import START

HERE = Path(__file__).resolve().parent
TABLES = ("tabular", "tabular-quick", "tabular-long", "tabular-wide")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--ahead", type=int, default=5)
    options = parser.parse_args()
    for name in TABLES:
        table = read_table(HERE / name)
        budget = f"{options.trials}trials"
        searches = [replay_search(table, budget=budget, seed=n) for n in range(options.seeds)]
        print(f"{name}: {closeness(pd.concat(predicted(own.trials) for own in searches))}")
        for after in range(START, options.trials - options.ahead + 1, options.ahead):
            rows = [grown(own, table, after, options.ahead) for own in searches]
            expected, came, left = np.mean([row for row in rows if row], axis=0)
            print(f"  after {after}: {expected:.1%} expected, {came:.1%} came; {left:.1%} left")


def closeness(found: pd.DataFrame) -> str:
    """In words: shares within intervals, and the mean and deviation of what came, in deviations."""
    apart = (found["score"] - found["predicted"]) / found["deviation"]
    shares = {share: (apart.abs() <= norm.ppf(0.5 + share / 2)).mean() for share in (0.95, 0.8)}
    told = ", ".join(f"{within:.1%} within {share:.0%}" for share, within in shares.items())
    return f"{len(found)} predicted, {told}; {apart.mean():+.2f}, {apart.std():.2f}"


def grown(search: Replayed, table: Table, after: int, ahead: int) -> tuple[float, ...]:
    """Shares of the hypervolume of the first `after` trials: expected of the next ones, come of
    them, and left of what the table has; empty where there was none."""
    trials = [trial for trial in search.trials if trial.state == "complete"]
    rows = [table.rows[trial.key] for trial in trials]
    before, then = table.hypervolume(rows[:after]), table.hypervolume(rows[: after + ahead])
    if not before:
        return ()
    expected = sum(t.note.get("growth", 0.0) for t in trials[after : after + ahead])
    return expected, then / before - 1, 1 / before - 1


if __name__ == "__main__":
    main()
