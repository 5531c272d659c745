"""3x3 layers that a stream is made of, each `lower(net, x, name) -> Node` at constant channels."""

from __future__ import annotations

from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, convolutions


@convolutions.register("lite")
class Lite(Component):
    """Lite 3x3 (OSNet, section 3.1): pointwise, linear, then depthwise 3x3; one norm, one ReLU."""

    def lower(self, net: Pen, x: Node, name: str) -> Node:
        x = net.conv(x, x.channels, 1, name=f"{name}.conv1")
        x = net.conv(x, x.channels, 3, groups=x.channels, name=f"{name}.conv2")
        return net.relu(net.norm(x, name=f"{name}.bn"))


@convolutions.register("separable")
class Separable(Component):
    """The other order: depthwise 3x3, linear, then pointwise; one norm, one ReLU."""

    def lower(self, net: Pen, x: Node, name: str) -> Node:
        x = net.conv(x, x.channels, 3, groups=x.channels, name=f"{name}.conv1")
        x = net.conv(x, x.channels, 1, name=f"{name}.conv2")
        return net.relu(net.norm(x, name=f"{name}.bn"))


@convolutions.register("full")
class Full(Component):
    """An ordinary 3x3 convolution, norm, ReLU."""

    def lower(self, net: Pen, x: Node, name: str) -> Node:
        return net.conv_norm_relu(x, x.channels, 3, name=name)
