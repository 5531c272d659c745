"""What a space contains, in figures: for `space show`, and for people who plan a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas.cost import COSTS

if TYPE_CHECKING:
    from nas.space.points import Points
    from nas.space.space import Parameter, Space

SHOWN = ("macs", "params")
BINS = 30


def summarise(space: Space) -> dict[str, Any]:
    """Plain data: parameters, counts, what constraints remove, costs, and effects on them.

    Figures that rest on samples (of spaces too large to list) are marked by `sampled`, the number
    of uniform samples; 0 means that every architecture was looked at.
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
        "sampled": 0 if space.listable else len(members),
        "parameters": [_parameter(parameter) for parameter in space.parameters],
        "constraints": _removed(space),
        "costs": {name: _cost(members.costs[name]) for name in COSTS},
        "effects": effects(space, members),
    }


def effects(space: Space, members: Points) -> list[dict[str, Any]]:
    """How far each parameter moves each cost: the mean cost by value, and the ratio of extremes."""
    found = []
    for axis, index in enumerate(members.columns.axes):
        parameter = space.parameters[index]
        codes = members.codes[:, axis]
        entry: dict[str, Any] = {"parameter": parameter.name}
        for name in SHOWN:
            means = {
                str(value): float(members.costs[name][codes == code].mean())
                for code, value in enumerate(parameter.values)
                if (codes == code).any()
            }
            entry[name] = {"means": means, "ratio": max(means.values()) / min(means.values())}
        found.append(entry)
    return sorted(found, key=lambda entry: -entry["macs"]["ratio"])


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
        left = [int((table.satisfied(i) & table.buildable).sum()) for i in _indices(space)]
        return [
            {"text": c.text, "removes": 1 - n / max(total, 1)}
            for c, n in zip(space.constraints, left, strict=True)
        ]
    points = space.factored.sample(20_000, seed=0)
    return [
        {
            "text": c.text,
            "removes": 1 - float(points.satisfied(i).mean()) if c.needs_cost() else None,
        }
        for i, c in enumerate(space.constraints)
    ]


def _indices(space: Space) -> range:
    return range(len(space.constraints))


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
