"""The inverted residual of MobileNetV2 and V3.

Sandler et al., CVPR 2018; Howard et al., "Searching for MobileNetV3", ICCV 2019.
With ReLU where the papers have ReLU6 or hard-swish, so that it differs from the other families in
its layers alone.
"""

from __future__ import annotations

from nas.architecture.blocks.gates import excite
from nas.architecture.fields import choice, integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, families


@families.register("mobilenet")
class MobileNet(Component):
    """Expanded by a 1x1 convolution, depthwise, weighed (V3), projected linearly; the identity is
    added where the channels agree."""

    expansion: int = integer(6, low=1, high=16, about="inner channels over those of the input")
    depthwise_kernel: int = choice(3, (3, 5, 7), about="height and width in pixels")
    squeeze: int = integer(
        0, low=0, high=1024, about="inner channels over those that weigh them; 0: no weighing"
    )

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        inner, y = x.channels * self.expansion, x
        if self.expansion > 1:
            y = net.conv_norm_relu(y, inner, 1, name="conv1")
        y = net.conv_norm_relu(y, inner, self.depthwise_kernel, groups=inner, name="conv2")
        if self.squeeze:
            y = excite(net, y, self.squeeze, inner, "gate")
        y = net.norm(net.conv(y, channels, 1, name="conv3.conv"), name="conv3.bn")
        return net.add(y, x) if x.channels == channels else y
