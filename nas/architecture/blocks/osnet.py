"""The omni-scale block (Zhou et al., "Omni-Scale Feature Learning", ICCV 2019, figure 4)."""

from __future__ import annotations

from nas.architecture.fields import integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, convolutions, families, fusions, gates, use


@families.register("osnet")
class OSNet(Component):
    """T streams, stream t being t 3x3 layers deep; gated, fused, and added to the identity."""

    streams: int = integer(4, low=1, high=6, about="T, the number of streams")
    gate: str = use(gates, "unified", about="how streams are weighed before they are fused")
    fusion: str = use(fusions, "add", about="how streams become one tensor")
    convolution: str = use(convolutions, "lite", about="the 3x3 layer that streams are made of")
    bottleneck: int = integer(4, low=1, high=64, about="block channels divided by stream channels")

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        convolution = self.component("convolution")
        narrow = net.conv_norm_relu(x, channels // self.bottleneck, 1, name="conv1")
        streams = []
        for t in range(self.streams):
            y, name = narrow, f"conv2{'abcdef'[t]}"
            for depth in range(t + 1):
                y = convolution.lower(net, y, f"{name}.{depth}" if t else name)
            streams.append(y)
        y = self.component("fusion").lower(net, self.component("gate").lower(net, streams))
        y = net.norm(net.conv(y, channels, 1, name="conv3.conv"), name="conv3.bn")
        if x.channels != channels:
            x = net.conv(x, channels, 1, name="downsample.conv")
            x = net.norm(x, name="downsample.bn")
        return net.relu(net.add(y, x))
