"""Time and peak memory of re-identification scores, at the sizes of two data sets.

    python benchmarks/evaluation.py [--threads 2]

Random embeddings of 512 values, which are the slowest case: matches lie anywhere, and all that is
nearer is counted. Re-ranking, at the smaller size. Then the ratio to sorting every row, at a size
where that does not take long. Each measurement is a process of its own; memory is its peak, with
torch and the embeddings. The processor's time, over all threads, is what a machine that does other
work too is judged by.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from nas.training.rerank import reranked_scores
from nas.training.retrieval import Ints, retrieval_scores

SIZES = {  # queries, gallery images, identities, cameras
    "market1501": (3_368, 15_913, 750, 6),
    "msmt17": (11_659, 82_161, 3_060, 15),
    "small": (500, 15_913, 750, 6),
}
Problem = tuple[Tensor, Tensor, Ints, Ints, Ints, Ints]


def problem(queries: int, images: int, identities: int, cameras: int) -> Problem:
    draw, torch_draw = np.random.default_rng(0), torch.Generator().manual_seed(0)
    query, gallery = (torch.randn(n, 512, generator=torch_draw) for n in (queries, images))
    ids = (draw.integers(1, identities + 1, n) for n in (queries, images))
    cams = (draw.integers(0, cameras, n) for n in (queries, images))
    return (query, gallery, *ids, *cams)  # type: ignore[return-value]


def by_sorting(
    query: Tensor, gallery: Tensor, q_ids: Ints, g_ids: Ints, q_cams: Ints, g_cams: Ints
) -> float:
    """mAP by a stable argsort of every row."""
    query, gallery = (torch.nn.functional.normalize(x) for x in (query, gallery))
    found = []
    for start in range(0, len(query), 256):
        part = slice(start, start + 256)
        order = (query[part] @ gallery.T).argsort(dim=1, descending=True, stable=True).numpy()
        same = g_ids[order] == q_ids[part, None]
        kept = ~(same & (g_cams[order] == q_cams[part, None]))
        match, rank = same & kept, kept.cumsum(axis=1)
        precision = match.cumsum(axis=1) / np.maximum(rank, 1) * match
        matches = match.sum(axis=1)
        found.append(precision.sum(axis=1)[matches > 0] / matches[matches > 0])
    return float(np.concatenate(found).mean())


WAYS: dict[str, Callable[..., float]] = {
    "counting": lambda *given: retrieval_scores(*given)["mAP"],
    "re-ranking": lambda *given: reranked_scores(*given)["mAP"],
    "sorting": by_sorting,
}


def measure(size: str, way: str, threads: int) -> None:
    """Print seconds, seconds of processor time, peak memory in GB, and mAP."""
    torch.set_num_threads(threads)
    given = problem(*SIZES[size])
    started, started_cpu = time.perf_counter(), time.process_time()
    score = WAYS[way](*given)
    seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(seconds, cpu, peak, score)


def measured(size: str, way: str, threads: int) -> tuple[float, float]:
    """Processor seconds and mAP, after telling everything."""
    command = [sys.executable, __file__, "--threads", str(threads), "--one", size, way]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, cpu, peak, score = map(float, done.stdout.split())
    queries, images = SIZES[size][:2]
    print(
        f"{size}, {queries:,} x {images:,}, by {way}: "
        f"{seconds:.2f} s ({cpu:.2f} s of processor time), peak {peak:.2f} GB"
    )
    return cpu, score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("SIZE", "WAY"), help="one of them, as numbers")
    asked = parser.parse_args()
    if asked.one:
        size, way = asked.one
        measure(size, way, asked.threads)
        return
    for size in ("market1501", "msmt17"):
        measured(size, "counting", asked.threads)
    measured("market1501", "re-ranking", asked.threads)
    slow, fast = (measured("small", way, asked.threads) for way in ("sorting", "counting"))
    if abs(slow[1] - fast[1]) > 1e-6:
        sys.exit(f"they disagree: mAP {slow[1]} and {fast[1]}")
    print(f"ratio: {slow[0] / fast[0]:.1f} times as fast as by sorting every row, the same mAP")


if __name__ == "__main__":
    main()
