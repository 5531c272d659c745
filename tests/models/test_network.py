"""The properties of OSNet that its paper states, from the modules themselves."""

import pytest
import torch
from torch import Tensor, nn

from nas.architecture import (
    Architecture,
    Block,
    Component,
    Node,
    Pen,
    Size,
    Stage,
    families,
    from_document,
    preset,
)
from nas.errors import UserError
from nas.models import Network, build
from nas.models.network import residual_scales
from nas.models.optimise import fold

CHANNELS = 64
MID = CHANNELS // 4


def one_block(streams: int = 4, gate: str = "unified", fusion: str = "add") -> Network:
    fields = {"streams": streams, "gate": gate, "fusion": fusion}
    block = Block("osnet", tuple(sorted(fields.items())))
    stages = (Stage(CHANNELS, 1, block=block),)
    size = Size(32, 32)
    architecture = Architecture(stages, size, stem="conv3_stride1", stem_channels=32)
    model = build(architecture).double().eval()
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():  # statistics that are not the identity
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features, generator=generator).double()
            module.running_var = torch.rand(module.num_features, generator=generator).double() + 0.5
    return model


def seen(model: Network, *names: str) -> dict[str, list[Tensor]]:
    """Outputs of the named modules, call by call, on a random image."""
    found: dict[str, list[Tensor]] = {name: [] for name in names}

    def keep(name: str) -> object:
        return lambda module, inputs, output: found[name].append(output.clone())

    handles = [model.get_submodule(n).register_forward_hook(keep(n)) for n in names]  # type: ignore[arg-type]
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    model(image.to(next(model.parameters()).dtype))
    for handle in handles:
        handle.remove()
    return found


def stream(model: Network, t: int, x: Tensor) -> Tensor:
    """F^t: t Lite 3x3 layers, applied by their modules one after the other."""
    name = f"conv2.0.conv2{'abcd'[t - 1]}"
    for depth in range(t):
        layer = model.get_submodule(f"{name}.{depth}" if t > 1 else name)
        x = torch.relu(layer.bn(layer.conv2(layer.conv1(x))))  # type: ignore[operator, union-attr]
    return x


def gate(model: Network, x: Tensor) -> Tensor:
    """G: the gate's weights for a stream."""
    net = model.get_submodule("conv2.0.gate")
    hidden = torch.relu(net.fc1(x.mean((2, 3), keepdim=True)))  # type: ignore[operator]
    return torch.sigmoid(net.fc2(hidden))  # type: ignore[operator]


def test_output_is_identity_plus_the_gated_sum_of_streams() -> None:
    model = one_block()
    names = ("conv1.bn", "conv2.0.conv3.bn", "conv2.0.downsample.bn")
    found = seen(model, *names)
    image = torch.relu(found["conv1.bn"][0])
    block = model.get_submodule("conv2.0")
    narrow = torch.relu(block.conv1.bn(block.conv1.conv(image)))  # type: ignore[operator, union-attr]
    streams = [stream(model, t, narrow) for t in (1, 2, 3, 4)]
    total = sum(gate(model, x) * x for x in streams)
    residual = block.conv3.bn(block.conv3.conv(total))  # type: ignore[operator, union-attr]
    identity = block.downsample.bn(block.downsample.conv(image))  # type: ignore[operator, union-attr]
    found = seen(model, "conv2.0.conv3.bn", "conv2.0.downsample.bn", "conv3.conv")
    torch.testing.assert_close(found["conv2.0.conv3.bn"][0], residual)
    expected = model.get_submodule("conv3.conv")(torch.relu(residual + identity))
    torch.testing.assert_close(found["conv3.conv"][0], expected)


def test_unified_gate_has_as_many_parameters_at_any_number_of_streams() -> None:
    def gate_parameters(streams: int) -> int:
        module = one_block(streams).get_submodule("conv2.0.gate")
        return sum(p.numel() for p in module.parameters())

    assert {gate_parameters(t) for t in range(1, 7)} == {MID + 1 + MID + MID}  # one hidden channel


def test_gradient_of_the_shared_gate_is_the_sum_over_separate_equal_gates() -> None:
    shared, separate = one_block(gate="unified"), one_block(gate="separate")
    target = dict(separate.named_parameters())
    with torch.no_grad():
        for name, value in shared.named_parameters():
            if ".gate." not in name:
                target[name].copy_(value)
                continue
            for t in range(4):
                target[name.replace(".gate.", f".gate.{t}.")].copy_(value)
        for name, value in shared.named_buffers():
            dict(separate.named_buffers())[name].copy_(value)
    image = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2)).double()
    for model in (shared, separate):
        model(image).square().sum().backward()
    for name, value in shared.named_parameters():
        if ".gate." in name:
            parts = [target[name.replace(".gate.", f".gate.{t}.")].grad for t in range(4)]
            assert value.grad is not None
            torch.testing.assert_close(value.grad, sum(parts))  # type: ignore[arg-type]
            assert not torch.allclose(value.grad, parts[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("t", [1, 2, 3, 4])
def test_receptive_field_of_stream_t_is_2t_plus_1(t: int) -> None:
    model = one_block(gate="none")
    x = torch.rand(1, MID, 21, 21, dtype=torch.double, requires_grad=True)
    y = stream_without_relu(model, t, x)
    y[0, :, 10, 10].sum().backward()
    assert x.grad is not None
    touched = x.grad.abs().sum(dim=(0, 1)) > 0
    rows, columns = touched.nonzero(as_tuple=True)
    size = 2 * t + 1
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (size, size)
    assert touched.sum() == size * size


def stream_without_relu(model: Network, t: int, x: Tensor) -> Tensor:
    """The stream's linear layers: a ReLU could hide a pixel by chance."""
    name = f"conv2.0.conv2{'abcd'[t - 1]}"
    for depth in range(t):
        layer = model.get_submodule(f"{name}.{depth}" if t > 1 else name)
        x = layer.conv2(layer.conv1(x))  # type: ignore[operator, union-attr]
    return x


def test_training_gives_logits_and_embedding_and_eval_the_embedding() -> None:
    model = build(preset("osnet_x0_25").resized(Size(64, 32)), 7)
    image = torch.zeros(2, 3, 64, 32)
    logits, embedding = model.train()(image)
    assert logits.shape == (2, 7)
    assert embedding.shape == (2, 512)
    assert model.eval()(image).shape == (2, 512)


@pytest.mark.parametrize("count", [-1, 2.0, "2"])
def test_a_number_of_classes_is_whole(count: object) -> None:
    with pytest.raises(UserError, match=r"^num_classes: "):
        build("osnet_x0_25", count)  # type: ignore[arg-type]


def test_equal_layers_start_equal_in_different_architectures() -> None:
    four, two = one_block(streams=4), one_block(streams=2)
    same = dict(four.named_parameters())
    for name, value in two.named_parameters():
        assert torch.equal(value, same[name])


def test_initialisation_depends_on_seed_and_name() -> None:
    architecture = preset("osnet_x0_25")
    first, second = build(architecture, seed=1), build(architecture, seed=2)
    weight = "conv2.0.conv1.conv.weight"
    assert not torch.equal(first.state_dict()[weight], second.state_dict()[weight])
    stds = [m.weight.std() for m in first.modules() if isinstance(m, nn.Conv2d)]
    assert min(stds) > 0


@pytest.mark.parametrize(
    ("family", "fields", "last"),
    [
        ("osnet", {}, "conv3.bn"),
        ("osnet", {"streams": 2, "gate": "none"}, "conv3.bn"),
        ("osnet", {"streams": 3, "gate": "fixed", "fusion": "concat"}, "conv3.bn"),
        ("osnet", {"instance_norm": "inside"}, "IN"),
        ("osnet", {"instance_norm": "both"}, "IN_in"),
        ("resnext", {}, "conv3.bn"),
        ("inception", {}, "conv3.bn"),
        ("mobilenet", {"squeeze": 4}, "conv3.bn"),
        ("se", {"reduction": 0}, "conv3.bn"),
        ("se", {}, "conv3.bn"),  # its gate stands behind the norm
    ],
)
def test_a_residual_branch_ends_with_its_last_norm(
    family: str, fields: dict[str, int | str], last: str
) -> None:
    block = Block(family, tuple(sorted(fields.items())))
    stages = (Stage(16, 2, block=block), Stage(32, 2, block=block))
    model = build(Architecture(stages, Size(32, 32), stem="conv3", stem_channels=16))
    names = {id(own): name for name, own in model.named_parameters()}
    found = [names[id(weight)] for weight in residual_scales(model)]
    expected = 3 if family == "mobilenet" else 4  # one has no identity, as its channels change
    assert len(set(found)) == len(found) == expected
    assert all(name.endswith(f".{last}.weight") for name in found)


def test_at_a_residual_scale_of_0_a_block_is_its_shortcut() -> None:
    stages = (Stage(32, 2), Stage(32, 1))
    architecture = Architecture(stages, Size(32, 32), stem="conv3", stem_channels=32)
    started = build(architecture, seed=1, residual_scale=0.0).eval()
    last = [name for name, _ in started.named_modules() if name.endswith("conv3.bn")]
    outputs = seen(started, *last)
    assert len(last) == 3
    assert not any(own.any() for (own,) in outputs.values())
    plain = dict(build(architecture, seed=1).named_parameters())
    differ = {n for n, p in started.named_parameters() if not torch.equal(p, plain[n])}
    assert differ == {f"{name}.weight" for name in last}


@families.register("identity_first")
class IdentityFirst(Component):
    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        y = net.norm(net.conv(x, channels, 3, name="conv"), name="bn")
        return net.add(x, y) if x.channels == channels else y


def test_the_branch_of_a_sum_is_what_is_computed_from_the_identity() -> None:
    stages = [{"channels": c, "family": "identity_first", "depth": 2} for c in (16, 32)]
    model = build(from_document({"input": "32x32", "stages": stages}))
    names = {id(own): name for name, own in model.named_parameters()}
    ends = {names[id(weight)] for weight in residual_scales(model)}
    assert ends == {"conv2.1.bn.weight", "conv3.1.bn.weight"}


@families.register("one_in_the_other")
class OneInTheOther(Component):
    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        return net.conv(net.conv(x, channels, 1, name="a.b"), channels, 1, name="a")


def test_a_layer_does_not_push_another_out_of_its_place() -> None:
    stages = [{"channels": 16, "family": "one_in_the_other"}]
    with pytest.raises(UserError, match=r"'conv2.0.a': another layer is in that place"):
        build(from_document({"input": "64x32", "stages": stages}))


def test_a_layer_in_the_place_of_another_computes() -> None:
    network, image = build("osnet_x0_25").eval(), torch.randn(1, 3, 64, 32)
    before = network(image)
    network.conv1.conv = nn.Conv2d(3, 16, 7, 2, 3, bias=False)  # type: ignore[union-attr]
    changed = network(image)
    assert not changed.equal(before)
    assert fold(network)(image).allclose(changed, atol=1e-5)
    other = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    assert any(isinstance(function, nn.SyncBatchNorm) for function, _, _ in other.steps)
    network.conv2 = nn.Identity()
    with pytest.raises(RuntimeError, match=r"conv2.* is computed, but no longer a layer"):
        network(image)


def test_a_replica_on_another_device_computes_with_its_own_layers() -> None:
    network, image = build("osnet_x0_25").eval(), torch.randn(1, 3, 64, 32)
    copies = {module: module._replicate_for_data_parallel() for module in network.modules()}  # type: ignore[no-untyped-call]
    for module, own in copies.items():  # as DataParallel does
        own._modules = {n: copies.get(child) for n, child in module._modules.items()}
        own._parameters = {n: p if p is None else p * 0 for n, p in module._parameters.items()}
    assert not copies[network](image).any()
    assert network(image).any()
