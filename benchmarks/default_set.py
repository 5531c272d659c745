"""Does the default set tell architectures apart beyond their size?

    python benchmarks/default_set.py [--seeds 3] [--workers 2] [--out default-set.csv]

Twelve architectures are drawn at random, eight OSNets and one each of inception, resnext, se and
the plain bottleneck, from all that the language can say of them on three stages of one depth; the
width brings each to the same MACs. They are trained by `standard` on the training split with
several seeds, and scored on the test split. A random-effects analysis of variance gives the
standard deviation between architectures and between seeds, with the interval of their ratio (exact
for balanced data: Searle, Casella and McCulloch, Variance Components, 1992, section 3.6). Then four
streams against one at equal width, with paired seeds. Trainings that are in the file are not run
again.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from scipy import stats

from nas.architecture import Architecture, Size, from_document, key, preset, to_document
from nas.architecture.fields import Value
from nas.cost import cost
from nas.cost.match import match
from nas.data import load_dataset
from nas.errors import UserError
from nas.models import build
from nas.training import load_recipe
from nas.training.evaluation import score_reid
from nas.training.loop import Trainer

DATA, RECIPE = "synthetic", "standard"
MACS, BAND = 8_000_000, 1.15
BASE = "osnet_x0_25"
STEMS, DEPTHS, BOTTLENECKS = ("conv3", "conv7"), (1, 2), (2, 4, 8)
Choices = dict[str, tuple[Value, ...]]
OSNET: Choices = {
    "streams": (1, 2, 3, 4),
    "gate": ("none", "fixed", "streamwise", "separate", "unified"),
    "fusion": ("add", "concat"),
    "convolution": ("lite", "full"),
}
KINDS: tuple[Choices, ...] = (
    *[{"family": ("osnet",), **OSNET}] * 8,
    {"family": ("inception",)},
    {"family": ("resnext",), "cardinality": (8, 32)},
    {"family": ("se",), "reduction": (4, 16)},
    {"family": ("se",), "reduction": (0,)},
)
PAIRS = 5  # seeds of four streams against one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("default-set.csv"))
    options = parser.parse_args()
    chosen = drawn()
    narrow, wide = (osnet(streams) for streams in (1, 4))
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


def drawn() -> dict[str, Architecture]:
    """One architecture of each of KINDS, by what it is in words."""
    random = np.random.default_rng(0)

    def pick(values: Sequence[Value]) -> Value:
        return values[int(random.integers(len(values)))]

    found: dict[str, Architecture] = {}
    for kind in KINDS:
        own = None
        while own is None or key(own) in map(key, found.values()):
            block = {name: pick(values) for name, values in kind.items()}
            block["bottleneck"] = pick(BOTTLENECKS)
            own = matched(network(pick(STEMS), pick(DEPTHS), block))
        words = ", ".join(f"{name} {value}" for name, value in block.items() if name != "family")
        name = f"{block['family']} of {words}, depth {own.stages[0].depth}, {own.stem}"
        found[f"{name}, width {own.width:.3f}"] = own
    macs = [cost(own).macs for own in found.values()]
    if max(macs) > BAND * min(macs):
        raise RuntimeError(f"not matched: {min(macs):,} to {max(macs):,} macs")
    return found


def matched(architecture: Architecture) -> Architecture | None:
    """At the width that has MACS; None where none comes near."""
    try:
        return match(architecture, MACS)
    except UserError:
        return None


def osnet(streams: int) -> Architecture:
    """OSNet's block with so many streams, at the width of the base."""
    return network("conv3", 1, {"family": "osnet", "streams": streams})


def network(stem: Value, depth: Value, block: Mapping[str, Value]) -> Architecture:
    document = to_document(preset(BASE).resized(Size(64, 32)))
    document["stem"]["kind"] = stem
    document["stages"] = [
        {"channels": own["channels"], "downsample": own["downsample"], "depth": depth, **block}
        for own in document["stages"]
    ]
    return from_document(document)


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
