"""Each format gives back the network; what is wrong leaves no file."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nas.architecture import preset
from nas.cost import cost
from nas.errors import UserError
from nas.export import Calibration, export_network, formats
from nas.export.runners import largest_difference
from nas.models import Network, build, load_network
from nas.models.deployed import Runner
from nas.models.weights import load_torchreid
from tests.models.test_onnx import ARCHITECTURES, SMALL, images
from tests.models.test_optimise import lived_in


def model(classes: int = 0) -> Network:
    return lived_in(build(ARCHITECTURES["one stream"], classes))


def expected(network: Network, given: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(given)).numpy()


def same(found: np.ndarray, wanted: np.ndarray) -> bool:
    return bool(np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max())


# What a user without this toolkit would run.
STRANGER = """
import sys
sys.modules["nas"] = None
import json
import numpy as np
given = np.load("given.npy")
if sys.argv[1] == "onnx":
    import onnxruntime
    session = onnxruntime.InferenceSession("network.onnx")
    about = session.get_modelmeta().custom_metadata_map
    found = session.run(["embedding"], {"images": given})[0]
else:
    import torch
    extra = {"about.json": ""}
    network = torch.jit.load("network.pt", _extra_files=extra)
    about = json.loads(extra["about.json"])
    found = network(torch.from_numpy(given)).numpy()
np.save("found.npy", found)
print(about["input"], about["mean"])
"""


@pytest.mark.parametrize(("format", "name"), [("onnx", "network.onnx"), ("pt", "network.pt")])
def test_files_with_a_graph_run_where_the_toolkit_is_not(
    format: str, name: str, tmp_path: Path
) -> None:
    network = model()
    export_network(network, tmp_path / name)
    given = images(5)
    np.save(tmp_path / "given.npy", given)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STRANGER, format],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=1) == ["64x32", "[0.485, 0.456, 0.406]\n"]
    assert same(np.load(tmp_path / "found.npy"), expected(network, given))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", ["instance norm both", "family inception", "gate fixed"])
def test_torchscript_holds_other_networks_and_their_logits(name: str, tmp_path: Path) -> None:
    network = lived_in(build(ARCHITECTURES[name], 5))
    export_network(network, tmp_path / "network.pt", logits=True)
    given = torch.from_numpy(images(3))
    embedding, logits = torch.jit.load(tmp_path / "network.pt")(given)
    with torch.inference_mode():
        wanted = network(given)
        assert network.classifier is not None
        assert same(logits.numpy(), network.classifier(wanted).numpy())
    assert same(embedding.numpy(), wanted.numpy())


def test_weights_alone_come_back_to_the_bit(tmp_path: Path) -> None:
    network = lived_in(build(preset("osnet_ain_x0_25").resized(SMALL), 5))
    state = network.state_dict()
    export_network(network, tmp_path / "own.safetensors")
    export_network(network, tmp_path / "theirs.pth")
    own, theirs = load_network(tmp_path / "own.safetensors"), build(network.architecture, 5)
    load_torchreid(theirs, torch.load(tmp_path / "theirs.pth", weights_only=True))
    for found in (own, theirs):
        assert all(torch.equal(value, state[name]) for name, value in found.state_dict().items())


def test_what_is_told_is_of_the_file_and_of_the_network(tmp_path: Path) -> None:
    network = model()
    found = export_network(network.train(), tmp_path / "network.onnx")
    wanted = cost(network.architecture)
    assert (found.macs, found.params) == (wanted.macs, wanted.params)
    assert found.bytes == (tmp_path / "network.onnx").stat().st_size
    assert (found.format, found.backend) == ("onnx", "onnxruntime")
    assert 0 < found.difference <= 1e-4
    assert found.latency_ms_p50 > 0
    assert network.training


def test_a_file_that_computes_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, write = model(), formats.to_onnx
    other = copy.deepcopy(network)
    with torch.no_grad():
        next(other.parameters()).mul_(1.01)
    monkeypatch.setattr(formats, "to_onnx", lambda _, logits: write(other, logits=logits))
    file = tmp_path / "network.onnx"
    file.write_bytes(b"what was there")
    with pytest.raises(UserError, match=r"was not written: onnxruntime and torch differ by 0\.0"):
        export_network(network, file)
    assert [x.name for x in tmp_path.iterdir()] == ["network.onnx"]
    assert file.read_bytes() == b"what was there"


def test_difference_is_relative_to_the_largest_output() -> None:
    def outputs(*values: float) -> Runner:
        return lambda given: {"embedding": np.array([values] * len(given), np.float32)}

    assert largest_difference(outputs(8, 2), outputs(8, 3), SMALL) == 1 / 8
    assert largest_difference(outputs(8, -2), outputs(8, float("nan")), SMALL) == float("inf")
    assert largest_difference(outputs(8, 2), outputs(8), SMALL) == float("inf")


@pytest.mark.parametrize(
    ("out", "arguments", "message"),
    [
        ("network.bin", {}, r"network.bin ends in none of .onnx \(onnx\), .pt \(torchscript\)"),
        ("network.pt", {"format": "onnx"}, "does not end in .onnx, as onnx does"),
        ("network.onnx", {"format": "tflite"}, "'tflite' is not one of onnx, torchscript"),
        ("none/network.onnx", {}, "is not a file in a directory that exists"),
        ("network.onnx", {"logits": True}, "no classifier, so there are no logits"),
        ("own.safetensors", {"logits": True}, "--logits: safetensors has the weights alone"),
        ("network.pt", {"int8": Calibration("synthetic")}, "--int8: only for onnx"),
    ],
)
def test_what_can_not_be_is_one_line(
    out: str, arguments: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        export_network(model(), tmp_path / out, **arguments)
    assert not list(tmp_path.iterdir())


def test_torchreid_is_refused_what_it_has_not(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"family: torchreid has osnet, not inception"):
        export_network(build(ARCHITECTURES["family inception"]), tmp_path / "network.pth")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_library_that_is_not_installed_is_named(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    wanted = rf"{missing} is not installed: pip install 'osnet-nas\[export\]'"
    with pytest.raises(UserError, match=wanted):
        export_network(model(), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())
