"""Weights against an independent re-statement of torchreid's models (reference.py)."""

import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nas.architecture import Architecture, Size, from_document, preset, to_document
from nas.errors import UserError
from nas.models import build
from nas.models.torchscript import to_torchscript
from nas.models.weights import (
    import_network,
    load_network,
    load_torchreid,
    read_checkpoint,
    save_network,
    to_torchreid,
)
from tests.models.reference import Reference

CHANNELS = {
    "x1_0": (64, 256, 384, 512),
    "x0_75": (48, 192, 288, 384),
    "x0_5": (32, 128, 192, 256),
    "x0_25": (16, 64, 96, 128),
}
KINDS = [
    *((f"osnet_{width}", "osnet", width) for width in CHANNELS),
    ("osnet_ibn_x1_0", "ibn", "x1_0"),
    *((f"osnet_ain_{width}", "ain", width) for width in CHANNELS),
]


def reference(kind: str, width: str) -> Reference:
    torch.manual_seed(0)
    model = Reference(kind, CHANNELS[width], 11)
    for name, value in model.state_dict().items():  # no statistic is what it was initialised to
        if value.is_floating_point():
            value.add_(torch.rand_like(value) * (0.1 if "var" in name else 0.01))
    return model.eval()


@pytest.mark.parametrize(("name", "kind", "width"), KINDS)
def test_both_ways_strict_and_with_identical_outputs(name: str, kind: str, width: str) -> None:
    source = reference(kind, width)
    model = build(preset(name), 11).eval()
    load_torchreid(model, source.state_dict())
    image = torch.randn(2, 3, 64, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(model(image), source(image))
    back = Reference(kind, CHANNELS[width], 11).eval()
    back.load_state_dict(to_torchreid(model), strict=True)
    with torch.inference_mode():
        assert torch.equal(back(image), source(image))


def test_a_checkpoint_of_another_network_is_refused_with_what_does_not_fit() -> None:
    model = build(preset("osnet_x0_25"), 11)
    with pytest.raises(UserError, match=r"weight is 32x3x7x7, not 16x3x7x7.*more; `weights init`"):
        load_torchreid(model, reference("osnet", "x0_5").state_dict())
    with pytest.raises(UserError, match=r"conv1.bn.running_mean is missing"):
        load_torchreid(model, reference("ain", "x0_25").state_dict())
    with pytest.raises(UserError, match=r"classifier.weight is 11x512, not 12x512"):
        load_torchreid(build(preset("osnet_x0_25"), 12), reference("osnet", "x0_25").state_dict())


def test_the_classifier_is_left_out_where_there_is_none_and_data_parallel_is_understood() -> None:
    state = reference("osnet", "x0_25").state_dict()
    model = build(preset("osnet_x0_25"))
    load_torchreid(model, {f"module.{n}": v for n, v in state.items()})
    loaded = model.state_dict()
    assert loaded.keys() == state.keys() - {"classifier.weight", "classifier.bias"}
    assert all(torch.equal(value, state[name]) for name, value in loaded.items())


def stages(count: int) -> Architecture:
    document = to_document(preset("osnet_x0_25"))
    document["stages"] = (document["stages"] * 2)[:count]
    return from_document(document)


def changed(**fields: object) -> Architecture:
    document = to_document(preset("osnet_x0_25"))
    document["stages"][1] |= fields
    return from_document(document)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (stages(2), "torchreid's OSNet has 3 stages, not 2"),
        (stages(4), "torchreid's OSNet has 3 stages, not 4"),
        (changed(streams=3), r"stages\[1\].blocks\[0\].streams: torchreid has 4, not 3"),
        (changed(convolution_kernel=5), r"blocks\[0\].convolution_kernel: torchreid has 3, not 5"),
        (changed(family="se"), r"stages\[1\].blocks\[0\].family: torchreid has osnet, not se"),
        (changed(downsample=1), r"stages\[1\].downsample: torchreid has 2, not 1"),
        (changed(instance_norm="both"), "no OSNet with instance norms in these places"),
        (replace(preset("osnet_x0_25"), stem="conv3"), "no OSNet with the stem 'conv3'"),
    ],
)
def test_what_torchreid_can_not_express_is_said(architecture: Architecture, message: str) -> None:
    with pytest.raises(UserError, match=message):
        to_torchreid(build(architecture))


def test_the_file_with_weights_of_another_network_is_named(tmp_path: Path) -> None:
    torch.save(reference("osnet", "x0_25").state_dict(), tmp_path / "theirs.pth")
    with pytest.raises(UserError, match=r"theirs.pth: weights of another network: conv1"):
        import_network(tmp_path / "theirs.pth", preset("osnet_x0_5"))
    model = build("osnet_x0_25")
    model.architecture = preset("osnet_x0_5")
    save_network(model, tmp_path / "own.safetensors")
    with pytest.raises(UserError, match=r"own.safetensors: weights of another network: conv1"):
        load_network(tmp_path / "own.safetensors")


def test_a_self_contained_file_needs_nothing_else(tmp_path: Path) -> None:
    model = build(changed(streams=2, fusion="concat").resized(Size(64, 32)), 5, seed=3).eval()
    save_network(model, tmp_path / "net.safetensors")
    found = load_network(str(tmp_path / "net.safetensors"))
    assert found.architecture == model.architecture
    image = torch.randn(1, 3, 64, 32)
    with torch.inference_mode():
        assert torch.equal(found(image), model(image))


def test_a_file_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    model = build(changed(streams=2).resized(Size(64, 32)), 5)
    model.task, model.classes = "classification", tuple("abcde")
    for number in range(8):  # safetensors writes metadata in an order of chance
        save_network(model, tmp_path / f"{number}.safetensors")
    assert len({file.read_bytes() for file in tmp_path.iterdir()}) == 1
    found = load_network(tmp_path / "0.safetensors")
    assert (found.task, found.classes) == (model.task, model.classes)
    assert all(torch.equal(found.state_dict()[n], v) for n, v in model.state_dict().items())


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.int64])
def test_a_checkpoint_of_torchreids_engine_is_read(kind: type, tmp_path: Path) -> None:
    """With a number of numpy, its optimizer and its schedule beside the weights."""
    source = reference("osnet", "x0_25")
    optimizer = torch.optim.Adam(source.parameters(), amsgrad=True)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [20, 40])
    sum(p.sum() for p in source.parameters()).backward()
    optimizer.step()
    state = {
        "state_dict": OrderedDict((f"module.{n}", v) for n, v in source.state_dict().items()),
        "epoch": 5, "rank1": kind(0.5), "optimizer": optimizer.state_dict(),
        "scheduler": schedule.state_dict(),
    }  # fmt: skip
    torch.save(state, tmp_path / "model.pth.tar-5")
    model = import_network(tmp_path / "model.pth.tar-5", preset("osnet_x0_25"))
    assert all(torch.equal(model.state_dict()[n], v) for n, v in source.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.to(torch.int8), "conv1.conv.weight is of int8"),
        (lambda value: value.to(torch.complex64), "conv1.conv.weight is of complex64"),
        (lambda value: value * float("nan"), "conv1.conv.weight has values that are not finite"),
        (lambda value: (0 / (0 * value)).to(torch.float8_e4m3fn), "has values that are not finite"),
        (lambda value: value.to_sparse(), "conv1.conv.weight is not a plain tensor"),
        (lambda value: value.to("meta"), "conv1.conv.weight is not a plain tensor"),
    ],
)
def test_what_can_not_be_weights_is_refused(
    change: Callable[[torch.Tensor], torch.Tensor], message: str
) -> None:
    state = dict(reference("osnet", "x0_25").state_dict())
    half = {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }
    load_torchreid(build(preset("osnet_x0_25"), 11), half)
    state["conv1.conv.weight"] = change(state["conv1.conv.weight"])
    with pytest.raises(UserError, match=message):
        load_torchreid(build(preset("osnet_x0_25"), 11), state)


def test_files_that_are_no_checkpoints_are_one_clear_line_and_run_nothing(tmp_path: Path) -> None:
    import os
    import pickle

    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    files = {
        "payload.pth": pickle.dumps(Payload()),
        "empty.pth": b"",
        "text.pth": b"hello",
        "short.safetensors": b"\xff" * 20,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"{name}: not a file of tensors \([^\n]*\)$"):
            read_checkpoint(tmp_path / name)
    torch.save(Payload(), tmp_path / "zip.pth")
    with pytest.raises(UserError, match="not a file of tensors"):
        read_checkpoint(tmp_path / "zip.pth")
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(UserError, match="no state dict is in it"):
        read_checkpoint(tmp_path / "other.pth")
    assert not (tmp_path / "ran").exists()
    network = build(preset("osnet_x0_25").resized(Size(32, 16)))
    (tmp_path / "net.pt").write_bytes(to_torchscript(network))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match="more than tensors is in it, as in TorchScript"):
            read_checkpoint(tmp_path / "net.pt")
    with pytest.raises(UserError, match="No such file"):
        read_checkpoint(tmp_path / "missing.pth")
