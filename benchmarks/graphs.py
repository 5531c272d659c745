"""Images a second of training on a GPU, with CUDA graphs and without.

    python benchmarks/graphs.py [--networks osnet_x0_25,osnet_x1_0] [--size 256x128] [--batch 64]
        [--steps 40] [--rounds 2]

The same Trainer on random images in memory, in bfloat16 where the GPU computes in it, in turns;
the median step of each round, and of the rounds the best.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from nas.architecture import Size, preset
from nas.data import Images
from nas.models import build
from nas.training.loop import Step, Trainer, default_device
from nas.training.recipe import Recipe

CLASSES, WARM = 64, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default="osnet_x0_25,osnet_x1_0")
    parser.add_argument("--size", type=Size.parse, default="256x128")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    if default_device().type != "cuda":
        parser.error("there is no GPU here")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    shape = (4 * asked.batch, *asked.size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    images = Images(pixels, np.arange(len(pixels)) % CLASSES)
    for name in asked.networks.split(","):
        best = {True: 0.0, False: 0.0}
        for _ in range(asked.rounds):
            for graphs in best:
                best[graphs] = max(best[graphs], speed(name, asked, images, graphs=graphs))
        print(
            f"{name} at {asked.size}, batch {asked.batch}: {best[True]:.0f} images a second with "
            f"graphs, {best[False]:.0f} without: {best[True] / best[False]:.2f} times",
            flush=True,
        )


def speed(name: str, asked: argparse.Namespace, images: Images, *, graphs: bool) -> float:
    recipe = Recipe(name="benchmark", epochs=1, batch=asked.batch, lr=1e-3, crop=4, average=0.98)
    network = build(preset(name).resized(asked.size), CLASSES)
    trainer = Trainer(network, recipe, seed=0, graphs=graphs)
    times: list[float] = []

    def watch(step: Step) -> None:
        times.append(time.perf_counter())

    trainer.train(images, -(-(WARM + asked.steps) // 4), watch=watch)
    return float(asked.batch / np.median(np.diff(times)[WARM:]))


if __name__ == "__main__":
    main()
