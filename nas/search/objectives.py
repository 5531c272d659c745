"""Objectives, and which trials are the front: not beaten in every objective by another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nas.arguments import several
from nas.cost import ALL_COSTS
from nas.errors import UserError, brief, meant

SCORE = "score"
METRICS = ("mAP", "top1")
"""What the score is, by the task."""


def parse_objectives(text: str | Sequence[str]) -> tuple[str, ...]:
    """Read `score,macs`: the score, which is maximised, and one or two costs, minimised.

    A list of these names is taken too. UserError for anything else.
    """
    given = text.split(",") if isinstance(text, str) else map(str, several(text))
    names = tuple(name.strip() for name in given)
    valid = set(names) <= {SCORE, *ALL_COSTS} and SCORE in names and len(set(names)) == len(names)
    if not valid or not 2 <= len(names) <= 3:
        costs = ", ".join(ALL_COSTS)
        unknown = [name for name in names if name not in (SCORE, *ALL_COSTS)]
        near = meant(unknown[0], ALL_COSTS) if unknown else ""
        raise UserError(
            f"--objectives: {brief(text)} is not score and one or two of {costs}, "
            f"as score,macs{near}"
        )
    return names


def metric_of(names: Collection[str]) -> str:
    """Which of the names of scores the score is; SCORE where none is known."""
    return next((name for name in METRICS if name in names), SCORE)


def values(row: Mapping[str, float], objectives: Sequence[str]) -> list[float]:
    """The objectives' values in a trial's row, in their order."""
    return [float(row[name]) for name in objectives]


def front_mask(points: Sequence[Sequence[float]], objectives: Sequence[str]) -> NDArray[np.bool_]:
    """Which of n points (n, objectives) are non-dominated; of equal points all are. bool (n,)."""
    import moocore

    if not len(points):
        return np.zeros(0, dtype=bool)
    maximise = [name == SCORE for name in objectives]
    data = np.asarray(points, dtype=float)
    mask: NDArray[np.bool_] = moocore.is_nondominated(data, maximise=maximise, keep_weakly=True)
    return mask
