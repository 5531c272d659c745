"""Receptive fields: worked by hand, and against the gradients of networks that are built."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nas.architecture import Architecture, Block, Pen, Size, Stage, lower, preset
from nas.cost.receptive import part_field, receptive_fields, stream_fields
from nas.models.layers import MAKERS, make, register_layer


def block(**fields: str | int) -> Block:
    return Block("osnet", tuple(sorted(fields.items())))


def network(*blocks: Block, stem: str = "conv3", side: int = 64) -> Architecture:
    stages = tuple(Stage(16, 1, block=b) for b in blocks)
    return Architecture(stages, input=Size(side, side), stem=stem, stem_channels=8, embedding=8)


def test_osnet_by_hand() -> None:
    # 7x7 stride 2: 7; max-pool 3x3: + 2 * 2. Four 3x3 layers at jump 4: + 8 * 4 a block; average
    # 2x2: + 1 * 4. Then jump 8, then jump 16.
    assert receptive_fields(preset("osnet_x1_0")) == {
        "stem": 11,
        "stages[0].blocks[0]": 43,
        "stages[0].blocks[1]": 75,
        "stages[0].transition": 79,
        "stages[1].blocks[0]": 143,
        "stages[1].blocks[1]": 207,
        "stages[1].transition": 215,
        "stages[2].blocks[0]": 343,
        "stages[2].blocks[1]": 471,
        "head": 256,  # the mean over the map: the image's longer side
        "embedding": 256,
    }


def test_width_does_not_matter() -> None:
    assert receptive_fields(preset("osnet_x0_25")) == receptive_fields(preset("osnet_x1_0"))


def test_small_stems_by_hand() -> None:
    assert receptive_fields(network(block(streams=2)))["stages[0].blocks[0]"] == 3 + 4 * 2
    one = network(block(streams=2), stem="conv3_stride1")
    assert receptive_fields(one)["stages[0].blocks[0]"] == 3 + 4


@pytest.mark.parametrize("gate", ["none", "fixed", "streamwise", "separate", "unified"])
@pytest.mark.parametrize("fusion", ["add", "concat"])
@pytest.mark.parametrize("convolution", ["lite", "separable", "full"])
@pytest.mark.parametrize("streams", [1, 2, 4])
@pytest.mark.parametrize("kernel", [3, 7])
def test_stream_t_sees_2t_plus_1_or_more_by_a_larger_kernel(
    streams: int, gate: str, fusion: str, convolution: str, kernel: int
) -> None:
    layer = {"convolution": convolution, "convolution_kernel": kernel}
    chosen = block(streams=streams, gate=gate, fusion=fusion, **layer)
    part = lower(network(chosen))[1].part
    expected = [(kernel - 1) * t + 1 for t in range(1, streams + 1)]
    assert stream_fields(part) == (expected if streams > 1 else [])
    assert part_field(part) == expected[-1]


def test_streams_are_found_in_blocks_without_projection_too() -> None:
    stage = Stage(16, 2, block=block(streams=3))
    architecture = Architecture((stage,), input=Size(64, 32), stem="conv3")
    assert stream_fields(lower(architecture)[2].part) == [3, 5, 7]


def test_residual_layers_have_no_streams() -> None:
    pen = Pen((8, 16, 16))
    x = pen.input
    for i in range(2):
        y = pen.conv_norm_relu(x, 8, 3, name=f"{i}.a")
        x = pen.relu(pen.add(x, pen.conv_norm_relu(y, 8, 3, name=f"{i}.b")))
    part = pen.part(x)
    assert stream_fields(part) == []
    assert part_field(part) == 9


def test_branches_of_an_inception_module() -> None:
    pen = Pen((8, 16, 16))
    x = pen.input
    branches = [
        pen.conv_norm_relu(x, 8, 1, name="one"),
        pen.conv_norm_relu(pen.conv_norm_relu(x, 4, 1, name="small"), 8, 3, name="three"),
        pen.conv_norm_relu(x, 8, 5, name="five"),
        pen.conv_norm_relu(pen.max_pool(x, 3, 1), 8, 1, name="pooled"),
    ]
    y = pen.concat(*branches)
    assert stream_fields(pen.part(y)) == [1, 3, 5, 3]
    joined = pen.add(x, pen.conv_norm_relu(y, 8, 1, name="last"))
    assert stream_fields(pen.part(joined)) == [1, 3, 5, 3]


def test_a_gate_does_not_count_and_a_global_pool_sees_all() -> None:
    pen = Pen((8, 20, 10))
    x = pen.conv(pen.input, 8, 3, stride=2, name="conv")
    pooled = pen.global_pool(x)
    assert part_field(pen.part(pen.scale(x, pen.sigmoid(pooled)))) == 3
    assert part_field(pen.part(pen.relu(pooled))) == 20


def test_an_unknown_operator_changes_nothing() -> None:
    pen = Pen((8, 20, 10))
    x = pen.conv(pen.input, 8, 3, stride=2, name="conv")
    y = pen.conv(x, 8, 3, name="more")
    assert part_field(pen.part(pen.layer("shuffle", x, y, shape=x.shape, kernel=9))) == 7


class Dilated(nn.Module):
    def __init__(self, dilation: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, stride, dilation, dilation, bias=False)

    def forward(self, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        return self.conv(x) + sum(others)


class Centred(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(dim=(2, 3), keepdim=True)


class OfItsSize(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(x, 3, 1, 1).reshape(len(x), 8, 10, 5)


def test_an_operator_of_a_plug_in_sees_what_its_module_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nas.models.layers.MAKERS", dict(MAKERS))
    for name, module in {"dilated": Dilated, "centred": Centred, "sized": OfItsSize}.items():
        register_layer(name)(module)
    pen = Pen((8, 20, 10))
    x = pen.conv(pen.input, 8, 3, stride=2, name="conv")
    dilated = pen.layer("dilated", x, shape=x.shape, name="d", dilation=4)
    assert part_field(pen.part(dilated)) == 3 + 2 * 4 * 2  # beyond the map itself
    coarse = pen.layer("dilated", x, shape=(8, 5, 3), name="c", dilation=1, stride=2)
    part = pen.part(pen.conv(coarse, 8, 3, name="next"))
    assert part_field(part) == 3 + 2 * 2 + 2 * 4
    two = pen.layer("dilated", x, dilated, shape=x.shape, name="t", dilation=1)
    assert part_field(pen.part(two)) == part_field(pen.part(dilated))
    assert part_field(pen.part(pen.layer("centred", x, shape=x.shape))) == 20
    assert part_field(pen.part(pen.layer("sized", x, shape=x.shape))) == 3 + 2 * 2


@pytest.mark.parametrize("fusion", ["add", "concat"])
@pytest.mark.parametrize("stem", ["conv3", "conv3_stride1"])
def test_fields_are_where_gradients_reach(stem: str, fusion: str) -> None:
    """With positive weights everything that a value depends on has a gradient that is not 0."""
    blocks = [block(streams=t, gate="fixed", fusion=fusion) for t in (1, 3)]
    architecture = network(*blocks, stem=stem, side=96)
    fields = receptive_fields(architecture)
    image = torch.rand(1, 3, 96, 96).requires_grad_()
    x = image
    for placed in itertools.takewhile(lambda p: p.name != "head", lower(architecture)):
        made: list[torch.Tensor] = []
        for layer in placed.part.layers:
            function = make(layer)
            if isinstance(function, torch.nn.Module):
                for parameter in function.eval().parameters():
                    parameter.data = parameter.data.abs() + 0.1
            made.append(function(*[x if i < 0 else made[i] for i in layer.inputs]).clone())
        x = made[-1]
        middle = x[0, :, x.shape[2] // 2, x.shape[3] // 2].sum()
        (gradient,) = torch.autograd.grad(middle, image, retain_graph=True)
        rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        assert int(rows[-1] - rows[0]) + 1 == fields[placed.name], placed.name
