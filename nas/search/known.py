"""Costs that are known before an architecture is trained.

The exact ones; and, with a table of parts that were measured on a device, the latency there as the
sum of parts: a prediction, but the same one for every architecture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Architecture, Part, lower
from nas.architecture.canonical import digest, part_key
from nas.cost import cost
from nas.cost.parts import NOTHING, PartTable, read_table
from nas.cost.table import latencies, parts_of
from nas.errors import UserError
from nas.space import Space
from nas.space.points import Points

LATENCY = "latency_ms"


def known_costs(architecture: Architecture, latency: PartTable | None = None) -> dict[str, float]:
    """All of them, by name; without latency where the table has not all parts."""
    found: dict[str, float] = dict(cost(architecture).as_dict())
    if latency is not None and latency.has(architecture):
        found[LATENCY] = latency.latency(architecture)
    return found


def costs_of_points(
    points: Points, name: str, latency: PartTable | None = None
) -> NDArray[np.floating | np.integer]:
    """That cost of each point: (n,)."""
    if name == LATENCY:
        assert latency is not None
        return latencies(points, latency)
    return points.costs[name]


def known_range(space: Space, latency: PartTable | None = None) -> dict[str, tuple[float, float]]:
    """The least and the largest of each cost over the space, by name; as `Space.cost_range`.

    Of the latency of a space that is too large to be listed, bounds: of sums of parts that may not
    come together.
    """
    found: dict[str, tuple[float, float]] = dict(space.cost_range())
    if latency is None:
        return found
    if space.listable:
        own = latencies(space.members(space.raw_points), latency)
        return found | {LATENCY: (float(own.min()), float(own.max()))}
    low = high = latency.call
    for slot in space.columns.slots:
        each = [latency.of(x) if isinstance(x, Part) else 0.0 for x in slot.labels]
        low, high = low + min(each), high + max(each)
    return found | {LATENCY: (low, high)}


def parts_to_measure(space: Space) -> list[Part]:
    """The distinct parts of the space's architectures and of its baselines."""
    beside = [placed.part for _, own in space.baselines for placed in lower(own)]
    return list({part_key(part): part for part in [*own_parts(space), *beside]}.values())


def own_parts(space: Space) -> list[Part]:
    """The parts of the space's architectures; those that may be of one where it is too large to be
    listed."""
    if space.listable:
        return parts_of(space.members(space.raw_points))
    labels = (label for slot in space.columns.slots for label in slot.labels)
    return [label for label in labels if isinstance(label, Part)]


def table_for(space: Space, latency: str | Path | PartTable) -> PartTable:
    """The table, or that of a file; UserError where it lacks parts of the space's architectures."""
    found = latency if isinstance(latency, PartTable) else read_table(latency)
    lacking = found.missing([NOTHING, *own_parts(space)])
    if lacking:
        raise UserError(
            f"--latency-table: it has not {len(lacking)} of the parts of {space.name}; make it on "
            "the device with `latency SPACE --out FILE`"
        )
    return found


def noted(latency: PartTable) -> dict[str, object]:
    """What a run says of the table: the setting that it was measured in, and a digest of its
    numbers."""
    numbers = digest(*sorted(latency.p50_ms.items()), size=8).hex()
    return {**latency.setting, "parts": numbers}
