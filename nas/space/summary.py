"""What a space contains, in figures: for `space show`, and for people who plan a search."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas.cost import COSTS
from nas.space.points import Points

if TYPE_CHECKING:
    from nas.space.columns import Columns
    from nas.space.space import Parameter, Space

SHOWN = ("macs", "params")
BINS = 30
EFFECT_POINTS = 4000


def summarise(space: Space) -> dict[str, Any]:
    """Plain data: parameters, counts, what constraints remove, costs, and effects on them.

    Figures that rest on samples (of spaces too large to list) are marked by `sampled`, the number
    of uniform samples; 0 means that every architecture was looked at. not_built: a reason for which
    points can not be built, None where all can.
    """
    count = space.count()
    members = space.members(limit=20_000 if not space.listable else space.raw_points)
    return {
        "space": space.name,
        "about": space.about,
        "base_input": str(space.base.input),
        "hash": space.hash(),
        "raw_points": space.raw_points,
        "distinct": count.value,
        "distinct_interval": None if count.exact else [count.low, count.high],
        "distinct_text": str(count),
        "not_built": next(iter(space.columns.refusals()), None),
        "sampled": 0 if space.listable else len(members),
        "parameters": [_parameter(parameter) for parameter in space.parameters],
        "constraints": _removed(space),
        "costs": {name: _cost(members.costs[name]) for name in COSTS},
        "effects": effects(space),
    }


def effects(space: Space) -> list[dict[str, Any]]:
    """How far each parameter moves each cost, all else equal.

    For each value the mean cost over raw points that can be built, whatever the constraints; over
    all of them where they can be listed, else over uniform ones with this one value set. ratio:
    the largest mean over the smallest. A parameter is left out where none of these can be built.
    """
    found = []
    for axis, index in enumerate(space.columns.axes):
        parameter = space.parameters[index]
        means = _listed(space, axis) if space.listable else _drawn(space.columns, axis)
        if all(map(math.isnan, means["macs"])):
            continue
        entry: dict[str, Any] = {"parameter": parameter.name}
        for name in SHOWN:
            by_value = zip(parameter.values, means[name], strict=True)
            kept = {str(value): mean for value, mean in by_value if not math.isnan(mean)}
            entry[name] = {"means": kept, "ratio": max(kept.values()) / min(kept.values())}
        found.append(entry)
    return sorted(found, key=lambda entry: -entry["macs"]["ratio"])


def _listed(space: Space, axis: int) -> dict[str, list[float]]:
    """Mean cost by value over the table."""
    others = tuple(i for i in range(len(space.table.shape)) if i != axis)
    number = space.table.buildable.sum(axis=others)
    with np.errstate(invalid="ignore"):
        return {
            name: (
                space.table.costs[name].sum(axis=others, where=space.table.buildable) / number
            ).tolist()
            for name in SHOWN
        }


def _drawn(columns: Columns, axis: int) -> dict[str, list[float]]:
    """Mean cost by value over EFFECT_POINTS random raw points, the same ones for each value."""
    random = np.random.Generator(np.random.PCG64(0))
    codes = np.stack([random.integers(size, size=EFFECT_POINTS) for size in columns.shape], axis=1)
    found: dict[str, list[float]] = {name: [] for name in SHOWN}
    for value in range(columns.shape[axis]):
        codes[:, axis] = value
        points = Points(columns, codes)
        for name in SHOWN:
            costs = points.costs[name][points.buildable]
            found[name].append(float(costs.mean()) if len(costs) else float("nan"))
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {"name": parameter.name, "values": list(parameter.values)}
    if parameter.weights:
        found["weights"] = list(parameter.weights)
    if parameter.when_text:
        found["when"] = parameter.when_text
    return found


def _removed(space: Space) -> list[dict[str, Any]]:
    """The share of what can be built that each constraint removes, alone.

    Of raw points where they can be listed; else of uniform samples of distinct architectures, among
    those that meet the constraints on fields (these shares are then not known).
    """
    if space.listable:
        table = space.table
        total = int(table.buildable.sum())
        left = (
            int((table.satisfied(i) & table.buildable).sum()) for i in range(len(space.constraints))
        )
        return [
            {"text": c.text, "removes": 1 - n / max(total, 1)}
            for c, n in zip(space.constraints, left, strict=True)
        ]
    points = space.factored.samples
    return [
        {
            "text": c.text,
            "removes": 1 - float(points.satisfied(i).mean()) if c.needs_cost() else None,
        }
        for i, c in enumerate(space.constraints)
    ]


def _cost(values: NDArray[np.int64]) -> dict[str, Any]:
    """Range, median and a histogram on a log axis."""
    low, high = int(values.min()), int(values.max())
    edges = np.geomspace(low, max(high, low + 1), BINS + 1)
    counts, _ = np.histogram(values, bins=edges)
    return {
        "min": low,
        "median": int(np.median(values)),
        "max": high,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }
