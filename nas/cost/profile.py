"""What one network costs, part by part, with the counters of other libraries beside it."""

from __future__ import annotations

from typing import Any

from nas.architecture import Architecture, key, lower, preset
from nas.cost.backends import Setting
from nas.cost.counters import SHOWN, raw_counts
from nas.cost.exact import cost, part_cost
from nas.cost.latency import measure_latency
from nas.cost.parts import PartTable
from nas.cost.reconcile import DIFFERENCES, reconcile


def latency_profile(
    architecture: Architecture, setting: Setting, table: PartTable | None = None
) -> dict[str, Any]:
    """Plain data: the setting, the latency measured in it, and `predicted_ms` by a table of parts.

    The table may be of another device: what is measured is this one.
    """
    predicted = {}
    if table is not None:  # first: it may lack a part
        predicted = {"table": dict(table.setting), "predicted_ms": table.latency(architecture)}
    measured = measure_latency(architecture, setting).as_dict()
    return {"setting": setting.record(), **measured, **predicted}


def profile(architecture: Architecture | str, *, reconciled: bool = False) -> dict[str, Any]:
    """Plain data: input, key, the cost, `parts` (which add up to it) and `counters`, raw.

    architecture: itself, or the name of a preset. With `reconciled`, that too: each counter with
    its differences to our macs, by name.
    """
    from nas.models import build

    architecture = preset(architecture)
    parts = [
        {
            "part": placed.name,
            "output": "x".join(map(str, placed.part.output)),
            **part_cost(placed.part).as_dict(),
        }
        for placed in lower(architecture)
    ]
    raw = raw_counts(build(architecture), tuple(DIFFERENCES) if reconciled else SHOWN)
    found = {
        "input": str(architecture.input),
        "key": key(architecture),
        **cost(architecture).as_dict(),
        "counters": {name: raw[name] for name in SHOWN},
        "parts": parts,
    }
    if reconciled:
        found["reconciled"] = reconcile(architecture, raw)["counters"]
    return found
