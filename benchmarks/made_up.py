"""Tables of made-up trainings, for a space that is too large to train in full.

A true score is in part what the cost says and in part the architecture's own, made up of effects of
its parameters and of pairs of them. What is its own shows early only in part: after epoch 4 it
correlates by 0.85 with what it is at full length, and more and more from there on. A training's
luck lasts: from one epoch to the next it correlates by 0.8.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from search_efficiency import SPREAD, effects

from nas.architecture import key
from nas.search.replay import Table
from nas.space import Space, load_space
from nas.space.points import Points

SPACE = Path(__file__).parent / "made-up.yaml"
KINDS = {"made-up": (0.5, 0.7), "made-up-by-cost": (0.8, 1.0)}
"""The share of the true scores' variance that the cost explains; the deviation of the noise at full
length, over that of what it does not explain."""
EPOCHS, SEEDS = 27, 3
PAIRS = 0.2  # strength of the effects of pairs
EARLY = 0.85  # correlation of what is an architecture's own after epoch 4 and at full length
LASTING = 0.8  # correlation of a training's luck from one epoch to the next


@lru_cache
def architectures() -> tuple[Space, Points, tuple[str, ...]]:
    space = load_space(SPACE)
    points = space.table.points(space.table.distinct)
    keys = (key(space.architecture(points.point(row))) for row in range(len(points)))
    return space, points, tuple(keys)


def made_up(kind: str, seed: int) -> Table:
    """The table of a seed; the mean over its own seeds at full length is the true score."""
    explained, noise = KINDS[kind]
    space, points, keys = architectures()
    random = np.random.default_rng(seed)
    logs = standard(np.log10(points.costs["macs"]))
    by_cost = np.sqrt(explained) * standard(logs - 0.15 * logs**2)
    at_last, at_first = (
        np.sqrt(1 - explained)
        * apart(effects(points.codes, space.table.shape, PAIRS, random), logs)
        for _ in range(2)
    )
    luck = random.normal(size=(len(keys), SEEDS, EPOCHS))
    for epoch in range(1, EPOCHS):
        luck[:, :, epoch] *= np.sqrt(1 - LASTING**2)
        luck[:, :, epoch] += LASTING * luck[:, :, epoch - 1]
    left = (EPOCHS - 1 - np.arange(EPOCHS)) / (EPOCHS - 1)  # of the training after each epoch
    like = 1 - (1 - EARLY) * left * (EPOCHS - 1) / (EPOCHS - 4)
    own = by_cost[:, None] + like * at_last[:, None] + np.sqrt(1 - like**2) * at_first[:, None]
    scale = noise * np.sqrt(1 - explained) * (1 + 0.1 * left)
    scores = own[:, None] + scale * luck
    scores[:, :, -1] += (own[:, -1] - scores[:, :, -1].mean(axis=1))[:, None]
    rise = 1 - np.exp(-np.arange(1, EPOCHS + 1) / 5)
    costs = {name: np.asarray(points.costs[name], dtype=float) for name in ("macs", "params")}
    seconds = np.ones(scores.shape)
    return Table(space, keys, 0.8 * rise + SPREAD * scores, seconds, 2400, costs)


def standard(values: np.ndarray) -> np.ndarray:
    """With mean 0 and deviation 1."""
    found: np.ndarray = (values - values.mean()) / values.std()
    return found


def apart(values: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """What a parabola in the log of the cost leaves of them, `standard`."""
    own: np.ndarray = values - np.polyval(np.polyfit(logs, values, 2), logs)
    return standard(own)
