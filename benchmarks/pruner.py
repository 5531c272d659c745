"""What a pruner of Optuna's, which is blind to the cost, does to the front of a study.

    python benchmarks/pruner.py [--table benchmarks/tabular] [--epochs 200] [--seeds 16]

Studies of the score alone, whose objective looks a training up in the table and reports it epoch by
epoch; each ends when so many epochs were spent. Told is the share of the front's hypervolume that
what came to full length has by its true scores (larger is better), and how many that were: means
over seeds. First our sampler without a pruner, the named baseline.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import optuna

import nas
from nas.search.replay import Table, read_table

HERE = Path(__file__).parent


def study(table: Table, sampler: str, pruner: str, epochs: int, seed: int) -> tuple[float, int]:
    """The share of the hypervolume, and how many trials came to full length."""
    spent, done = 0, []

    def objective(trial: optuna.Trial) -> float:
        nonlocal spent
        row = table.rows[nas.key(nas.suggest(trial, table.space))]
        curve = table.scores[row, seed % table.scores.shape[1]]
        for epoch, score in enumerate(curve.tolist()):
            spent += 1
            trial.report(score, epoch)
            if spent >= epochs:
                trial.study.stop()
            if epoch + 1 < len(curve) and trial.should_prune():
                raise optuna.TrialPruned
        done.append(row)
        return float(curve[-1])

    pruners = {
        "none": optuna.pruners.NopPruner(),
        "halving": optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    }
    samplers: dict[str, optuna.samplers.BaseSampler] = {
        "SpaceSampler": nas.SpaceSampler(table.space, seed=seed),
        "TPESampler": optuna.samplers.TPESampler(seed=seed),
        "RandomSampler": optuna.samplers.RandomSampler(seed=seed),
    }
    optuna.create_study(
        direction="maximize", sampler=samplers[sampler], pruner=pruners[pruner]
    ).optimize(objective, n_trials=epochs)
    return table.hypervolume(done), len(done)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, default=HERE / "tabular")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=16)
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = read_table(asked.table)
    print(f"share of the front's hypervolume in {asked.epochs} epochs; mean of {asked.seeds} seeds")
    for sampler in ("SpaceSampler", "TPESampler", "RandomSampler"):
        for pruner in ("none", "halving"):
            found = [study(table, sampler, pruner, asked.epochs, s) for s in range(asked.seeds)]
            share, count = np.mean(found, axis=0)
            print(f"  {sampler:13} pruner {pruner:7} {share:.3f}, {count:.1f} to full length")


if __name__ == "__main__":
    main()
