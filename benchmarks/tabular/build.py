"""Train every architecture of a space, with several seeds, and keep the score after each epoch.

    python benchmarks/tabular/build.py [--workers 2] [--seeds 3] [--rows tabular.csv] [--write]

A row is one architecture, replicate and epoch: the scores on the identities that this replicate
holds out, and the seconds that training and scoring took since the epoch before. The trainings are
the jobs of a search (`nas.training.job`), one epoch each. Replicate by replicate, so that a build
that was stopped has whole replicates; what is in the file is not trained again. With --write the
rows go into scores.parquet and the architectures, with their exact costs, into networks.parquet.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pandas as pd

from nas.architecture import from_document, key, to_document
from nas.cost import cost
from nas.space import Space, load_space
from nas.training import load_recipe
from nas.training.job import Job, run_job

HERE = Path(__file__).parent
DATA, RECIPE, OVERRIDES = "synthetic", "quick", ()
SCORES = ("mAP", "rank1", "mINP")
COLUMNS = ("key", "replicate", "epoch", *SCORES, "train_seconds", "eval_seconds", "images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=Path, default=HERE / "tabular.csv")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    space = load_space(HERE / "space.yaml")
    if options.write:
        write(space, options.rows)
        return
    trained = set(finished(options.rows))
    wanted = [
        (to_document(a), replicate)
        for replicate in range(options.seeds)
        for a in sorted(map(space.architecture, space.enumerate()), key=key)
        if (key(a), replicate) not in trained
    ]
    print(f"{len(trained)} trainings in {options.rows}, {len(wanted)} to run", flush=True)
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, context, initializer=one_thread) as pool:
        futures = [pool.submit(train, *one) for one in wanted]
        for done, future in enumerate(as_completed(futures), 1):
            append(options.rows, future.result())
            minutes = (time.monotonic() - started) / 60
            left = minutes / done * (len(wanted) - done)
            print(f"{done} of {len(wanted)}, {minutes:.0f}m, {left:.0f}m left", flush=True)


def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def train(document: dict[str, Any], replicate: int) -> list[list[Any]]:
    """One row an epoch."""
    architecture, recipe = from_document(document), load_recipe(RECIPE, OVERRIDES)
    rows, state = [], None
    for epoch in range(1, recipe.epochs + 1):
        result = run_job(
            Job("", 0, architecture, recipe, DATA, 0, replicate, to_epoch=epoch, state=state)
        )
        if result.outcome != "done":
            raise RuntimeError(f"{key(architecture)}, {replicate}: {result.reason}")
        state = result.state
        scores = [round(result.scores[name], 6) for name in SCORES]
        seconds = [round(result.train_seconds, 3), round(result.eval_seconds, 3)]
        rows.append([key(architecture), replicate, epoch, *scores, *seconds, result.images])
    return rows


def append(file: Path, rows: list[list[Any]]) -> None:
    fresh = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([COLUMNS, *rows] if fresh else rows)


def finished(file: Path) -> Iterator[tuple[str, int]]:
    """(key, replicate) of the trainings that are in the file to their last epoch."""
    if file.exists():
        last = load_recipe(RECIPE, OVERRIDES).epochs
        rows = pd.read_csv(file, dtype={"key": str})
        done = rows[rows["epoch"] == last]
        yield from zip(done["key"], done["replicate"], strict=True)


def write(space: Space, file: Path) -> None:
    rows = pd.read_csv(file, dtype={"key": str}).sort_values(["key", "replicate", "epoch"])
    rows.drop_duplicates(["key", "replicate", "epoch"]).to_parquet(HERE / "scores.parquet")
    networks = []
    for point in space.enumerate():
        architecture = space.architecture(point)
        networks.append({"key": key(architecture), **cost(architecture).as_dict(), **point})
    pd.DataFrame(networks).to_parquet(HERE / "networks.parquet")


if __name__ == "__main__":
    main()
