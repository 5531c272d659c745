"""A gate of one's own: Efficient Channel Attention (Wang et al., CVPR 2020).

    python cli.py profile examples/plugins.yaml@1 --plugin examples/eca_gate.py --plugin ...

A weight a channel from a 1-D convolution over the pooled channels: a few parameters at any width.
`stages[*].gate: [unified, eca]` and `stages[*].gate_kernel: [3, 5]` are then part of the language.
"""

from torch import Tensor, nn

from nas.architecture import Component, Node, Pen, choice, gates
from nas.models.layers import register_layer


@register_layer("channel_conv")
class ChannelConv(nn.Module):
    """(N, C, 1, 1) to the same: each channel from its neighbours."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.flatten(2).transpose(1, 2)).transpose(1, 2).unsqueeze(3)


@gates.register("eca")
class ECA(Component):
    """One weight a channel; the convolution is shared by all streams."""

    kernel: str = choice("3", ["3", "5", "7"], about="channels that a weight looks at")

    def lower(self, net: Pen, streams: list[Node]) -> list[Node]:
        return [self.weigh(net, x) for x in streams]

    def weigh(self, net: Pen, x: Node) -> Node:
        y = net.global_pool(x)
        kernel = int(self.kernel)
        y = net.layer("channel_conv", y, shape=y.shape, name="gate", shared=True, kernel=kernel)
        return net.scale(x, net.sigmoid(y))
