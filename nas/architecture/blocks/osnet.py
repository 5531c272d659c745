"""The omni-scale block (Zhou et al., "Omni-Scale Feature Learning", ICCV 2019, figure 4)."""

from __future__ import annotations

from nas.architecture.blocks.residual import shortcut
from nas.architecture.fields import choice, integer
from nas.architecture.graph import Node, Pen
from nas.architecture.registry import Component, convolutions, families, fusions, gates, use
from nas.errors import UserError

PLACES = ("none", "inside", "outside", "both")


@families.register("osnet")
class OSNet(Component):
    """T streams, stream t being t layers deep, of 3x3 by default; gated, fused, and added to the
    identity.

    Instance normalisation (IBN and AIN variants; Zhou et al., TPAMI 2021): `inside` stands on the
    residual branch in place of the last batch norm, `outside` after the sum.
    """

    streams: int = integer(4, low=1, high=6, about="T, the number of streams")
    stream_depth: int = integer(
        0, low=0, high=6, about="layers in every stream; 0: stream t has t of them"
    )
    gate: str = use(gates, "unified", about="how streams are weighed before they are fused")
    fusion: str = use(fusions, "add", about="how streams become one tensor")
    convolution: str = use(convolutions, "lite", about="the layer that streams are made of")
    bottleneck: int = integer(4, low=1, high=64, about="block channels divided by stream channels")
    instance_norm: str = choice("none", PLACES, about="where instance normalisation stands")

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        """(C, H, W) to (channels, H, W)."""
        convolution = self.component("convolution")
        narrow = net.conv_norm_relu(x, channels // self.bottleneck, 1, name="conv1")
        streams = []
        for t in range(self.streams):
            y, name = narrow, f"conv2{'abcdef'[t]}"
            layers = self.stream_depth or t + 1
            for depth in range(layers):
                y = convolution.lower(net, y, f"{name}.{depth}" if layers > 1 else name)
            streams.append(y)
        gated = self.component("gate").lower(net, streams)
        if not isinstance(gated, list | tuple) or len(gated) != len(streams):
            given = f"{len(gated)} streams" if isinstance(gated, list | tuple) else repr(gated)
            raise UserError(f"gate {self.gate!r}: lower gave {given} for {len(streams)} streams")
        y = self.component("fusion").lower(net, gated)
        y = net.conv(y, channels, 1, name="conv3.conv")
        if self.instance_norm in ("inside", "both"):
            y = net.norm(
                y, name="IN" if self.instance_norm == "inside" else "IN_in", kind="instance"
            )
        else:
            y = net.norm(y, name="conv3.bn")
        y = net.add(y, shortcut(net, x, channels))
        if self.instance_norm in ("outside", "both"):
            y = net.norm(
                y, name="IN" if self.instance_norm == "outside" else "IN_out", kind="instance"
            )
        return net.relu(y)
