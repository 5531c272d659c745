"""The file that is deployed, run by what runs it there, in the place of its network."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nas.architecture import Size
from nas.architecture.lower import IMAGE_CHANNELS
from nas.arguments import a_path
from nas.errors import UserError
from nas.models.about import FORMAT, PREPARED
from nas.models.network import Network
from nas.models.onnx import session
from nas.models.torchscript import ABOUT
from nas.models.weights import load_network

Floats: TypeAlias = NDArray[np.float32]
Runner: TypeAlias = Callable[[Floats], dict[str, Floats]]
"""Normalised images (N, 3, H, W) to outputs by name: `embedding` (N, E), `logits` (N, classes)."""


class Deployed(Network):
    """A network whose embeddings a file computes, on the CPU; it has no layers and no gradients.

    Logits are the file's, or `classifier`'s of its embeddings where the file gives none.
    """

    def __init__(self, run: Runner, size: Size, classifier: nn.Linear | None = None) -> None:
        nn.Module.__init__(self)
        self.run, self.input_shape = run, (IMAGE_CHANNELS, *size)
        self.classifier = classifier
        found = self._outputs(torch.zeros(1, *self.input_shape))
        _, logits = found["embedding"], found.get("logits")
        self._classes = super().num_classes if logits is None else logits.shape[1]

    @property
    def num_classes(self) -> int:
        return self._classes

    def embed(self, x: Tensor) -> Tensor:
        return self._outputs(x)["embedding"]

    def classify(self, x: Tensor) -> Tensor:
        found = self._outputs(x)
        if "logits" not in found and self.classifier is not None:
            found["logits"] = self.classifier(found["embedding"])
        return found["logits"]

    def _outputs(self, x: Tensor) -> dict[str, Tensor]:
        found = self.run(np.ascontiguousarray(x.numpy()))
        return {name: torch.from_numpy(value) for name, value in found.items()}


def load_trained(path: str | Path | Network) -> Network:
    """The network of a file that `save_network` wrote, or what an exported .onnx or .pt computes.

    A network is itself, as it is. UserError for other files, and for one that does not say of
    itself that it takes images as they are prepared here.
    """
    if isinstance(path, Network) or a_path("network", path).suffix not in OPENERS:
        return load_network(path)
    file = Path(path)
    if not file.is_file():
        raise UserError(f"there is no file {file}")
    run, said = OPENERS[file.suffix](file)
    if said.get("format") != FORMAT:
        raise UserError(
            f"{file} does not say what images it takes, as the files say that `export` writes"
        )
    for name, ours in PREPARED.items():
        if said.get(name, ours) != ours:
            raise UserError(f"{file}: it takes {name} {said[name]}; images have {ours} here")
    try:
        network = Deployed(run, Size.parse(said["input"], f"{file}: input"))
        network.classes = tuple(map(str, json.loads(said.get("classes", "[]"))))
    except UserError:
        raise
    except Exception as error:  # what runs it raises what it likes
        raise UserError(f"{file} can not be run ({type(error).__name__})") from None
    network.task = said.get("task", "")
    return network


def onnx_runner(path: Path) -> Runner:
    """An ONNX file in onnxruntime, on the CPU, with as many threads as torch has."""
    return _run_session(session(path))


def torchscript_runner(path: Path) -> Runner:
    """A TorchScript file in torch, on the CPU."""
    return _open_torchscript(path)[0]


def _run_session(opened: Any) -> Runner:
    names = [output.name for output in opened.get_outputs()]
    return lambda images: dict(zip(names, opened.run(names, {"images": images}), strict=True))


def _open_onnx(path: Path) -> tuple[Runner, dict[str, str]]:
    try:
        opened = session(path)
    except UserError:
        raise
    except Exception as error:  # what onnxruntime raises has no common base
        raise UserError(f"{path} is no ONNX file, or damaged ({type(error).__name__})") from None
    return _run_session(opened), dict(opened.get_modelmeta().custom_metadata_map)


def _open_torchscript(path: Path) -> tuple[Runner, dict[str, str]]:
    extra: dict[str, Any] = {ABOUT: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            module = torch.jit.load(path, map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
            said = json.loads(extra[ABOUT] or "{}")
        except (RuntimeError, ValueError):
            raise UserError(
                f"{path} is no TorchScript file, or damaged; a checkpoint of torchreid is read by "
                "`weights import`"
            ) from None

    def run(images: Floats) -> dict[str, Floats]:
        with torch.inference_mode():
            found = module(torch.from_numpy(images))
        outputs = found if isinstance(found, tuple) else (found,)
        return dict(zip(("embedding", "logits"), (x.numpy() for x in outputs), strict=False))

    return run, said


OPENERS = {".onnx": _open_onnx, ".pt": _open_torchscript}
