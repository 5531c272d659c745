"""The bottleneck with squeeze-and-excitation (Hu et al., CVPR 2018, figure 3)."""

from __future__ import annotations

from nas.architecture.blocks.gates import excite
from nas.architecture.blocks.residual import shortcut
from nas.architecture.fields import integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, families


@families.register("se")
class SqueezeExcitation(Component):
    """A single stream, channels weighed by the whole map; reduction 0 is a plain bottleneck."""

    bottleneck: int = integer(4, low=1, high=64, about="block channels divided by inner channels")
    reduction: int = integer(
        16, low=0, high=1024, about="channels divided by the hidden channels; 0: no weighing"
    )

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        inner = channels // self.bottleneck
        y = net.conv_norm_relu(x, inner, 1, name="conv1")
        y = net.conv_norm_relu(y, inner, 3, name="conv2")
        y = net.norm(net.conv(y, channels, 1, name="conv3.conv"), name="conv3.bn")
        if self.reduction:
            y = excite(net, y, self.reduction, channels, "gate")
        return net.relu(net.add(y, shortcut(net, x, channels)))
