"""A space on a device that is not here: its latency as one more cost that is known before training.

It is predicted as a sum of parts that were measured there: not exact, but the same number for an
architecture each time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nas.architecture import Part, lower
from nas.architecture.canonical import part_key
from nas.cost.parts import NOTHING, PartTable, read_table
from nas.cost.table import parts_of
from nas.errors import UserError
from nas.space.space import Space


def on_device(space: Space, latency: str | Path | PartTable) -> Space:
    """The space with latency_ms as a cost, by a table of parts (or its file) of that device.

    UserError where the table lacks parts of the space's architectures.
    """
    table = read_table(latency)
    exact = tuple(c for c in space.constraints if not c.needs_device())
    lacking = table.missing([NOTHING, *_own_parts(replace(space, constraints=exact))])
    if lacking:
        raise UserError(
            f"--latency-table: it has not {len(lacking)} of the parts of {space.name}; make it on "
            "the device with `latency SPACE --out FILE`"
        )
    return replace(space, latency=table)


def parts_to_measure(space: Space) -> list[Part]:
    """The distinct parts of the space's architectures and of its baselines."""
    beside = [placed.part for _, own in space.baselines for placed in lower(own)]
    return list({part_key(part): part for part in [*_own_parts(space), *beside]}.values())


def _own_parts(space: Space) -> list[Part]:
    """The parts of the space's architectures; those that may be of one where it is too large to be
    listed."""
    if space.listable:
        return parts_of(space.members(space.raw_points))
    labels = (label for slot in space.columns.slots for label in slot.labels)
    return [label for label in labels if isinstance(label, Part)]
