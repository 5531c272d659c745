"""What the values of each parameter add to the score, after some epochs of a table's trainings.

    python benchmarks/effects.py [--table benchmarks/tabular-wide] [--epochs 4,27]

Least squares on the mean mAP of the table's seeds: how much a value adds beside the first one of
its parameter, and what share of the variance such effects explain together (R^2). Where those of an
early epoch are others than those at the end, a rung there misleads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from nas.architecture import key
from nas.search.replay import read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=Path(__file__).parent / "tabular-wide")
    parser.add_argument("--epochs", default="4,27")
    asked = parser.parse_args()
    table = read_table(asked.table)
    points = {key(table.space.architecture(p)): p for p in table.space.enumerate()}
    values = pd.DataFrame([points[own] for own in table.keys]).astype(str)
    features = pd.get_dummies(values, drop_first=True, dtype=float)
    features.insert(0, "the first of all", 1.0)
    means, found = table.scores.mean(axis=1), {}
    for epoch in map(int, asked.epochs.split(",")):
        effects = np.linalg.lstsq(features, means[:, epoch - 1])[0]
        left = means[:, epoch - 1] - features.to_numpy() @ effects
        explained = 1 - left.var() / means[:, epoch - 1].var()
        found[f"epoch {epoch}"] = pd.Series([*effects, explained], [*features, "R^2"])
    print(pd.DataFrame(found).round(3).to_string())


if __name__ == "__main__":
    main()
