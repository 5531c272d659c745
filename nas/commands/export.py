"""`export`: a network as a file for elsewhere, checked by running it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.commands.options import InputSize, Json, Plugins
from nas.commands.output import print_json

if TYPE_CHECKING:
    from nas.export import Exported


class FileFormat(StrEnum):
    """What kind of file."""

    onnx = "onnx"
    torchscript = "torchscript"
    safetensors = "safetensors"
    torchreid = "torchreid"


def export(
    target: Annotated[
        str,
        typer.Argument(
            help="A .safetensors checkpoint, RUN#trial whose weights are kept, or without weights: "
            "a preset, an architecture file, SPACE@seed."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The file to write: .onnx, .pt, .safetensors or .pth.")],
    format: Annotated[
        FileFormat | None, typer.Option(help="By default what --out ends in.")
    ] = None,
    input: InputSize = None,
    logits: Annotated[
        bool, typer.Option("--logits", help="Also the classifier's output (onnx, torchscript).")
    ] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Quantise to 8 bits, calibrated on --data (onnx).")
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(help="With --int8: calibrated on its train split, scored on test."),
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="With --int8: images to calibrate on.")] = 128,
    seed: Annotated[
        int, typer.Option(min=0, help="Of a network without weights, and of --images.")
    ] = 0,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Write TARGET as ONNX, TorchScript, safetensors or torchreid's checkpoint, run it, compare."""
    from nas.commands.targets import load
    from nas.data import check_spec
    from nas.errors import UserError
    from nas.export import Calibration, export_network
    from nas.export.formats import FORMATS

    if int8 != (data is not None):
        raise UserError("--int8 and --data belong together: quantising is calibrated on data")
    if data is not None:
        check_spec(data)
    model, weights = load(target, input, seed)
    calibration = Calibration(data, images, seed) if data is not None else None
    found = export_network(model, out, format, logits=logits, int8=calibration)
    if as_json:
        print_json({"target": target, "weights": weights, **asdict(found)})
    else:
        _show(found, weights)
        if model.task == "classification" and FORMATS[found.format].graph and not logits:
            print(f"it gives the embedding alone; --logits adds the {model.num_classes} classes")


def _show(found: Exported, weights: str) -> None:
    print(f"{found.path}: {found.format}, {found.bytes:,} bytes; weights: {weights}")
    print(f"macs {found.macs:,}  params {found.params:,}")
    print(f"largest difference from torch: {found.difference:.2g} of the largest output")
    where = f"p50 at batch 1 ({found.backend}, CPU, threads: {found.threads})"
    if found.int8 is None:
        print(f"latency {found.latency_ms_p50:.3g} ms {where}")
        return
    before = found.int8
    print("          float32  int8")
    print(f"{before.score:<8}  {before.float_score:.4f}   {before.int8_score:.4f}")
    print(f"latency   {before.float_latency_ms_p50:.3g} ms  {found.latency_ms_p50:.3g} ms {where}")
    print(f"bytes     {before.float_bytes:,}  {found.bytes:,}")
    if found.latency_ms_p50 > before.float_latency_ms_p50:
        print(
            "int8 is slower here: onnxruntime converts between its narrow layers; it is smaller, "
            "and may be faster where the device computes in 8 bits throughout"
        )
