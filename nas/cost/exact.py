"""Exact cost, from the layers alone: no network is built and nothing is run.

Conventions, as in the OSNet paper: `macs` are the multiply-accumulates of convolutions and linear
layers for one image in eval mode, without biases and without the classifier; `params` are trainable
parameters, each counted once, without the classifier. `activation_bytes` is the largest sum, over
operators, of input and output bytes at batch 1 in float32. Smaller is better for all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from math import prod

import numpy as np

from nas.architecture import Architecture, Layer, Part, Shape, lower, preset

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Cost:
    """What running a network, or a part of it, takes."""

    macs: int
    params: int
    activation_bytes: int

    def __add__(self, other: Cost) -> Cost:
        """The cost of two parts, one after the other."""
        return Cost(
            self.macs + other.macs,
            self.params + other.params,
            max(self.activation_bytes, other.activation_bytes),
        )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


COSTS = ("macs", "params", "activation_bytes")
LATENCY = "latency_ms"  # of a device: measured, or predicted from parts that were measured
MEASURED = (LATENCY,)  # costs that are not exact
ALL_COSTS = (*COSTS, *MEASURED)


def joined(name: str) -> np.ufunc:
    """How the costs of parts make the whole's, as numpy's function: `Cost.__add__` for arrays."""
    return np.maximum if name == "activation_bytes" else np.add


# operators of ours that do no multiply-accumulates
WEIGHTLESS = {
    "add", "avg_pool", "concat", "flatten", "global_pool", "max_pool", "relu", "scale", "sigmoid",
}  # fmt: skip
FREE = WEIGHTLESS | {"batch_norm", "batch_norm1d", "instance_norm", "learned_scale"}


def cost(architecture: Architecture) -> Cost:
    """The exact cost of the network."""
    total = Cost(0, 0, 0)
    for placed in lower(architecture):
        total += part_cost(placed.part)
    return total


def cost_of(architecture: Architecture | str) -> dict[str, int]:
    """macs, params and activation_bytes of an architecture, or of a preset by its name; exact.

    In microseconds: `profile` builds the network and has other counters look at it.
    """
    return cost(preset(architecture)).as_dict()


@cache
def part_cost(part: Part) -> Cost:
    """The exact cost of one part."""
    sizes = [prod(layer.shape) for layer in part.layers] + [prod(part.input)]  # -1: the input
    macs = params = largest = 0
    seen: set[str] = set()
    for layer, size in zip(part.layers, sizes, strict=False):
        largest = max(largest, size + sum(sizes[i] for i in layer.inputs))
        if layer.op in WEIGHTLESS:
            continue
        inputs = part.input_shapes(layer)
        macs += layer_macs(layer, inputs)
        if not layer.name or layer.name not in seen:  # shared weights count once
            seen.add(layer.name)
            params += layer_params(layer, inputs)
    return Cost(macs, params, FLOAT32_BYTES * largest)


def layer_params(layer: Layer, inputs: list[Shape]) -> int:
    """Trainable parameters of one layer that reads tensors of these shapes."""
    if layer.op == "conv":
        conv = layer.numbers()
        own = conv["inputs"] // conv["groups"] * conv["kernel"] ** 2
        return conv["outputs"] * (own + conv["bias"])
    if layer.op == "linear":
        return layer.get("outputs") * (layer.get("inputs") + layer.get("bias"))
    if layer.op in ("batch_norm", "instance_norm", "batch_norm1d"):
        return 2 * layer.get("channels")
    if layer.op == "learned_scale":
        return layer.get("channels")
    return 0 if layer.op in FREE else _measured(layer, inputs)[1]


def layer_macs(layer: Layer, inputs: list[Shape]) -> int:
    """Multiply-accumulates of one layer for one image; 0 but for convolutions and linear layers."""
    if layer.op == "conv":
        conv = layer.numbers()
        return prod(layer.shape) * (conv["inputs"] // conv["groups"]) * conv["kernel"] ** 2
    if layer.op == "linear":
        return layer.get("outputs") * layer.get("inputs")
    return 0 if layer.op in FREE else _measured(layer, inputs)[0]


def _measured(layer: Layer, inputs: list[Shape]) -> tuple[int, int]:
    """macs and params of an operator of a plug-in, from its module."""
    from nas.models.layers import measure

    return measure(layer, tuple(inputs))
