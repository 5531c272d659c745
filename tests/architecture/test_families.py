"""What the block families are, from the layers that they draw."""

import pytest

from nas.architecture import Architecture, Block, Layer, Pen, Size, Stage, key, lower
from nas.errors import UserError


def network(family: str, channels: int = 64, **fields: int | str) -> Architecture:
    block = Block(family, tuple(sorted(fields.items())))
    return Architecture((Stage(channels, 1, block=block),), Size(64, 32), stem="conv3")


def layers(architecture: Architecture) -> list[Layer]:
    """Of the block."""
    return list(lower(architecture)[1].part.layers)


def convs(architecture: Architecture) -> list[tuple[int, int, int, int]]:
    """(inputs, outputs, kernel, groups) of each convolution of the block."""
    names = ("inputs", "outputs", "kernel", "groups")
    found = [x for x in layers(architecture) if x.op == "conv"]
    return [tuple(x.get(name) for name in names) for x in found]  # type: ignore[misc]


def test_inception_concatenates_1x1_3x3_double_3x3_and_pooled() -> None:
    block = network("inception")
    assert convs(block) == [
        (64, 16, 1, 1),  # in
        (16, 16, 3, 1),  # double, first
        (16, 16, 1, 1),
        (16, 16, 3, 1),
        (16, 16, 3, 1),  # double, second
        (16, 16, 1, 1),  # after the pooling
        (64, 64, 1, 1),  # out
    ]
    assert [x.op for x in layers(block)].count("avg_pool") == 1
    assert [len(x.inputs) for x in layers(block) if x.op == "concat"] == [4]


@pytest.mark.parametrize(
    ("channels", "cardinality", "inner", "groups"),
    [(64, 16, 16, 16), (64, 8, 16, 8), (512, 32, 128, 32), (64, 32, 16, 16), (160, 16, 39, 13)],
)
def test_resnext_is_a_bottleneck_in_groups_of_equal_width(
    channels: int, cardinality: int, inner: int, groups: int
) -> None:
    block = network("resnext", channels, cardinality=cardinality)
    assert convs(block)[:3] == [
        (64, inner, 1, 1),
        (inner, inner, 3, groups),
        (inner, channels, 1, 1),
    ]


@pytest.mark.parametrize(("channels", "made"), [(10, 12), (12, 10)])
def test_channels_that_groups_do_not_divide_are_said_with_the_layer(
    channels: int, made: int
) -> None:
    pen = Pen((channels, 8, 8))
    message = (
        f"^conv2.conv: {channels} input and {made} output channels are not both divisible by 4"
    )
    with pytest.raises(UserError, match=message):
        pen.conv(pen.input, made, 3, groups=4, name="conv2.conv")


def test_se_weighs_the_channels_before_the_sum_and_with_reduction_0_not_at_all() -> None:
    ops = [x.op for x in layers(network("se"))]
    assert ops.index("scale") < ops.index("add")
    assert "scale" not in [x.op for x in layers(network("se", reduction=0))]
    assert convs(network("se", reduction=4))[3:5] == [(64, 16, 1, 1), (16, 64, 1, 1)]


def test_mobilenet_expands_filters_each_channel_weighs_and_projects() -> None:
    block = network("mobilenet", expansion=3, depthwise_kernel=5, squeeze=4)
    inner = 64 * 3
    assert convs(block) == [
        (64, inner, 1, 1),
        (inner, inner, 5, inner),
        (inner, inner // 4, 1, 1),  # the weights
        (inner // 4, inner, 1, 1),
        (inner, 64, 1, 1),
    ]
    ops = [x.op for x in layers(block)]
    assert ops[-2:] == ["batch_norm", "add"] and ops.count("relu") == 3  # the end is linear
    assert [x.op for x in layers(network("mobilenet", channels=96))][
        -1
    ] == "batch_norm"  # no identity
    plain = network("mobilenet", expansion=1)
    assert convs(plain) == [(64, 64, 3, 64), (64, 64, 1, 1)]


def test_the_plain_bottleneck_is_one_architecture_whatever_family_it_is_called() -> None:
    assert key(network("se", reduction=0)) == key(network("resnext", cardinality=1))


def test_streams_of_equal_depth() -> None:
    block = network("osnet", streams=4, stream_depth=2, convolution="full", gate="none")
    threes = [x for x in layers(block) if x.op == "conv" and x.get("kernel") == 3]
    assert len(threes) == 8
    assert key(network("osnet", streams=1, stream_depth=1)) == key(network("osnet", streams=1))


@pytest.mark.parametrize(
    ("place", "before", "after"),
    [("none", 0, 0), ("inside", 1, 0), ("outside", 0, 1), ("both", 1, 1)],
)
def test_instance_norm_stands_where_it_is_said(place: str, before: int, after: int) -> None:
    drawn = layers(network("osnet", instance_norm=place))
    total = max(i for i, x in enumerate(drawn) if x.op == "add")
    at = [i for i, x in enumerate(drawn) if x.op == "instance_norm"]
    assert (sum(i < total for i in at), sum(i > total for i in at)) == (before, after)
    assert any(x.name == "conv3.bn" for x in drawn) == (not before)
