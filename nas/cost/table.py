"""The cost of a whole space as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Part
from nas.architecture.canonical import part_key
from nas.cost.parts import PartTable
from nas.cost.receptive import Reach, part_reach

if TYPE_CHECKING:
    import pandas as pd


class Enumerable(Protocol):
    """What a space offers here; this package does not know spaces."""

    @property
    def parameters(self) -> Any: ...
    @property
    def raw_points(self) -> int: ...
    @property
    def listable(self) -> bool: ...
    def members(self, limit: int) -> Any: ...


def table(
    space: Enumerable, *, limit: int | None = None, latency: PartTable | None = None
) -> pd.DataFrame:
    """One row for each distinct valid architecture: its parameters, and its exact cost.

    Columns: a categorical one for each parameter that varies, then macs, params, activation_bytes
    and receptive_field: the side of the square of the image, in pixels and with its padding, that a
    value of the last map sees before it is pooled. With `latency`, latency_ms too, as the sum of
    parts. A space too large to list gives `limit` uniform samples (20,000 by default).
    """
    import pandas as pd

    members = space.members(limit or (space.raw_points if space.listable else 20_000))
    columns: dict[str, object] = {}
    for axis, index in enumerate(members.columns.axes):
        parameter = space.parameters[index]
        codes = members.codes[:, axis]
        kinds: pd.Index[Any] = pd.Index(parameter.values)
        columns[parameter.name] = pd.Categorical.from_codes(codes, kinds)
    columns |= members.costs | {"receptive_field": _fields(members)}
    if latency is not None:
        columns["latency_ms"] = latencies(members, latency)
    return pd.DataFrame(columns)


def parts_of(members: Any) -> list[Part]:
    """The distinct parts that the members of a space are made of."""
    found: list[Part] = []
    for slot in members.columns.slots:
        used = np.unique(members.ids(slot)).tolist()
        found += [slot.labels[i] for i in used if isinstance(slot.labels[i], Part)]
    return list({part_key(part): part for part in found}.values())


def _fields(members: Any) -> NDArray[np.int64]:
    field, jump = np.ones(len(members), dtype=np.int64), np.ones(len(members), dtype=np.int64)
    for slot in members.columns.slots[:-2]:  # the head pools over the whole image
        reaches = [part_reach(x) if isinstance(x, Part) else Reach(1, 1) for x in slot.labels]
        own = np.array(reaches, dtype=np.int64)[members.ids(slot)]
        field += (own[:, 0] - 1) * jump
        jump *= own[:, 1]
    return field


def latencies(members: Any, latency: PartTable) -> NDArray[np.float64]:
    """Milliseconds of each member of a space: (n,). UserError where the table lacks a part."""
    total = np.full(len(members), latency.call)
    for slot in members.columns.slots:
        used, inverse = np.unique(members.ids(slot), return_inverse=True)
        labels = [slot.labels[i] for i in used.tolist()]
        own = [latency.of(part) if isinstance(part, Part) else 0.0 for part in labels]
        total += np.array(own)[inverse]
    return total
