"""Layers that a stream is made of, each `lower(net, x, name) -> Node` at constant channels.

OSNet's are 3x3; a larger kernel sees more with fewer layers (as searched over by ProxylessNAS: Cai
et al., ICLR 2019).
"""

from __future__ import annotations

from nas.architecture.fields import choice
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, convolutions


class _Square(Component):
    kernel: int = choice(3, (3, 5, 7), about="height and width of the kernel, in pixels of the map")


@convolutions.register("lite")
class Lite(_Square):
    """Lite 3x3 (OSNet, section 3.1): pointwise, linear, then depthwise 3x3; one norm, one ReLU."""

    def lower(self, net: Pen, x: Node, name: str) -> Node:
        x = net.conv(x, x.channels, 1, name=f"{name}.conv1")
        x = net.conv(x, x.channels, self.kernel, groups=x.channels, name=f"{name}.conv2")
        return net.relu(net.norm(x, name=f"{name}.bn"))


@convolutions.register("separable")
class Separable(_Square):
    """The other order: depthwise 3x3, linear, then pointwise; one norm, one ReLU."""

    def lower(self, net: Pen, x: Node, name: str) -> Node:
        x = net.conv(x, x.channels, self.kernel, groups=x.channels, name=f"{name}.conv1")
        x = net.conv(x, x.channels, 1, name=f"{name}.conv2")
        return net.relu(net.norm(x, name=f"{name}.bn"))


@convolutions.register("full")
class Full(_Square):
    """An ordinary convolution, norm, ReLU."""

    def lower(self, net: Pen, x: Node, name: str) -> Node:
        return net.conv_norm_relu(x, x.channels, self.kernel, name=name)
