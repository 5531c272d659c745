"""How gated streams become one tensor: `lower(net, streams) -> Node`."""

from __future__ import annotations

from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, fusions


@fusions.register("add")
class Add(Component):
    """The sum of the streams."""

    def lower(self, net: Pen, streams: list[Node]) -> Node:
        return net.add(*streams)


@fusions.register("concat")
class Concat(Component):
    """The streams side by side: the last 1x1 convolution sees T times the channels."""

    def lower(self, net: Pen, streams: list[Node]) -> Node:
        return net.concat(*streams)
