"""The formats: how each is written, and how it is read back to be checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from nas.arguments import check_one_of
from nas.errors import UserError
from nas.export.runners import network_runner
from nas.models import Network, build
from nas.models.deployed import Runner, onnx_runner, torchscript_runner
from nas.models.onnx import to_onnx
from nas.models.torchscript import to_torchscript
from nas.models.weights import (
    load_network,
    load_torchreid,
    read_checkpoint,
    save_network,
    to_torchreid,
)


@dataclass(frozen=True)
class Format:
    """write(model, path, logits) and open(path, model), which runs the file.

    backend: what runs it. graph: whether the file holds the computation, and not the weights alone.
    """

    suffix: str
    backend: str
    graph: bool
    write: Callable[[Network, Path, bool], None]
    open: Callable[[Path, Network], Runner]


def _write_onnx(model: Network, path: Path, logits: bool) -> None:
    path.write_bytes(to_onnx(model, logits=logits))


def _write_torchscript(model: Network, path: Path, logits: bool) -> None:
    path.write_bytes(to_torchscript(model, logits=logits))


def _write_torchreid(model: Network, path: Path, logits: bool) -> None:
    torch.save(to_torchreid(model), path)


def _open_torchreid(path: Path, model: Network) -> Runner:
    found = build(model.architecture, model.num_classes)
    load_torchreid(found, read_checkpoint(path))
    return network_runner(found.eval())


FORMATS = {
    "onnx": Format(".onnx", "onnxruntime", True, _write_onnx, lambda path, _: onnx_runner(path)),
    "torchscript": Format(
        ".pt", "TorchScript", True, _write_torchscript, lambda path, _: torchscript_runner(path)
    ),
    "safetensors": Format(
        ".safetensors",
        "torch",
        False,
        lambda model, path, _: save_network(model, path),
        lambda path, _: network_runner(load_network(path)),
    ),
    "torchreid": Format(".pth", "torch", False, _write_torchreid, _open_torchreid),
}


def find_format(name: str | None, out: Path) -> str:
    """The name of the format, by `out`'s suffix where none is given; UserError where none fits."""
    suffixes = {found.suffix: known for known, found in FORMATS.items()}
    if name is None and out.suffix in suffixes:
        return suffixes[out.suffix]
    if name is None:
        said = ", ".join(f"{suffix} ({known})" for suffix, known in suffixes.items())
        raise UserError(f"--out: {out} ends in none of {said}")
    check_one_of("--format", name, FORMATS)
    if out.suffix != FORMATS[name].suffix:
        raise UserError(f"--out: {out} does not end in {FORMATS[name].suffix}, as {name} does")
    return name
