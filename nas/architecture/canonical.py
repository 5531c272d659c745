"""The canonical form of a part: equal exactly when modules, shapes and wiring are equal.

A part is cut wherever a single tensor carries everything (the output of such a layer is all that
later layers see), so that it does not matter how a network was divided into parts. Each segment
between two cuts is hashed from its output back to its input: names do not count, the order of
summands does not, which layers share weights does.
"""

from __future__ import annotations

import itertools
from collections import Counter
from functools import cache
from hashlib import blake2b

from nas.architecture.graph import Attributes, Layer, Part

COMMUTATIVE = {"add"}


@cache
def segments(part: Part) -> tuple[bytes, ...]:
    """Hashes of the part's segments, in the order of computation."""
    bounds = [-1, *_cuts(part.layers)]
    return tuple(
        _segment_hash(part.layers, first, last) for first, last in itertools.pairwise(bounds)
    )


@cache
def part_key(part: Part) -> str:
    """16 hex digits, equal for two parts exactly when they are the same layers on one shape."""
    return digest(part.input, *(piece.hex() for piece in segments(part)), size=8).hex()


@cache
def _kind_text(op: str, attributes: Attributes) -> str:
    return f"{op}{attributes}"


def digest(*items: object, size: int = 16) -> bytes:
    """A hash of the items' text, the same on every machine."""
    return blake2b("\x1f".join(map(str, items)).encode(), digest_size=size).digest()


def _cuts(layers: tuple[Layer, ...]) -> list[int]:
    """Layers after which one tensor carries everything and no weights are shared across."""
    last_use = list(range(len(layers)))  # a layer's own position counts as a use
    input_last_use = -1
    weights_last_use: dict[str, int] = {}
    for position, layer in enumerate(layers):
        if layer.name:
            weights_last_use[layer.name] = position
        for i in layer.inputs:
            if i < 0:
                input_last_use = position
            else:
                last_use[i] = position
    cuts, busy_until = [], input_last_use
    for position, layer in enumerate(layers):
        if layer.name:
            busy_until = max(busy_until, weights_last_use[layer.name])
        if busy_until <= position:
            cuts.append(position)
        busy_until = max(busy_until, last_use[position])
    return cuts


def _segment_hash(layers: tuple[Layer, ...], first: int, last: int) -> bytes:
    """Hash of the layers in (first, last]; the tensor of layer `first` is the segment's input."""
    if last == first + 1:
        return digest(
            _kind_text(layers[last].op, layers[last].attributes), len(layers[last].inputs)
        )
    uses = Counter(layer.name for layer in layers[first + 1 : last + 1])
    kinds = {i: _kind_text(layers[i].op, layers[i].attributes) for i in range(first + 1, last + 1)}
    loose: dict[int, bytes] = {first: b"input"}  # the wiring, blind to which weights are shared
    for position in range(first + 1, last + 1):
        layer = layers[position]
        below = [loose[i] for i in layer.inputs]
        if layer.op in COMMUTATIVE:
            below.sort()
        times = uses[layer.name] if layer.name else 0
        wired = f"{kinds[position]}{times}".encode()
        loose[position] = blake2b(wired + b"".join(below), digest_size=16).digest()

    number: dict[int, int] = {first: 0}  # layers, in the order of the walk from the output
    weights: dict[str, int] = {}
    text: list[str] = []

    def visit(position: int) -> None:
        if position in number:
            return
        layer = layers[position]
        inputs = list(layer.inputs)
        if layer.op in COMMUTATIVE:
            inputs.sort(key=lambda i: loose[i])
        for i in inputs:
            visit(i)
        number[position] = len(number)
        shared = weights.setdefault(layer.name, len(weights)) if layer.name else -1
        text.append(f"{kinds[position]}{shared}{[number[i] for i in inputs]}")

    visit(last)
    return digest(*text)
