"""What a variant inherits, against tie tables made by hand and against whole networks."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nas.architecture import (
    Architecture,
    Component,
    Node,
    Pen,
    Size,
    families,
    from_document,
    preset,
)
from nas.models import Network, build, inherit
from nas.models.layers import register_layer

SIZE = Size(32, 16)
IMAGE = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(9))


def network(width: float = 0.25, depth: int = 2, **fields: object) -> Architecture:
    """Two stages behind a 3x3 stem; `fields` are the blocks'."""
    stage = {"channels": 128, "depth": depth, **fields}
    stages = [stage, stage | {"channels": 192}]
    return from_document(
        {"input": str(SIZE), "width": width, "embedding": 24, "stages": stages}
        | {"stem": {"kind": "conv3", "channels": 32}}
    )


def trained(architecture: Architecture, seed: int = 1, classes: int = 0) -> Network:
    """Every tensor away from what it is initialised to."""
    model = build(architecture, classes, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for name, value in model.state_dict().items():
        if value.is_floating_point() and value.dim() == 1:
            noise = torch.rand(value.shape, generator=generator)
            value.copy_(noise + 0.5 if "var" in name or "weight" in name else noise - 0.5)
    return model


def embedding(model: Network) -> Tensor:
    with torch.inference_mode():
        return model.eval().embed(IMAGE)


@pytest.mark.parametrize("channels", ["order", "magnitude"])
@pytest.mark.parametrize("name", ["osnet_x0_25", "osnet_ain_x0_25"])
def test_the_same_architecture_inherits_everything(name: str, channels: Any) -> None:
    architecture = preset(name).resized(SIZE)
    source, model = trained(architecture, 1, 5), trained(architecture, 2, 5)
    found = inherit(model, source, channels=channels)
    assert found.share == 1 and not found.unused
    assert not any(row.why for row in found.rows)
    assert {row.name for row in found.rows} == set(source.state_dict())
    for name, value in source.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    assert torch.equal(embedding(model), embedding(source))


def test_an_equal_network_by_another_name_inherits_everything() -> None:
    source = trained(network(family="se", reduction=0))
    model = build(network(family="resnext", cardinality=1))
    assert inherit(model, source).share == 1
    assert torch.equal(embedding(model), embedding(source))


def osnet_tie(name: str) -> str:
    """The set that the outputs of an OSNet layer belong to, by hand, with a unified gate."""
    block = re.match(
        r"(conv\d\.\d)\.(conv1\.|conv2[a-d]|conv3|downsample|gate\.fc1|gate\.fc2)", name
    )
    if block is None:
        return name.rsplit(".", 1)[0].replace(".bn", "").replace(".conv", "")
    place, layer = block.groups()
    if layer in ("conv3", "downsample"):
        return place.split(".")[0]  # the identity ties the stage
    if layer in ("conv1.", "gate.fc1"):
        return f"{place}.{layer}"
    t = "abcd".index(layer[-1]) if layer != "gate.fc2" else 0
    stream = re.match(r"conv\d\.\d\.conv2[a-d]\.(\d)\.", name)
    last = layer == "gate.fc2" or stream is None or int(stream[1]) == t
    return f"{place}.fused" if last else f"{place}.{layer}.{stream[1]}"


def kill(model: Network, tie: Callable[[str], str], keep: Callable[[str, int], list[int]]) -> None:
    """Zero all that makes the channels that are not kept; `tie` is of a tensor's name."""
    for layer, module in model.named_modules():
        if layer in ("fc.0", "fc.1", "classifier"):  # the embedding keeps its features
            continue
        for name, value in module.named_parameters(recurse=False):
            dead = torch.ones(len(value), dtype=torch.bool)
            dead[keep(tie(f"{layer}.{name}"), len(value))] = False
            value.data[dead] = 0


def scattered(tie: str, n: int) -> list[int]:
    """Half of the channels, others for each tie."""
    seed = int.from_bytes(tie.encode(), "little") % 2**31
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))[: n // 2].tolist()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"fusion": "concat"},
        {"convolution": "full"},
        {"instance_norm": "inside"},
        {"instance_norm": "outside"},
    ],
)
def test_dead_channels_are_what_magnitude_leaves_out(fields: dict[str, Any]) -> None:
    fields = fields | {"gate_reduction": 4}
    source = trained(network(0.5, **fields))
    kill(source, osnet_tie, scattered)
    model = build(network(0.25, **fields), seed=5)
    found = inherit(model, source, channels="magnitude")
    assert found.share == 1
    torch.testing.assert_close(embedding(model), embedding(source), rtol=1e-4, atol=1e-5)
    other = build(network(0.25, **fields), seed=5)
    assert inherit(other, source, channels="order").share == 1
    assert not torch.allclose(embedding(other), embedding(source), rtol=1e-2, atol=1e-3)


def bottleneck_tie(name: str) -> str:
    """The same for a single stage of bottlenecks whose 3x3 convolution is grouped."""
    inner = re.match(r"conv2\.\d\.conv[12]\.", name)
    if inner:
        return inner[0]
    return "the stage" if name.startswith("conv2.") else "stem" if "conv1" in name else "head"


@pytest.mark.parametrize(
    ("cardinalities", "kept"),
    [
        ((8, 8), lambda tie, n: list(range(len(tie) % 2, n, 2))),  # 8 groups of 4 -> 8 of 2
        ((8, 4), lambda tie, n: [i for i in range(n) if i // (n // 8) in (1, 2, 4, 7)]),
    ],
)
def test_of_a_grouped_convolution_groups_are_chosen_alike(
    cardinalities: tuple[int, int], kept: Callable[[str, int], list[int]]
) -> None:
    def one_stage(width: float, cardinality: int) -> Architecture:
        fields = {"family": "resnext", "cardinality": cardinality}
        stage = {"channels": 128, "depth": 2, **fields}
        return from_document(
            {"input": str(SIZE), "width": width, "embedding": 24, "stages": [stage]}
            | {"stem": {"kind": "conv3", "channels": 32}}
        )

    source = trained(one_stage(1.0, cardinalities[0]))
    every = inherit(build(one_stage(0.5, cardinalities[1])), source, channels="magnitude")
    assert every.share == 1  # so no group of the variant has channels of two of the source
    kill(source, bottleneck_tie, kept)
    model = build(one_stage(0.5, cardinalities[1]))
    assert inherit(model, source, channels="magnitude").share == 1
    torch.testing.assert_close(embedding(model), embedding(source), rtol=1e-4, atol=1e-5)


def test_magnitude_is_the_l1_norm_of_the_filter_times_gamma_summed_over_ties() -> None:
    source = trained(network(0.5))
    model = build(network(0.25), seed=5)
    inherit(model, source, channels="magnitude")
    state, mine = source.state_dict(), model.state_dict()
    score = torch.zeros(64)
    for conv in ("conv2.0.conv3", "conv2.0.downsample", "conv2.1.conv3"):
        norm = state[f"{conv}.bn.weight"]
        score += state[f"{conv}.conv.weight"].abs().sum((1, 2, 3)) * norm.abs()
    chosen = score.topk(32).indices.sort().values
    for conv in ("conv2.0.conv3", "conv2.0.downsample", "conv2.1.conv3"):
        assert torch.equal(mine[f"{conv}.bn.bias"], state[f"{conv}.bn.bias"][chosen])
    stem = state["conv1.conv.weight"].abs().sum((1, 2, 3)) * state["conv1.bn.weight"].abs()
    read = stem.topk(8).indices.sort().values
    expected = state["conv2.0.downsample.conv.weight"][chosen][:, read]
    assert torch.equal(mine["conv2.0.downsample.conv.weight"], expected)


@pytest.mark.parametrize("gate", ["unified", "separate", "fixed", "none"])
def test_streams_that_are_added_and_their_gates_share_one_choice(gate: str) -> None:
    fields = {"gate": gate, "streams": 2, "gate_reduction": 4}
    source, model = trained(network(0.5, **fields)), build(network(0.25, **fields), seed=5)
    assert inherit(model, source, channels="magnitude").share == 1
    state, mine = source.state_dict(), model.state_dict()
    score = torch.zeros(16)
    for stream in ("conv2.0.conv2a", "conv2.0.conv2b.1"):  # pointwise, then depthwise with a norm
        depthwise = state[f"{stream}.conv2.weight"].abs().sum((1, 2, 3))
        score += state[f"{stream}.conv1.weight"].abs().sum((1, 2, 3))
        score += depthwise * state[f"{stream}.bn.weight"].abs()
    for name, value in state.items():
        if re.fullmatch(r"conv2\.0\.gate\..*fc2\.weight", name):
            score += value.abs().sum((1, 2, 3))
    chosen = score.topk(8).indices.sort().values
    ends = r"conv2\.0\.(conv2a\.bn|conv2b\.1\.bn|gate\..*fc2|gate\.\d)\.(bias|logit)"
    tied = [name for name in state if re.fullmatch(ends, name)]
    assert len(tied) == {"unified": 3, "separate": 4, "fixed": 4, "none": 2}[gate]
    for name in tied:
        assert torch.equal(mine[name], state[name][chosen])


def test_in_order_the_first_channels_are_taken_and_of_a_concatenation_those_of_each_stream() -> (
    None
):
    source, model = trained(network(0.5, fusion="concat")), build(network(0.25, fusion="concat"))
    inherit(model, source)
    state, mine = source.state_dict(), model.state_dict()
    assert torch.equal(
        mine["conv2.1.conv1.conv.weight"], state["conv2.1.conv1.conv.weight"][:8, :32]
    )
    columns = [16 * t + i for t in range(4) for i in range(8)]
    fused = state["conv2.1.conv3.conv.weight"]
    assert torch.equal(mine["conv2.1.conv3.conv.weight"], fused[:32, columns])


def test_more_channels_take_the_sources_first_and_keep_their_initialisation() -> None:
    source, model = trained(network(0.25)), build(network(0.5), seed=5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = inherit(model, source, channels="magnitude")
    assert sum(unused.dropped for unused in found.unused) == 0
    name = "conv2.1.conv1.conv.weight"
    old, new = source.state_dict()[name], model.state_dict()[name]
    assert torch.equal(new[:8, :32], old)
    assert torch.equal(new[8:], before[name][8:]) and torch.equal(new[:, 32:], before[name][:, 32:])
    (row,) = (row for row in found.rows if row.name == name)
    assert (row.carried, row.elements, row.why) == (8 * 32, 16 * 64, "more channels")


@pytest.mark.parametrize("fusion", ["add", "concat"])
def test_streams_that_the_variant_has_not_are_dropped_and_new_ones_keep_theirs(fusion: str) -> None:
    four, two = network(streams=4, fusion=fusion), network(streams=2, fusion=fusion)
    source, model = trained(four), build(two, seed=5)
    found = inherit(model, source)
    assert found.share == 1
    state = source.state_dict()
    dropped = {unused.name for unused in found.unused}
    assert "conv2.0.conv2c.1.conv1.weight" in dropped and "conv2.0.conv2b.1.bn.bias" not in dropped
    if fusion == "concat":  # the source, when its last streams are silent
        for name, value in state.items():
            if re.search(r"conv3\.conv\.weight", name) and value.shape[1] % 4 == 0:
                value[:, value.shape[1] // 2 :] = 0
        torch.testing.assert_close(embedding(model), embedding(source))
    back = build(four, seed=6)
    fresh = build(four, seed=6).state_dict()
    again = inherit(back, model)
    assert {row.why for row in again.rows} <= {"", "not in the source", "more channels"}
    for name, value in back.state_dict().items():
        assert not re.search("conv2[cd]", name) or torch.equal(value, fresh[name])
    name = "conv2.1.conv3.conv.weight"
    width = model.state_dict()[name].shape[1]
    assert torch.equal(back.state_dict()[name][:, :width], model.state_dict()[name])
    assert torch.equal(back.state_dict()[name][:, width:], fresh[name][:, width:])


def test_a_sum_that_becomes_a_concatenation_is_the_same_function() -> None:
    source = trained(network(fusion="add"))
    model = build(network(fusion="concat"), seed=5)
    assert inherit(model, source).share == 1
    torch.testing.assert_close(embedding(model), embedding(source), rtol=1e-4, atol=1e-5)


def test_transitions_and_the_head_go_by_their_place_where_depths_differ() -> None:
    source, model = trained(network(depth=2)), build(network(depth=1), seed=5)
    assert inherit(model, source).share == 1
    state, mine = source.state_dict(), model.state_dict()
    assert torch.equal(mine["conv2.1.0.conv.weight"], state["conv2.2.0.conv.weight"])
    for name, module in source.named_modules():  # a second block that adds nothing
        if re.fullmatch(r"conv[23]\.1\.conv3\.bn", name):
            assert isinstance(module, nn.BatchNorm2d)
            nn.init.zeros_(module.weight), nn.init.zeros_(module.bias)
    assert torch.equal(embedding(model), embedding(source))


def test_the_head_of_a_network_with_a_stage_less_is_not_taken_from_another_stage() -> None:
    source = trained(network())
    shorter = replace(source.architecture, stages=source.architecture.stages[:1])
    found = inherit(build(shorter), source, channels="magnitude")
    why = {row.name: row.why for row in found.rows}
    assert why["conv3.conv.weight"] == "reads other channels"
    assert all(not w for name, w in why.items() if name.startswith("conv2."))


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"gate": "none"}, {""}),
        ({"gate": "fixed"}, {"", "not in the source"}),
        ({"gate": "separate"}, {"", "not in the source"}),
        ({"gate": "streamwise"}, {"", "weighs maps, source channels"}),
        ({"convolution_kernel": 5}, {"", "kernel 5x5, source 3x3"}),
        ({"convolution": "separable"}, {"", "kernel 1x1, source 3x3", "kernel 3x3, source 1x1"}),
    ],
)
def test_a_variant_of_a_gate_or_convolution_keeps_the_rest(
    fields: dict[str, Any], reasons: set[str]
) -> None:
    source, model = trained(network()), build(network(**fields), seed=5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = inherit(model, source)
    assert {row.why for row in found.rows} == reasons
    for row in found.rows:
        value = model.state_dict()[row.name]
        kept = before[row.name] if row.why else source.state_dict()[row.name]
        assert torch.equal(value, kept)
        assert row.carried == (0 if row.why else row.elements)


def test_of_another_family_what_reads_the_same_is_carried_and_nothing_inside() -> None:
    source, model = trained(network()), build(network(family="inception"), seed=5)
    why = {row.name: row.why for row in inherit(model, source).rows}
    assert {w for name, w in why.items() if ".branch" in name} == {"not in the source"}
    assert why["conv2.0.conv3.conv.weight"] == "reads other channels"
    assert {w for name, w in why.items() if not name.startswith(("conv2.", "conv3."))} == {""}


def test_embedding_classes_stem_and_norm() -> None:
    source = trained(network(), classes=5)
    other = replace(network(), embedding=40, stem="conv7", stem_norm="instance")
    model = build(other.resized(Size(64, 32)), 7)
    why = {row.name: row.why for row in inherit(model, source).rows if row.why}
    assert why == {
        "conv1.conv.weight": "kernel 7x7, source 3x3",
        "fc.0.weight": "more channels",
        "fc.0.bias": "more channels",
        **dict.fromkeys([f"fc.1.{n}" for n in ("weight", "bias", "running_mean", "running_var")],
                        "more channels"),
        "classifier.weight": "7 classes, source 5",
        "classifier.bias": "7 classes, source 5",
    }  # fmt: skip
    smaller = build(replace(network(), embedding=16), 5)
    assert inherit(smaller, source, channels="magnitude").share == 1
    gamma = source.state_dict()["fc.1.weight"]
    score = source.state_dict()["fc.0.weight"].abs().sum(1) * gamma
    kept = score.topk(16).indices.sort().values
    classifier = source.state_dict()["classifier.weight"]
    assert torch.equal(smaller.state_dict()["classifier.weight"], classifier[:, kept])


@families.register("joined")
class Joined(Component):
    """Nothing is added, and what is concatenated leaves the block."""

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        return net.concat(*(net.conv(x, channels // 2, 1, name=f"half{i}") for i in range(2)))


def test_concatenated_channels_are_told_apart_in_the_next_part() -> None:
    source, model = trained(network(0.5, family="joined")), build(network(0.25, family="joined"))
    assert inherit(model, source).share == 1
    name = "conv2.1.half1.weight"
    columns = [*range(16), *range(32, 48)]
    assert torch.equal(model.state_dict()[name], source.state_dict()[name][:16, columns])


@families.register("nested")
class Nested(Component):
    """The name of one layer begins as that of another."""

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        return net.conv(net.conv(x, channels // 2, 1, name="g"), channels, 1, name="g.b")


def test_a_tensor_is_of_the_layer_that_has_it_whatever_the_names() -> None:
    source, model = trained(network(family="nested")), build(network(family="nested"))
    found = inherit(model, source)
    assert [row.name for row in found.rows] == list(dict.fromkeys(row.name for row in found.rows))
    assert found.share == 1 and torch.equal(embedding(model), embedding(source))


@register_layer("pooled_mix")
class PooledMix(nn.Module):
    """An operator of a plug-in whose weights are those of a module within it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Conv1d(channels, channels, 1), nn.BatchNorm1d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x.flatten(2)).view_as(x)


@families.register("mixed")
class Mixed(Component):
    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        x = net.conv_norm_relu(x, channels, 1, name="first")
        return net.layer("pooled_mix", x, shape=x.shape, name="mixed", channels=channels)


def test_the_modules_within_a_layer_of_a_plug_in_are_carried() -> None:
    source, model = trained(network(family="mixed")), build(network(family="mixed"))
    found = inherit(model, source)
    assert found.share == 1 and not found.unused
    assert torch.equal(embedding(model), embedding(source))


def test_what_follows_a_block_of_another_family_is_carried() -> None:
    plain = {"family": "se", "reduction": 0}
    rows = inherit(build(network(**plain)), trained(network(family="turned"))).rows
    why = {row.name: row.why for row in rows}
    assert why["conv2.0.conv1.conv.weight"] == "not in the source"
    assert why["conv2.2.0.conv.weight"] == why["conv4.conv.weight"] == ""


@families.register("turned")
class Turned(Component):
    """A single 3x3 convolution."""

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        return net.relu(net.conv(x, channels, 3, name="turn"))


@families.register("regrouped")
class Regrouped(Component):
    """One tensor is read in 2 groups and in 4, which no choice of channels suits."""

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        x = net.conv(x, channels, 1, name="first")
        two = net.conv(x, channels, 1, groups=2, name="two")
        four = net.conv(x, channels, 1, groups=4, name="four")
        return net.conv(net.concat(two, four), channels, 1, name="last")


def dense(weight: Tensor, groups: int) -> Tensor:
    """A grouped 1x1 convolution's weight as (outputs, inputs); NaN between groups."""
    made, each = weight.shape[:2]
    full = torch.full((made, each * groups), torch.nan)
    for o in range(made):
        start = o // (made // groups) * each
        full[o, start : start + each] = weight[o, :, 0, 0]
    return full


def test_of_groups_that_do_not_fit_only_weights_between_the_same_channels_are_carried() -> None:
    source, model = trained(network(0.5, family="regrouped")), build(network(family="regrouped"))
    name = "conv2.0.four.weight"
    before = dense(model.state_dict()[name], 4)
    inherit(model, source)
    read = [*range(16), *range(32, 48)]  # the first half of each of the 2 groups
    expected = dense(source.state_dict()[name], 4)[:32][:, read]
    kept = expected.isnan() & ~before.isnan()
    assert kept.any() and not kept[~before.isnan()].all()
    expected = torch.where(kept, before, expected)
    found = dense(model.state_dict()[name], 4)
    assert torch.equal(found[~found.isnan()], expected[~found.isnan()])


@families.register("divided")
class Divided(Component):
    """A concatenation is added to a tensor in one piece."""

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        halves = [net.conv(x, channels // 2, 1, name=f"half{i}") for i in range(2)]
        return net.add(net.concat(*halves), net.conv(x, channels, 1, name="whole"))


def test_channels_that_are_divided_differently_are_carried_whole_or_not() -> None:
    source = trained(network(0.5, family="divided"))
    assert inherit(build(network(0.5, family="divided")), source, channels="magnitude").share == 1
    rows = inherit(build(network(0.25, family="divided")), source, channels="magnitude").rows
    carried = {row.name: row.carried for row in rows}
    assert carried["conv2.0.half0.weight"] == carried["conv2.0.whole.weight"] == 0
    assert carried["conv1.conv.weight"] == 8 * 27


def test_the_report_adds_up() -> None:
    source, model = trained(network(0.5, streams=4)), build(network(0.25, streams=5))
    found = inherit(model, source)
    parts = found.by_part()
    total = sum(value.numel() for value in model.state_dict().values())
    assert sum(part["elements"] for part in parts) == total
    assert sum(part["carried"] for part in parts) == round(found.share * total)
    assert [part["part"] for part in parts][:2] == ["stem", "stages[0].blocks[0]"]
    dropped = sum(unused.dropped for unused in found.unused)
    given = sum(value.numel() for value in source.state_dict().values())
    assert given - dropped == sum(part["carried"] for part in parts)
    assert found.summary().endswith(f"{dropped:,} elements of the source dropped")
