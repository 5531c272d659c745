"""Sampling with weights: each active value by its share of its parameter's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nas.errors import UserError
from nas.space.points import Points

if TYPE_CHECKING:
    from nas.space.space import Draw, Space

BATCH, BATCHES = 4096, 25


def sample_weighted(space: Space, draw: Draw) -> dict[str, Any]:
    """One valid point. UserError where no valid one is met in a hundred thousand draws.

    Every parameter is drawn by its weights (1 each where it has none), what is not valid is drawn
    again; an inactive parameter's draw does not matter, so only active weights count.
    """
    random = np.random.Generator(np.random.PCG64(draw(2**62)))
    columns = space.columns
    for _ in range(BATCHES):
        codes = np.zeros((BATCH, len(columns.axes)), dtype=np.int64)
        for axis, index in enumerate(columns.axes):
            parameter = space.parameters[index]
            weights = np.array(parameter.weights or [1.0] * len(parameter.values))
            codes[:, axis] = random.choice(len(weights), size=BATCH, p=weights / weights.sum())
        points = Points(columns, codes)
        valid = np.flatnonzero(points.valid)
        if len(valid):
            return points.point(int(valid[0]))
    if space.listable:
        _ = space.table.distinct  # says why, where it is empty
    raise UserError(f"{space.name}: no valid point in {BATCH * BATCHES:,} draws by its weights")
