"""Searching by the latency of a device: known from a table of parts, or measured after a training.

    python benchmarks/device.py [--table benchmarks/tabular] [--trials 30] [--seeds 20]

The score of a trial is looked up in the table of trainings, one seed of it; its latency is the sum
of the parts in latency.csv beside it (`python cli.py latency SPACE --out FILE`). Told is the share
of the hypervolume of score against log latency that the trials have by their true scores (larger is
better): mean and standard error over seeds, after a third, two thirds and all of the trials. First
`tpe`, the default where latency is measured, as the named baseline; then `ehvi` that knows the
latency beforehand; then `ehvi` by macs, which is what is left where no table is at hand.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

from nas.architecture import key
from nas.cost import LATENCY
from nas.cost.parts import read_table
from nas.search.record import Trial
from nas.search.replay import Table
from nas.search.replay import read_table as read_trainings
from nas.search.samplers import make_sampler, propose_untried
from nas.space import Space, on_device

HERE = Path(__file__).parent
WAYS = {"tpe, measured": ("tpe", LATENCY), "ehvi, known": ("ehvi", LATENCY),
        "ehvi, by macs": ("ehvi", "macs")}  # fmt: skip


def search(table: Table, space: Space, way: str, trials: int, seed: int) -> list[float]:
    """The share of the hypervolume after each trial; space: the table's, on the device."""
    sampler, cost = WAYS[way]
    propose = make_sampler(sampler, space, ("score", cost))
    history: list[Trial] = []
    rows: list[int] = []
    found = []
    for number in range(trials):
        proposed = propose_untried(propose, space, history, seed)
        assert proposed is not None
        proposal, architecture = proposed
        name = key(architecture)
        rows.append(table.rows[name])
        score = float(table.scores[rows[-1], seed % table.scores.shape[1], -1])
        history.append(
            Trial(
                number, name, proposal.point, architecture, space.costs_of(architecture),
                proposal.note, "complete", scores={"score": score}, rungs={1: score},
            )
        )  # fmt: skip
        found.append(table.hypervolume(rows, LATENCY))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, default=HERE / "tabular")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    table, latency = read_trainings(asked.table), read_table(asked.table / "latency.csv")
    space = on_device(table.space, latency)
    members = space.members()
    keys = [key(space.architecture(members.point(row))) for row in range(len(members))]
    times = np.zeros(len(keys))
    times[[table.rows[name] for name in keys]] = members.costs[LATENCY]
    table = replace(table, costs={**table.costs, LATENCY: times})
    s = latency.setting
    print(f"latency on {s['machine']}, {s['backend']}: {times.min():.2f} to {times.max():.2f} ms")
    print(f"Kendall's tau with macs: {kendalltau(times, table.costs['macs']).statistic:.3f}")
    looks = [asked.trials * part // 3 for part in (1, 2, 3)]
    print(f"share of the hypervolume after {looks} trials; mean of {asked.seeds} seeds")
    for way in WAYS:
        found = np.array(
            [search(table, space, way, asked.trials, seed) for seed in range(asked.seeds)]
        )[:, np.array(looks) - 1]
        error = found.std(axis=0, ddof=1) / np.sqrt(asked.seeds)
        pairs = zip(found.mean(axis=0), error, strict=True)
        print(f"  {way:14}", "  ".join(f"{mean:.3f} ±{own:.3f}" for mean, own in pairs))


if __name__ == "__main__":
    main()
