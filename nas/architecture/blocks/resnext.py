"""ResNeXt's bottleneck (Xie et al., CVPR 2017, figure 3c)."""

from __future__ import annotations

from nas.architecture.blocks.residual import close
from nas.architecture.fields import integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, families


@families.register("resnext")
class ResNeXt(Component):
    """Many streams of one scale, added: a grouped 3x3 convolution between two 1x1 ones.

    Groups are equally wide. Where the inner channels are no multiple of the cardinality, the width
    of a group is rounded, and as many groups are taken as come nearest to the inner channels: so
    any width of the network can be built, and its cost goes up in small steps.
    """

    bottleneck: int = integer(4, low=1, high=64, about="block channels divided by inner channels")
    cardinality: int = integer(
        32, low=1, high=256, about="groups of the 3x3 convolution, or about as many"
    )

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        wanted = channels // self.bottleneck
        of_each = max(1, int(wanted / self.cardinality + 0.5))
        groups = int(wanted / of_each + 0.5)  # 0 where no channel is left, which is refused
        y = net.conv_norm_relu(x, groups * of_each, 1, name="conv1")
        y = net.conv_norm_relu(y, groups * of_each, 3, groups=groups, name="conv2")
        return close(net, y, x, channels)
