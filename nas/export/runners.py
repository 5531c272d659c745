"""Running what was written: images in, outputs by name, whatever the file is."""

from __future__ import annotations

import numpy as np
import torch

from nas.architecture import Size
from nas.cost.latency import alone, time_runs
from nas.models import Network
from nas.models.deployed import Floats, Runner

TOLERANCE = 1e-4
BATCHES = (1, 7)


def network_runner(model: Network) -> Runner:
    """The network itself, in eval mode: the embedding, and the logits where it has a classifier."""

    def run(images: Floats) -> dict[str, Floats]:
        with torch.inference_mode():
            embedding = model.embed(torch.from_numpy(images))
            found = {"embedding": embedding.numpy()}
            if model.classifier is not None:
                found["logits"] = model.classifier(embedding).numpy()
        return found

    return run


def largest_difference(expected: Runner, found: Runner, size: Size) -> float:
    """max |found - expected| / max |expected| over the outputs of `found`, at batch 1 and 7.

    On random images of `size`. Infinite where an output is not a finite number.
    """
    worst = 0.0
    for count in BATCHES:
        images = np.random.default_rng(count).standard_normal((count, 3, *size), dtype=np.float32)
        wanted = expected(images)
        for name, value in found(images).items():
            if value.shape != wanted[name].shape or not np.isfinite(value).all():
                return float("inf")
            scale = max(float(np.abs(wanted[name]).max()), float(np.finfo(np.float32).tiny))
            worst = max(worst, float(np.abs(value - wanted[name]).max()) / scale)
    return worst


def latency_ms(run: Runner, size: Size) -> float:
    """Median milliseconds of one image, measured as `nas.cost.latency` does."""
    image = np.zeros((1, 3, *size), dtype=np.float32)
    with alone():
        return time_runs(lambda: run(image), seconds=2.0).p50_ms
