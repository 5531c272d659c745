"""Costs that are known before an architecture is trained.

The exact ones; and, with a table of parts that were measured on a device, the latency there as the
sum of parts: a prediction, but the same one for every architecture.
"""

from __future__ import annotations

from dataclasses import replace
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
SAMPLE = 20_000  # members of a large space, of which the range of latency is


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
    """The least and the largest of each cost over the space, by name; as `Space.cost_range`."""
    found: dict[str, tuple[float, float]] = dict(space.cost_range())
    if latency is not None:
        own = latencies(space.members(space.raw_points if space.listable else SAMPLE), latency)
        found[LATENCY] = (float(own.min()), float(own.max()))
    return found


def parts_to_measure(space: Space) -> list[Part]:
    """The distinct parts of the space's architectures, those that may be of one where it is too
    large to be listed; and of its baselines."""
    if space.listable:
        found = parts_of(space.members(space.raw_points))
    else:
        labels = (label for slot in space.columns.slots for label in slot.labels)
        found = [label for label in labels if isinstance(label, Part)]
    found += [placed.part for _, own in space.baselines for placed in lower(own)]
    return list({part_key(part): part for part in found}.values())


def table_for(space: Space, latency: str | Path | PartTable) -> PartTable:
    """The table, or that of a file; UserError where it lacks parts of the space's architectures."""
    found = latency if isinstance(latency, PartTable) else read_table(latency)
    lacking = found.missing([NOTHING, *parts_to_measure(replace(space, baselines=()))])
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
