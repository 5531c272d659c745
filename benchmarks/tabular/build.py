"""Train every architecture of a space, with several seeds, and keep the score after each epoch.

    python benchmarks/tabular/build.py [--table benchmarks/tabular] [--recipe quick-reid]
        [--workers 2] [--seeds 3] [--rows tabular.csv] [--write]

A row is one architecture, replicate and epoch: the scores on the identities that this replicate
holds out, and the seconds that training and scoring took since the epoch before: what a job of a
search (`nas.training.job`) gives. Replicate by replicate, so that a build that was stopped has
whole replicates; what is in the file is not trained again. The space is the table's space.yaml.
With --write the rows go into its scores.parquet and the architectures, with their exact costs, into
networks.parquet.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from nas.architecture import Size, from_document, key, to_document
from nas.cost import cost
from nas.data import Held, hold_out_to_score, load_dataset
from nas.seeds import derived_seed
from nas.space import Space, load_space
from nas.training import Recipe, load_recipe
from nas.training.evaluation import score_reid
from nas.training.initial import begin
from nas.training.loop import Trainer

HERE = Path(__file__).parent
DATA = "synthetic"
SCORES = ("mAP", "rank1", "mINP")
COLUMNS = ("key", "replicate", "epoch", *SCORES, "train_seconds", "eval_seconds", "images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=HERE)
    parser.add_argument("--recipe", default="quick-reid")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=Path, help="by default tabular.csv in the table")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    space, rows = load_space(options.table / "space.yaml"), options.rows
    rows = rows or options.table / "tabular.csv"
    if options.write:
        write(space, rows, options.table)
        return
    recipe = load_recipe(options.recipe)
    trained = set(finished(rows, recipe.epochs))
    wanted = [
        (to_document(a), recipe, replicate)
        for replicate in range(options.seeds)
        for a in sorted(map(space.architecture, space.enumerate()), key=key)
        if (key(a), replicate) not in trained
    ]
    print(f"{len(trained)} trainings in {rows}, {len(wanted)} to run", flush=True)
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, context, initializer=one_thread) as pool:
        futures = [pool.submit(train, *one) for one in wanted]
        for done, future in enumerate(as_completed(futures), 1):
            append(rows, future.result())
            minutes = (time.monotonic() - started) / 60
            left = minutes / done * (len(wanted) - done)
            print(f"{done} of {len(wanted)}, {minutes:.0f}m, {left:.0f}m left", flush=True)


def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def train(document: dict[str, Any], recipe: Recipe, replicate: int) -> list[list[Any]]:
    """One row an epoch."""
    architecture, seed = from_document(document), derived_seed(0, replicate)
    held = held_out(architecture.input, seed, recipe.validation)
    assert held.query is not None and held.gallery is not None
    classes = int(held.train.labels.max()) + 1
    network = begin(architecture, classes, recipe, seed=seed)
    trainer = Trainer(network, recipe, seed=seed)
    rows = []
    for epoch in range(1, recipe.epochs + 1):
        step, started = trainer.step, time.monotonic()
        trainer.train(held.train, epoch)
        trained = time.monotonic()
        found = score_reid(trainer.average, held.query, held.gallery, autocast=trainer.autocast)
        scores = [round(found[name], 6) for name in SCORES]
        seconds = [round(trained - started, 3), round(time.monotonic() - trained, 3)]
        images = (trainer.step - step) * recipe.batch
        rows.append([key(architecture), replicate, epoch, *scores, *seconds, images])
    return rows


@lru_cache(maxsize=4)
def held_out(size: Size, seed: int, fraction: float) -> Held:
    dataset = load_dataset(DATA, size)
    return hold_out_to_score(dataset, seed=seed, fraction=fraction)


def append(file: Path, rows: list[list[Any]]) -> None:
    fresh = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([COLUMNS, *rows] if fresh else rows)


def finished(file: Path, last: int) -> Iterator[tuple[str, int]]:
    """(key, replicate) of the trainings that are in the file to epoch `last`."""
    if file.exists():
        rows = pd.read_csv(file, dtype={"key": str})
        done = rows[rows["epoch"] == last]
        yield from zip(done["key"], done["replicate"], strict=True)


def write(space: Space, file: Path, table: Path) -> None:
    rows = pd.read_csv(file, dtype={"key": str}).sort_values(["key", "replicate", "epoch"])
    rows.drop_duplicates(["key", "replicate", "epoch"]).to_parquet(table / "scores.parquet")
    networks = []
    for point in space.enumerate():
        architecture = space.architecture(point)
        networks.append({"key": key(architecture), **cost(architecture).as_dict(), **point})
    pd.DataFrame(networks).to_parquet(table / "networks.parquet")


if __name__ == "__main__":
    main()
