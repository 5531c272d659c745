"""Writing a network to a file that was run and compared with torch before it got its name."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

from nas.arguments import a_path
from nas.cost import cost
from nas.data import Dataset, load_dataset
from nas.errors import UserError, brief
from nas.export.formats import FORMATS, find_format
from nas.export.int8 import Calibration, Int8, check_data, quantise, score
from nas.export.runners import (
    TOLERANCE,
    largest_difference,
    latency_ms,
    network_runner,
)
from nas.files import write_atomically
from nas.models import Network, load_network
from nas.models.deployed import onnx_runner


@dataclass(frozen=True)
class Exported:
    """What was written, and what was measured on it.

    difference: the largest |file - torch| over the largest |torch|, on random images at batch 1 and
    7. latency_ms_p50: median milliseconds at batch 1 on the CPU, in `backend` with `threads`.
    """

    path: Path
    format: str
    bytes: int
    macs: int
    params: int
    difference: float
    latency_ms_p50: float
    backend: str
    threads: int
    int8: Int8 | None = None


def export_network(
    network: Network | str | Path,
    out: str | Path,
    format: str | None = None,
    *,
    logits: bool = False,
    int8: Calibration | str | None = None,
) -> Exported:
    """Write it as onnx, torchscript, safetensors or torchreid (by default by `out`'s suffix).

    network: itself, which is not changed, or its file. What is written is run, and compared with
    the network in eval mode; where outputs differ by more than 1e-4 of the largest, UserError says
    so and nothing is kept. onnx and torchscript give the embedding, and with `logits` the logits
    too. `int8` quantises an ONNX file, calibrated so or on that data; its difference from torch is
    then told and not judged.
    UserError for a path that can not be written, or a network that the format can not express.
    """
    out = a_path("--out", out)
    int8 = Calibration(int8) if isinstance(int8, str) else int8
    if int8 is not None and not isinstance(int8, Calibration):
        raise UserError(f"--int8: {brief(int8)} is not a Calibration, nor the data for one")
    name = find_format(format, out)
    chosen = FORMATS[name]
    if not out.parent.is_dir() or out.is_dir():
        raise UserError(f"--out: {out} is not a file in a directory that exists")
    if logits and not chosen.graph:
        raise UserError(f"--logits: {name} has the weights alone, and of the classifier if any")
    if int8 is not None and name != "onnx":
        raise UserError(f"--int8: only for onnx, not {name}")
    model = copy.deepcopy(load_network(network)).float().cpu().eval()
    size, expected = model.input_size, network_runner(model)
    dataset = load_dataset(int8.data, size) if int8 else None
    if dataset:
        check_data(model, dataset)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / out.name
        chosen.write(model, file, logits)
        run = chosen.open(file, model)
        difference = largest_difference(expected, run, size)
        if not difference <= TOLERANCE:
            raise UserError(
                f"{out} was not written: {chosen.backend} and torch differ by {difference:.2g} of "
                f"the largest output, more than {TOLERANCE}"
            )
        latency = latency_ms(run, size)
        before = None
        if int8 and dataset:
            before = _quantise(file, model, dataset, int8, latency)
            run = chosen.open(file, model)
            difference, latency = largest_difference(expected, run, size), latency_ms(run, size)
            if difference == float("inf"):
                raise UserError(f"{out} was not written: its outputs are not finite numbers")
        content = file.read_bytes()
    write_atomically(out, content)
    found = cost(model.architecture)
    return Exported(
        path=out,
        format=name,
        bytes=len(content),
        macs=found.macs,
        params=found.params,
        difference=difference,
        latency_ms_p50=latency,
        backend=chosen.backend,
        threads=torch.get_num_threads(),
        int8=before,
    )


def _quantise(
    file: Path, model: Network, dataset: Dataset, how: Calibration, float_latency: float
) -> Int8:
    """Quantise an ONNX file in place; what it was before, and both scores."""
    float_bytes = file.stat().st_size
    metric, float_score = score(onnx_runner(file), model, dataset)
    quantise(file, file, dataset, model.input_size, how)
    _, int8_score = score(onnx_runner(file), model, dataset)
    return Int8(metric, float_score, int8_score, float_bytes, float_latency)
