"""Does the default set tell architectures apart beyond their size?

    python benchmarks/default_set.py [--seeds 3] [--workers 2] [--out default-set.csv]

Twelve architectures, OSNets of one to four streams, gated and fused in several ways, and the
families that OSNet is compared with, at the widths that give them the same MACs, are trained at the
full length of `quick` on the training split with several seeds, and scored on the test split. A
random-effects analysis of variance gives the standard deviation between architectures and between
seeds, with the interval of their ratio (exact for balanced data: Searle, Casella and McCulloch,
Variance Components, 1992, section 3.6). Then four streams against one at equal width, with paired
seeds. Trainings that are in the file are not run again.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from scipy import stats

from nas.architecture import Architecture, from_document, key, to_document
from nas.cost import cost
from nas.cost.match import match, with_family
from nas.data import load_dataset
from nas.models import build
from nas.space import Space, from_yaml
from nas.training import load_recipe
from nas.training.evaluation import score_reid
from nas.training.loop import Trainer

DATA, RECIPE = "synthetic", "quick"
MACS, BAND = 8_000_000, 1.15
BASE = """
space: matched
base: osnet_x0_25
input: 64x32
parameters:
  stem.kind: conv3
  stages[*].depth: 1
  stages[*].streams: 1..4
  stages[*].gate: [none, streamwise, unified]
  stages[*].fusion: [add, concat]
"""
OSNETS = (
    (1, "none", "add"), (1, "unified", "add"), (2, "none", "add"), (2, "unified", "add"),
    (3, "unified", "add"), (3, "streamwise", "concat"), (4, "none", "add"),
    (4, "streamwise", "concat"), (4, "unified", "add"),
)  # fmt: skip
FAMILIES = ("inception", "resnext", "se")
PAIRS = 5  # seeds of four streams against one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("default-set.csv"))
    options = parser.parse_args()
    space = from_yaml(BASE)
    chosen = matched(space)
    narrow, wide = (member(space, t, "unified", "add") for t in (1, 4))
    wanted = [(a, s) for s in range(options.seeds) for a in chosen.values()]
    wanted += [(a, s) for s in range(PAIRS) for a in (narrow, wide)]
    scores = train(wanted, options.out, options.workers)

    print(f"{DATA}, {RECIPE}: mAP on the test split, {options.seeds} seeds")
    table = []
    for name, architecture in chosen.items():
        own = [scores[key(architecture), seed] for seed in range(options.seeds)]
        table.append(own)
        macs = cost(architecture).macs / 1e6
        values = " ".join(f"{x:.4f}" for x in own)
        print(f"  {macs:.2f} M  {np.mean(own):.4f} ({values})  {name}")
    report_variance(np.array(table))
    gains = [scores[key(wide), seed] - scores[key(narrow), seed] for seed in range(PAIRS)]
    low, high = stats.t.interval(0.95, PAIRS - 1, np.mean(gains), stats.sem(gains))
    print(
        f"T=4 against T=1 at equal width, {PAIRS} paired seeds: {np.mean(gains):+.4f} mAP "
        f"(95% interval {low:+.4f} to {high:+.4f})"
    )


def matched(space: Space) -> dict[str, Architecture]:
    """OSNets of one to four streams and the families it is compared with, at the same MACs."""
    found = {f"T={own[0]}, gate {own[1]}, {own[2]}": member(space, *own) for own in OSNETS}
    plain = found["T=4, gate unified, add"]
    found |= {family: with_family(plain, family) for family in FAMILIES}
    found = {name: match(own, MACS) for name, own in found.items()}
    macs = [cost(own).macs for own in found.values()]
    if max(macs) > BAND * min(macs) or len({key(a) for a in found.values()}) < len(found):
        raise RuntimeError(f"not matched: {min(macs):,} to {max(macs):,} macs")
    return {f"{name}, width {own.width:.3f}": own for name, own in found.items()}


def member(space: Space, streams: int, gate: str, fusion: str) -> Architecture:
    fields = {"depth": 1, "streams": streams, "gate": gate, "fusion": fusion}
    point = {"stem.kind": "conv3"}
    return space.architecture(point | {f"stages[*].{n}": v for n, v in fields.items()})


def train(
    wanted: list[tuple[Architecture, int]], file: Path, workers: int
) -> dict[tuple[str, int], float]:
    """The score of each (architecture, seed), by key; written as they come."""
    scores = dict(read(file))
    missing = {(key(a), s): (a, s) for a, s in wanted if (key(a), s) not in scores}
    print(f"{len(scores)} trainings in {file}, {len(missing)} to run", flush=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=one_thread) as pool:
        futures = {pool.submit(score, to_document(a), s): name for name, (a, s) in missing.items()}
        for future in as_completed(futures):
            name = futures[future]
            scores[name], seconds = future.result()
            with file.open("a", newline="", encoding="utf-8") as rows:
                csv.writer(rows).writerow([*name, scores[name], round(seconds, 1)])
    return scores


def read(file: Path) -> Iterator[tuple[tuple[str, int], float]]:
    if file.exists():
        with file.open(newline="", encoding="utf-8") as rows:
            for architecture, seed, value, _ in csv.reader(rows):
                yield (architecture, int(seed)), float(value)


def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def score(document: dict[str, object], seed: int) -> tuple[float, float]:
    """mAP on the test split of a network trained on the whole training split, and seconds."""
    started = time.monotonic()
    architecture, recipe = from_document(document), load_recipe(RECIPE)
    dataset = load_dataset(DATA, architecture.input)
    network = build(architecture, dataset.num_classes, seed=seed)
    trainer = Trainer(network, recipe, seed=seed)
    trainer.train(dataset.train, recipe.epochs)
    assert dataset.query is not None and dataset.gallery is not None
    scores = score_reid(trainer.average, dataset.query, dataset.gallery)
    return scores["mAP"], time.monotonic() - started


def report_variance(table: np.ndarray) -> None:
    """table: (architectures, seeds)."""
    groups, seeds = table.shape
    between = seeds * table.mean(axis=1).var(ddof=1)
    within = table.var(axis=1, ddof=1).mean()
    f = between / within
    degrees = (groups - 1, groups * (seeds - 1))
    low, high = (
        np.sqrt(max(0.0, (f / stats.f.ppf(q, *degrees) - 1) / seeds)) for q in (0.95, 0.05)
    )
    ratio = np.sqrt(max(0.0, (f - 1) / seeds))
    print(
        f"standard deviation between architectures {ratio * np.sqrt(within):.4f}, between seeds "
        f"{np.sqrt(within):.4f}: ratio {ratio:.2f} (90% interval {low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
