"""Gates weigh the streams before they are fused: `lower(net, streams) -> streams`."""

from __future__ import annotations

from nas.architecture.fields import integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, gates


def excite(net: Pen, x: Node, reduction: int, outputs: int, name: str) -> Node:
    """`x` times weights from its own mean: `outputs` of them, one a channel or a single one.

    Squeeze to channels / reduction (at least 1), ReLU, expand, sigmoid. Layers of equal `name`
    share their weights.
    """
    hidden = max(x.channels // reduction, 1)
    y = net.global_pool(x)
    y = net.conv(y, hidden, 1, bias=True, name=f"{name}.fc1", shared=True)
    y = net.conv(net.relu(y), outputs, 1, bias=True, name=f"{name}.fc2", shared=True)
    return net.scale(x, net.sigmoid(y))


@gates.register("none")
class NoGate(Component):
    """Streams are fused as they are."""

    def lower(self, net: Pen, streams: list[Node]) -> list[Node]:
        return streams


@gates.register("fixed")
class Fixed(Component):
    """One learned weight a channel and stream, whatever the input is (sigmoid of a logit)."""

    def lower(self, net: Pen, streams: list[Node]) -> list[Node]:
        return [net.learned_scale(x, name=f"gate.{t}") for t, x in enumerate(streams)]


class _Reduced(Component):
    """A gate that looks at its input; hidden channels are at least 1."""

    reduction: int = integer(16, low=1, high=1024, about="channels divided by the hidden channels")

    def weigh(self, net: Pen, x: Node, outputs: int, name: str) -> Node:
        return excite(net, x, self.reduction, outputs, name)


@gates.register("streamwise")
class Streamwise(_Reduced):
    """One scalar a stream, from a small network shared by all streams."""

    def lower(self, net: Pen, streams: list[Node]) -> list[Node]:
        return [self.weigh(net, x, 1, "gate") for x in streams]


@gates.register("separate")
class Separate(_Reduced):
    """One weight a channel, from a network of each stream's own."""

    def lower(self, net: Pen, streams: list[Node]) -> list[Node]:
        return [self.weigh(net, x, x.channels, f"gate.{t}") for t, x in enumerate(streams)]


@gates.register("unified")
class Unified(_Reduced):
    """One weight a channel, from a network shared by all streams: OSNet's aggregation gate."""

    def lower(self, net: Pen, streams: list[Node]) -> list[Node]:
        return [self.weigh(net, x, x.channels, "gate") for x in streams]
