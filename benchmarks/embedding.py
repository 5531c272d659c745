"""Images a second that a CPU embeds, by the number of images in a batch.

    python benchmarks/embedding.py [--network osnet_x1_0] [--size 256x128] [--threads 2]

As `evaluate` does it, in float32. Each measurement is a process of its own, for the heap that one
batch leaves serves the next; by turns, and the best of the rounds counts, for other processes only
ever take time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import torch

from nas.architecture import Size, preset
from nas.models import build
from nas.training.evaluation import batch_size, embed_batch

IMAGES, BATCHES = 128, (1, 2, 4, 8, 16, 32, 64, 128)


def measure(network: str, size: Size, batch: int) -> None:
    """Print images a second, peak memory in GB, and the number in a batch that `evaluate` takes."""
    model = build(preset(network).resized(size), 2)
    pixels = np.random.default_rng(0).integers(0, 256, (batch, *size, 3), dtype=np.uint8)
    embed_batch(model, pixels)
    started = time.perf_counter()
    for _ in range(IMAGES // batch):
        embed_batch(model, pixels)
    speed = IMAGES / (time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(speed, peak, batch_size(model))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="osnet_x1_0")
    parser.add_argument("--size", type=Size.parse, default="256x128")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=int, metavar="BATCH", help="one measurement, as numbers")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    if asked.one:
        measure(asked.network, asked.size, asked.one)
        return
    best = dict.fromkeys(BATCHES, (0.0, 0.0, 0.0))
    for _ in range(asked.rounds):
        for batch in BATCHES:
            command = [sys.executable, __file__, *sys.argv[1:], "--one", str(batch)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            speed, peak, own = map(float, done.stdout.split())
            best[batch] = max(best[batch], (speed, peak, own))
    print(f"{asked.network} at {asked.size}, threads: {asked.threads}")
    for batch, (speed, peak, own) in best.items():
        ours = "  <- evaluate" if batch == own else ""
        print(f"  batch {batch:3}: {speed:7.1f} images a second, peak {peak:.2f} GB{ours}")


if __name__ == "__main__":
    main()
