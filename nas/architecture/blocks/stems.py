"""What turns the image into the first map: `lower(net, x, channels, norm) -> Node`.

norm is "batch" or "instance"."""

from __future__ import annotations

from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, stems


@stems.register("conv7")
class Conv7(Component):
    """7x7 stride 2, then max-pool 3x3 stride 2: OSNet's; a quarter of the input's size."""

    def lower(self, net: Pen, x: Node, channels: int, norm: str) -> Node:
        return net.max_pool(net.conv_norm_relu(x, channels, 7, stride=2, name="", kind=norm), 3, 2)


@stems.register("conv3")
class Conv3(Component):
    """3x3 stride 2, for small images; half of the input's size."""

    def lower(self, net: Pen, x: Node, channels: int, norm: str) -> Node:
        return net.conv_norm_relu(x, channels, 3, stride=2, name="", kind=norm)


@stems.register("conv3_stride1")
class Conv3Stride1(Component):
    """3x3 stride 1, for the smallest images; the input's size."""

    def lower(self, net: Pen, x: Node, channels: int, norm: str) -> Node:
        return net.conv_norm_relu(x, channels, 3, stride=1, name="", kind=norm)
