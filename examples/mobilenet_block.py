"""A block family of one's own: MobileNetV2's inverted residual (Sandler et al., CVPR 2018).

    python cli.py search examples/plugins.yaml --plugin examples/mobilenet_block.py --plugin ...

Expand by a 1x1 convolution, 3x3 depthwise, project linearly; identity where channels agree.
`stages[*].family: [osnet, inverted_residual]` and `stages[*].expansion: 2..6` are then part of the
language.
"""

from nas.architecture import Component, Node, Pen, families, integer


@families.register("inverted_residual")
class InvertedResidual(Component):
    """Inverted residual with a linear bottleneck."""

    expansion: int = integer(6, low=1, high=16, about="hidden channels divided by input channels")

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        hidden = x.channels * self.expansion
        y = x
        if self.expansion > 1:
            y = net.conv_norm_relu(y, hidden, 1, name="expand")
        y = net.conv_norm_relu(y, hidden, 3, groups=hidden, name="depthwise")
        y = net.norm(net.conv(y, channels, 1, name="project.conv"), name="project.bn")
        return net.add(x, y) if x.channels == channels else y
