"""Inception's branches in a residual bottleneck (Szegedy et al., CVPR 2016, figure 5).

Between the same two 1x1 convolutions as the other families, so that they differ in the middle only.
"""

from __future__ import annotations

from nas.architecture.blocks.residual import close
from nas.architecture.fields import integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, families


@families.register("inception")
class Inception(Component):
    """Hand-made branches, concatenated: 1x1, 3x3, double 3x3, and 3x3 mean pooling with 1x1."""

    bottleneck: int = integer(4, low=1, high=64, about="block channels divided by branch channels")

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        narrow = channels // self.bottleneck
        y = net.conv_norm_relu(x, narrow, 1, name="conv1")
        double = net.conv_norm_relu(y, narrow, 3, name="branch3.0")
        branches = [
            net.conv_norm_relu(y, narrow, 1, name="branch1"),
            net.conv_norm_relu(y, narrow, 3, name="branch2"),
            net.conv_norm_relu(double, narrow, 3, name="branch3.1"),
            net.conv_norm_relu(net.avg_pool(y, 3, 1, padding=1), narrow, 1, name="branch4"),
        ]
        return close(net, net.concat(*branches), x, channels)
