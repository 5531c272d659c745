import pytest
from torch import Tensor, nn

from nas.architecture import Component, Node, Pen, families, from_document
from nas.cost import profile
from nas.errors import UserError
from nas.models.layers import register_layer


@register_layer("doubled")
class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.repeat(1, 2, 1, 1)


@families.register("drawn_narrow")
class DrawnNarrow(Component):
    """Says of an operator that it keeps the channels."""

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        y = net.layer("doubled", net.conv(x, channels, 1, name="a"), shape=(channels, *x.shape[1:]))
        return net.conv(y, channels, 1, name="b")


def test_an_operator_that_makes_another_shape_is_said_before_anything_is_run() -> None:
    stages = [{"channels": 16, "family": "drawn_narrow"}]
    with pytest.raises(UserError, match=r"'doubled' makes \(32, 16, 8\), but was drawn as \(16"):
        profile(from_document({"input": "64x32", "stages": stages}))
