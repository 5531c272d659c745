"""What can not be computed is refused while it is drawn; what is drawn is computed."""

from collections.abc import Callable

import pytest
import torch

from nas.architecture import Node, Pen
from nas.cost.exact import part_cost
from nas.cost.receptive import part_field
from nas.errors import UserError
from nas.models.network import PartNetwork

Draw = Callable[[Pen, Node], Node]
WRONG: dict[str, Draw] = {
    "a: 8 input and 8 output channels are not both": lambda net, x: net.conv(
        x, 8, 3, groups=0, name="a"
    ),
    "a window of 3 at a stride of 0": lambda net, x: net.conv(x, 8, 3, stride=0, name="a"),
    "a window of 0 at a stride of 1": lambda net, x: net.max_pool(x, 0, 1),
    "a window of 2 at a stride of 2, padded by 2": lambda net, x: net.avg_pool(x, 2, 2, padding=2),
    "a: dilation 0 is not a whole number from 1": lambda net, x: net.conv(
        x, 8, 3, dilation=0, name="a"
    ),
    "a would have 4.0 channels": lambda net, x: net.conv(x, 8 / 2, 3, name="a"),  # type: ignore[arg-type]
    "own: .*sizes.* are not numbers or words": lambda net, x: net.layer(
        "own", x, shape=x.shape, sizes=[1, 2]
    ),  # type: ignore[arg-type]
    "conv a would make 8 channels of 0x0": lambda net, x: net.layer(
        "conv", x, shape=(8, 0, 0), name="a"
    ),
    "concat: maps differ": lambda net, x: net.concat(x, net.max_pool(x, 3, 2)),
    r"weights of \(2, 1, 1\) do not fit": lambda net, x: net.scale(
        x, net.conv(net.global_pool(x), 2, 1, name="a")
    ),
    "a: a linear layer reads features": lambda net, x: net.linear(
        net.relu(net.global_pool(x)), 8, name="a"
    ),
    "b: a linear layer reads features": lambda net, x: net.linear(x, 8, name="b"),
    "make them by 1x1 convolutions": lambda net, x: net.scale(
        x, net.sigmoid(net.linear(net.flatten(net.global_pool(x)), 8, name="a"))
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_can_not_be_computed_is_said(message: str) -> None:
    net = Pen((8, 6, 4))
    with pytest.raises(UserError, match=message):
        WRONG[message](net, net.input)


@pytest.mark.parametrize(("kernel", "dilation"), [(3, 2), (5, 3), (2, 2), (4, 3)])
def test_a_dilated_convolution_keeps_the_size_and_sees_further(kernel: int, dilation: int) -> None:
    net = Pen((8, 20, 17))
    part = net.part(net.conv(net.input, 4, kernel, dilation=dilation, name="a"))
    window = dilation * (kernel - 1) + 1
    assert part_field(part) == window
    assert part.output == (4, 21 - window % 2, 18 - window % 2)
    model = PartNetwork(part)
    x = torch.randn(2, 8, 20, 17)
    taps = torch.nn.functional.unfold(x, kernel, dilation, window // 2)
    (weight,) = model.parameters()
    expected = (weight.flatten(1) @ taps).reshape(2, *part.output)
    assert torch.allclose(model(x), expected, atol=1e-5)
    plain = Pen((8, 20, 17))
    other = plain.part(plain.conv(plain.input, 4, kernel, name="a"))
    assert part_cost(part).params == part_cost(other).params == 4 * 8 * kernel**2
    assert part.layers != other.layers


def test_dilation_of_one_pixel_is_no_difference() -> None:
    one, other = Pen((8, 6, 4)), Pen((8, 6, 4))
    drawn = one.part(one.conv_norm_relu(one.input, 8, 1, dilation=3, name="a"))
    assert drawn.layers == other.part(other.conv_norm_relu(other.input, 8, 1, name="a")).layers
    further = other.conv_norm_relu(other.input, 8, 3, dilation=3, name="b")
    assert part_field(other.part(further)) == 7


def test_every_layer_with_weights_can_share_them() -> None:
    net = Pen((8, 6, 4))
    x = net.input
    for first in (True, False):
        x = net.conv(x, 8, 3, name="conv", shared=not first)
        x = net.learned_scale(net.norm(x, name="norm", shared=True), name="scale", shared=True)
    x = net.flatten(net.global_pool(x))
    for _ in range(2):
        x = net.norm1d(net.linear(x, 8, name="linear", shared=True), name="norm1d", shared=True)
    model = PartNetwork(net.part(x))
    assert len(list(model.parameters())) == 8
    assert model.embed(torch.ones(2, 8, 6, 4)).shape == (2, 8)


def test_a_map_of_weights_scales_every_channel() -> None:
    net = Pen((8, 6, 4))
    model = PartNetwork(net.part(net.scale(net.input, net.conv(net.input, 1, 1, name="a"))))
    assert model.embed(torch.ones(2, 8, 6, 4)).shape == (2, 8, 6, 4)
