"""What a network sees: the receptive field of each part, from the layers alone.

The receptive field of a value of a map is the square of the input that it is computed from; here it
is the side of that square. It counts zero padding, so that it can be larger than the image. Two
things look further than any window, and are treated apart:

- a global pool sees the whole image: from it on the field is the longer side of the image, and no
  layer adds to that;
- a gate sees the whole map, but only to weigh a tensor: `scale` has the field of what it weighs.

Whatever else is ours leaves the largest field of its inputs as it is. What an operator of a plug-in
sees of its inputs is measured on its module.
"""

from __future__ import annotations

from typing import NamedTuple

from nas.architecture import Architecture, Layer, Part, Shape, lower
from nas.cost.exact import FREE

WINDOWS = ("conv", "max_pool", "avg_pool")
JOINS = ("add", "concat")


class Reach(NamedTuple):
    """The field of a value, and the distance of neighbouring values, both in pixels."""

    field: int
    jump: int


def receptive_fields(architecture: Architecture) -> dict[str, int]:
    """Side of the square of the image, in pixels, that a value of each part's output depends on.

    By name of the part, in the order of computation.
    """
    whole = Reach(max(architecture.input), 0)
    reach = Reach(1, 1)
    found: dict[str, int] = {}
    for placed in lower(architecture):
        reach = _reaches(placed.part, reach, whole)[-1]
        found[placed.name] = reach.field
    return found


def part_reach(part: Part) -> Reach:
    """Of the part's output, by its own input: its field, and by how much it spreads neighbours."""
    return _own(part)[-1]


def part_field(part: Part) -> int:
    """Side of the square of the part's own input that a value of its output depends on."""
    return _own(part)[-1].field


def stream_fields(part: Part) -> list[int]:
    """Side of the square of the block's input that each of its streams sees, in their order.

    Streams are what the block's last `add` or `concat` joins; a shortcut does not count as one. The
    list is empty where nothing runs in parallel. Gates do not count.
    """
    reaches = _own(part)
    for layer in reversed(part.layers):
        if layer.op in JOINS and not _joins_shortcut(part.layers, layer):
            return [1 if i < 0 else reaches[i].field for i in layer.inputs]
    return []


def named_fields(part: Part, names: list[str]) -> list[int]:
    """Side of the square of the block's input that the last layer below each of these names sees;
    empty where one of them has none."""
    reaches = _own(part)
    found = {
        layer.name.partition(".")[0]: reach.field
        for layer, reach in zip(part.layers, reaches, strict=True)
    }
    return [found[name] for name in names] if found.keys() >= set(names) else []


def _own(part: Part) -> list[Reach]:
    return _reaches(part, Reach(1, 1), Reach(max(part.input[1:]), 0))


def _reaches(part: Part, start: Reach, whole: Reach) -> list[Reach]:
    """The reach of each layer's values; `start` is that of the part's input."""
    reaches: list[Reach] = []
    for layer in part.layers:
        below = [start if i < 0 else reaches[i] for i in layer.inputs] or [Reach(0, 0)]
        if layer.op == "global_pool":
            reaches.append(whole)
        elif layer.op == "scale":
            reaches.append(below[0])
        elif layer.op not in FREE and layer.op not in ("conv", "linear"):
            reaches.append(_measured(layer, part.input_shapes(layer), below, whole))
        else:
            field, jump = max(r.field for r in below), max(r.jump for r in below)
            if layer.op in WINDOWS:
                field += (layer.window() - 1) * jump
                jump *= layer.get("stride")
            reaches.append(Reach(field, jump))
    return reaches


def _measured(layer: Layer, inputs: list[Shape], below: list[Reach], whole: Reach) -> Reach:
    """The reach of an operator of a plug-in, which does what its module does."""
    from nas.models.layers import windows

    sides = windows(layer, tuple(inputs))
    if 0 in sides:
        return whole
    seen = zip(below, sides, strict=False)  # without inputs, it sees none
    jump = max(r.jump for r in below)
    if inputs:
        jump *= max(1, inputs[0][1] // layer.shape[1])
    return Reach(max((r.field + (side - 1) * r.jump for r, side in seen), default=0), jump)


def _joins_shortcut(layers: tuple[Layer, ...], join: Layer) -> bool:
    """Whether one of two summands is what the other is made of, but for layers without a window."""
    if join.op != "add" or len(join.inputs) != 2:
        return False
    one, other = join.inputs
    return _source(layers, one) in _made_of(layers, other) or (
        _source(layers, other) in _made_of(layers, one)
    )


def _source(layers: tuple[Layer, ...], position: int) -> int:
    """Back from a layer over all that look at one place only: projections, norms, ReLU, gates."""
    while position >= 0:
        layer = layers[position]
        windowed = layer.op in WINDOWS and layer.get("kernel") > 1
        if windowed or (len(layer.inputs) != 1 and layer.op != "scale"):
            break
        position = layer.inputs[0]
    return position


def _made_of(layers: tuple[Layer, ...], position: int) -> set[int]:
    """The positions of all that a layer is computed from, without itself."""
    found: set[int] = set()
    pending = [position]
    while pending:
        current = pending.pop()
        for i in layers[current].inputs if current >= 0 else ():
            if i not in found:
                found.add(i)
                pending.append(i)
    return found
