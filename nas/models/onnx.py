"""A network as ONNX, which needs nothing of this toolkit to run."""

from __future__ import annotations

import importlib
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nas.architecture import Shape
from nas.errors import UserError
from nas.models.about import about
from nas.models.inference import Inference
from nas.models.network import Network, PartNetwork

if TYPE_CHECKING:
    import onnx

OPSET = 17


def to_onnx(model: Network, *, logits: bool = False) -> bytes:
    """The network in eval mode, batch norms folded, as the bytes of an ONNX file.

    Input `images`: float32 (N, 3, H, W), any N, H and W as the architecture says. Output
    `embedding`: float32 (N, E), and with `logits` also `logits`: (N, classes). The metadata says
    how images are prepared (`nas.models.about`). UserError where onnx is not installed, where
    the network has no classifier to make logits with, or an operator that ONNX has not. The model
    itself is not changed.
    """
    onnx = library("onnx")
    content = _traced(Inference(model, logits=logits), model.input_shape)
    found = onnx.load_from_string(content)
    _drop_identities(found)
    if not isinstance(model, PartNetwork):
        onnx.helper.set_model_props(found, about(model))
    onnx.checker.check_model(found, full_check=True)
    return bytes(found.SerializeToString())


def session(content: bytes | Path, threads: int = 0) -> Any:
    """An ONNX file, or its bytes, in onnxruntime on the CPU, quiet but for errors.

    threads: 0 is as many as torch has. UserError where onnxruntime is not installed.
    """
    runtime = library("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 3
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def library(name: str) -> Any:
    """onnx or onnxruntime, which come with the extra `export`; UserError where they did not."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(f"{name} is not installed: pip install 'osnet-nas[export]'") from None


def _traced(inference: Inference, shape: Shape) -> bytes:
    names = list(inference.outputs)
    buffer = io.BytesIO()
    # torch's newer exporter (dynamo=True) takes ten times as long, needs onnxscript, and writes
    # larger files of the same convolutions.
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                inference,
                (torch.zeros(2, *shape),),
                buffer,  # type: ignore[arg-type]
                input_names=["images"],
                output_names=names,
                dynamic_axes={name: {0: "N"} for name in ("images", *names)},
                opset_version=OPSET,
                dynamo=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"the network can not be written as ONNX: {reason}") from None
    return buffer.getvalue()


def _drop_identities(model: onnx.ModelProto) -> None:
    """Read constants where they are: torch writes equal ones once, and an Identity for each use."""
    graph = model.graph
    constants = {x.name for x in graph.initializer}
    source: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Identity" and source.get(node.input[0], node.input[0]) in constants:
            source[node.output[0]] = source.get(node.input[0], node.input[0])
    kept = [node for node in graph.node if node.output[0] not in source]
    for node in kept:
        node.input[:] = [source.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(kept)
