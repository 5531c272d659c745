"""Weights in and out: torchreid's names, and self-contained files.

torchreid has two OSNet models. Ours have the names of the first one (OSNet and IBN); the second one
(AIN) keeps its streams in a list, conv2.0.conv2.3.layers.1, and its transitions apart, pool2.0.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from nas.architecture import Architecture, from_json
from nas.architecture.value import Block
from nas.arguments import a_path
from nas.errors import UserError
from nas.files import write_atomically
from nas.models.about import about
from nas.models.network import Network, build
from nas.plugins import maybe_missing

Dialect = Literal["osnet", "ain"]
OSNET = {
    "family": "osnet",
    "streams": 4,
    "stream_depth": 0,
    "gate": "unified",
    "gate_reduction": 16,
    "fusion": "add",
    "convolution": "lite",
    "convolution_kernel": 3,
    "bottleneck": 4,
}
STAGES = 3
_scalar = np.float32(0).__reduce__()[0]
NUMBERS: list[Any] = [
    *((_scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *(np.dtype, *(type(np.dtype(name)) for name in ("float32", "float64", "int64"))),
]
"""What a number of numpy is pickled with: torchreid saves its rank-1 beside the weights."""
STREAM = re.compile(r"(conv\d+\.\d+)\.conv2([a-d])(?:\.(\d+))?\.((?:conv1|conv2|bn)\..*)")
AIN_STREAM = re.compile(r"(conv\d+\.\d+)\.conv2\.(\d+)\.layers\.(\d+)\.(.*)")
TRANSITION = re.compile(r"conv(\d+)\.(\d+)\.0\.((?:conv|bn)\..*)")
AIN_TRANSITION = re.compile(r"pool(\d+)\.0\.(.*)")


def dialect(architecture: Architecture) -> Dialect:
    """Which of torchreid's models the architecture is; UserError where it is none of them."""
    a = architecture
    if a.stem != "conv7":
        raise UserError(f"torchreid has no OSNet with the stem {a.stem!r}, only conv7")
    norms = []
    for i, stage in enumerate(a.stages):
        if i + 1 < len(a.stages) and stage.downsample != 2:
            raise UserError(f"stages[{i}].downsample: torchreid has 2, not {stage.downsample}")
        blocks = [stage.block_at(j) for j in range(stage.depth)]
        for j, block in enumerate(blocks):
            _refuse_other(block, f"stages[{i}].blocks[{j}]")
        norms.append({block.get("instance_norm") for block in blocks})
    if len(a.stages) != STAGES:
        raise UserError(f"torchreid's OSNet has {STAGES} stages, not {len(a.stages)}")
    outside_first = norms[0] == {"outside"} and all(n == {"none"} for n in norms[1:])
    if all(n == {"none"} for n in norms) and a.stem_norm == "batch":
        return "osnet"
    if outside_first and a.stem_norm == "instance":
        return "osnet"
    if all(n <= {"none", "inside"} for n in norms):
        return "ain"
    raise UserError("torchreid has no OSNet with instance norms in these places")


def _refuse_other(block: Block, path: str) -> None:
    for name, value in OSNET.items():
        if block.get(name) != value:
            raise UserError(f"{path}.{name}: torchreid has {value}, not {block.get(name)}")


def to_torchreid(model: Network) -> dict[str, Tensor]:
    """The model's state dict under torchreid's names; UserError where torchreid can not have it."""
    wanted = dialect(model.architecture)
    return {_outward(name, wanted): value for name, value in model.state_dict().items()}


def load_torchreid(model: Network, state: Mapping[str, Tensor]) -> None:
    """Load a torchreid state dict; every name and shape must fit, or UserError says which does not.

    The classifier is left out where the model has none.
    """
    dialect(model.architecture)
    depths = {i + 2: stage.depth for i, stage in enumerate(model.architecture.stages)}
    found = {_inward(name.removeprefix("module."), depths): value for name, value in state.items()}
    if model.classifier is None:
        found = {name: v for name, v in found.items() if not name.startswith("classifier.")}
    load_strictly(model, found)


def import_network(path: Path, architecture: Architecture) -> Network:
    """The network of torchreid's checkpoint of `architecture`, in eval mode, with its classifier.

    UserError for files that are no checkpoints, and for those of another network.
    """
    state = read_checkpoint(path)
    bias = state.get("classifier.bias", state.get("module.classifier.bias"))
    model = build(architecture, bias.numel() if bias is not None else 0)
    try:
        load_torchreid(model, state)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return model.eval()


def load_strictly(model: Network, state: Mapping[str, Tensor]) -> None:
    """Load a state dict of our names; UserError names the first few entries that do not fit."""
    own = model.state_dict()
    problems = [f"{name} is missing" for name in own if name not in state]
    problems += [f"{name} is not in the network" for name in state if name not in own]
    problems += [
        f"{name} is {_shape(state[name])}, not {_shape(own[name])}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    what, remedy = "weights of another network", "; `weights init` carries over what fits"
    if not problems:
        what, remedy = "these can not be weights", ""
        pairs = ((name, _no_weights(state[name], own[name])) for name in own)
        problems = [f"{name} {problem}" for name, problem in pairs if problem]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise UserError(f"{what}: {'; '.join(problems[:3])}{more}{remedy}")
    model.load_state_dict(dict(state))


def _no_weights(value: Tensor, own: Tensor) -> str:
    """Why a tensor can not stand for one of the network's, which it has the shape of."""
    if value.layout != torch.strided or value.is_meta:
        return "is not a plain tensor"
    if own.is_floating_point() and not value.is_floating_point():
        return f"is of {str(value.dtype).removeprefix('torch.')}"
    return "" if torch.isfinite(value.float()).all() else "has values that are not finite"


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """A state dict from a .safetensors file, or from a torch file that holds tensors only.

    A checkpoint as torchreid saves it (with the epoch and more beside `state_dict`) is understood.
    Code in the file is never run.
    """
    path = a_path("network", path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            return load(path.read_bytes())
        with torch.serialization.safe_globals(NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript and old files; what matters is raised
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except Exception as error:
        kind = type(error).__name__
        raise UserError(
            f"{path}: not a file of tensors (damaged, or more than tensors is in it, as in "
            f"TorchScript; {kind})"
        ) from None
    state = found.get("state_dict", found) if isinstance(found, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(n, str) and isinstance(v, Tensor) for n, v in state.items()
    ):
        raise UserError(f"{path}: no state dict is in it")
    return state


def save_network(model: Network, path: Path) -> None:
    """A self-contained file: the weights, with the architecture in its metadata."""
    from safetensors.torch import save

    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    write_atomically(path, _with_sorted_metadata(save(tensors, about(model))))


def _with_sorted_metadata(content: bytes) -> bytes:
    """The same file of safetensors, which writes metadata in an order of chance.

    It begins with the length of a header in JSON, padded to a multiple of 8.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def metadata(path: str | Path) -> dict[str, str]:
    """What a .safetensors file says of itself."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        return file.metadata() or {}


def load_network(path: str | Path | Network) -> Network:
    """The network of a file that `save_network` wrote, in eval mode; UserError for other files.

    A network is itself, as it is.
    """
    if isinstance(path, Network):
        return path
    if "#" in str(path) and not Path(path).exists():
        raise UserError(f"there is no file {path}; of a trial, open_run(RUN).network(NUMBER) is it")
    state = read_checkpoint(path)
    try:
        said = metadata(path)
        text, classes = said["architecture"], max(0, int(said["num_classes"]))
        names = tuple(map(str, json.loads(said.get("classes", "[]"))))
        if classes != len(state.get("classifier.weight", ())):
            raise ValueError(f"{classes} classes")
    except Exception:  # what safetensors raises has no common base
        raise UserError(f"{path}: no architecture is in its metadata, or a damaged one") from None
    try:
        architecture = from_json(text, str(path))
    except UserError as error:  # a kind of block that is not known
        raise UserError(f"{error}{maybe_missing(Path(path).parent)}") from None
    model = build(architecture, classes)
    model.task, model.classes = said.get("task", ""), names
    try:
        load_strictly(model, state)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return model.eval()


def _outward(name: str, wanted: Dialect) -> str:
    """Our name to torchreid's."""
    if wanted == "osnet":
        return name
    if match := STREAM.fullmatch(name):
        block, letter, depth, rest = match.groups()
        return f"{block}.conv2.{'abcd'.index(letter)}.layers.{depth or 0}.{rest}"
    if match := TRANSITION.fullmatch(name):
        return f"pool{match[1]}.0.{match[3]}"
    return name


def _inward(name: str, depths: Mapping[int, int]) -> str:
    """torchreid's name, of either model, to ours."""
    if match := AIN_STREAM.fullmatch(name):
        block, stream, depth, rest = match.groups()
        letter = "abcdef"[int(stream) % 6]
        return f"{block}.conv2{letter}.{depth}.{rest}" if int(stream) else f"{block}.conv2a.{rest}"
    if match := AIN_TRANSITION.fullmatch(name):
        stage = int(match[1])
        return f"conv{stage}.{depths.get(stage, 0)}.0.{match[2]}"
    return name


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
