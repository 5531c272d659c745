"""A block family of one's own, after ConvNeXt's (Liu et al., CVPR 2022), with batch norm and ReLU.

    python cli.py search examples/plugins.yaml --plugin examples/convnext_block.py --plugin ...

A wide depthwise convolution, then two pointwise ones that expand and project; the identity where
channels agree. `stages[*].family: [osnet, convnext]` and `stages[*].mlp_ratio: 2..4` are then part
of the language.
"""

from nas.architecture import Component, Node, Pen, choice, families, integer


@families.register("convnext")
class ConvNeXt(Component):
    """Depthwise, expand, project."""

    window: int = choice(7, (3, 5, 7, 9), about="height and width of the depthwise kernel")
    mlp_ratio: int = integer(4, low=1, high=16, about="inner channels over those of the input")

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        y = net.conv(x, x.channels, self.window, groups=x.channels, name="depthwise.conv")
        y = net.norm(y, name="depthwise.bn")
        y = net.relu(net.conv(y, x.channels * self.mlp_ratio, 1, bias=True, name="expand"))
        y = net.norm(net.conv(y, channels, 1, name="project.conv"), name="project.bn")
        return net.add(y, x) if x.channels == channels else y
