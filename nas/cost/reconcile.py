"""Why other counters count more: every difference by name, predicted from the layers.

What is left after all named differences is the remainder; it is 0 for every network of ours, and
what is not 0 would be a difference that is not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from nas.architecture import Architecture, Layer, Shape, lower
from nas.cost.counters import raw_counts
from nas.cost.exact import layer_macs

Term = Callable[[Layer, list[Shape]], int]
"""(a layer, the shapes that it reads) to what a counter counts for it besides our macs."""


def _elements(times: int, *ops: str) -> Term:
    return lambda layer, inputs: times * prod(layer.shape) if layer.op in ops else 0


def _pool_inputs(layer: Layer, inputs: list[Shape]) -> int:
    return prod(inputs[0]) if layer.op == "global_pool" else 0


def _pool_sums(layer: Layer, inputs: list[Shape]) -> int:
    """One addition an input and one division an output."""
    return prod(inputs[0]) + prod(layer.shape) if layer.op == "global_pool" else 0


DIFFERENCES: dict[str, dict[str, Term]] = {
    "fvcore": {
        "batch norm, 2 an element": _elements(2, "batch_norm", "batch_norm1d"),
        "instance norm, 5 an element": _elements(5, "instance_norm"),
        "global pooling, 1 an input": _pool_inputs,
    },
    "thop": {
        "batch norm, 4 an element": _elements(4, "batch_norm", "batch_norm1d"),
        "instance norm, 4 an element": _elements(4, "instance_norm"),
        "mean pooling, 1 an output": _elements(1, "avg_pool"),
        "global pooling, 1 an input and 1 an output": _pool_sums,
    },
    "torch": {"a multiplication and an addition each": layer_macs},
}


def reconcile(
    architecture: Architecture, raw: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, Any]:
    """Our macs, and for each counter its raw total, its named differences, and the remainder.

    raw: what `raw_counts` found for all of them; by default the counters are run here, on one image
    of zeros.
    """
    from nas.models import build

    raw = raw or raw_counts(build(architecture), tuple(DIFFERENCES))
    layers = [
        (layer, placed.part.input_shapes(layer))
        for placed in lower(architecture)
        for layer in placed.part.layers
    ]
    macs = sum(layer_macs(layer, shapes) for layer, shapes in layers)
    counters: dict[str, Any] = {}
    for name, terms in DIFFERENCES.items():
        found = {
            what: sum(term(layer, shapes) for layer, shapes in layers)
            for what, term in terms.items()
        }
        total = raw[name]["total"]
        counters[name] = {
            "total": total,
            "differences": found,
            "remainder": total - macs - sum(found.values()),
        }
    return {"macs": macs, "counters": counters}


def by_operator(architecture: Architecture) -> list[dict[str, Any]]:
    """Rows of operator, layers, macs, and what each counter counts for it, largest macs first."""
    rows: dict[str, dict[str, Any]] = {}
    for placed in lower(architecture):
        for layer in placed.part.layers:
            shapes = placed.part.input_shapes(layer)
            macs = layer_macs(layer, shapes)
            row = rows.setdefault(layer.op, {"operator": layer.op, "layers": 0, "macs": 0})
            row["layers"] += 1
            row["macs"] += macs
            for name, terms in DIFFERENCES.items():
                more = sum(term(layer, shapes) for term in terms.values())
                row[name] = row.get(name, 0) + macs + more
    return sorted(rows.values(), key=lambda row: -row["macs"])


def by_layer(architecture: Architecture) -> list[dict[str, Any]]:
    """Rows of part, layer (its weights' name), operator, output shape, macs."""
    return [
        {
            "part": placed.name,
            "layer": f"{placed.prefix}.{layer.name}" if layer.name else "",
            "operator": layer.op,
            "output": "x".join(map(str, layer.shape)),
            "macs": layer_macs(layer, placed.part.input_shapes(layer)),
        }
        for placed in lower(architecture)
        for layer in placed.part.layers
    ]
