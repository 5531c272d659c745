"""ResNeXt's bottleneck (Xie et al., CVPR 2017, figure 3c)."""

from __future__ import annotations

from nas.architecture.blocks.residual import close
from nas.architecture.fields import integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, families


@families.register("resnext")
class ResNeXt(Component):
    """Many streams of one scale, added: a grouped 3x3 convolution between two 1x1 ones.

    The inner channels are the nearest multiple of the cardinality, so that any width can be built.
    """

    bottleneck: int = integer(4, low=1, high=64, about="block channels divided by inner channels")
    cardinality: int = integer(16, low=1, high=256, about="groups of the 3x3 convolution")

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        of_each = max(1, int(channels / self.bottleneck / self.cardinality + 0.5))
        inner = of_each * self.cardinality
        y = net.conv_norm_relu(x, inner, 1, name="conv1")
        y = net.conv_norm_relu(y, inner, 3, groups=self.cardinality, name="conv2")
        return close(net, y, x, channels)
