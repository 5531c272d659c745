"""Post-training static quantisation to 8 bits with onnxruntime, and what it does to the score."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nas.architecture import Size
from nas.arguments import whole
from nas.data import Dataset, Images, check_matches, resize
from nas.data.split import as_it_is
from nas.errors import UserError, brief
from nas.models import Network
from nas.models.deployed import Deployed, Floats, Runner
from nas.seeds import derived_seed
from nas.training.augment import normalise
from nas.training.evaluation import check_classes, score_held

CHUNK = 64


@dataclass(frozen=True)
class Calibration:
    """Ranges of activations are those on `images` images of the training split, drawn by `seed`."""

    data: str
    images: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.data, str):
            raise UserError(f"Calibration: data {brief(self.data)} is not a text, as synthetic")
        whole("Calibration: images", self.images, 1)
        whole("Calibration: seed", self.seed)


@dataclass(frozen=True)
class Int8:
    """The float32 file and the int8 file, each run by onnxruntime; the score on the test split.

    score: the name, mAP or top1, from 0 to 1, larger is better. latency: median ms at batch 1.
    """

    score: str
    float_score: float
    int8_score: float
    float_bytes: int
    float_latency_ms_p50: float


def quantise(source: Path, target: Path, dataset: Dataset, size: Size, how: Calibration) -> None:
    """Write the ONNX file `source` as `target`, weights (per channel) and activations of 8 bits.

    Weights are signed, activations unsigned, between QuantizeLinear and DequantizeLinear nodes;
    instance norms stay float32; the metadata is kept.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    train = dataset.train
    generator = np.random.default_rng(derived_seed(how.seed, "calibration"))
    chosen = generator.choice(len(train), min(how.images, len(train)), replace=False)
    images = resize(train.subset(np.sort(chosen)), size)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = iter(_batches(images))

        def get_next(self) -> dict[str, Floats] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"images": batch}

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        norms = [x for x in onnx.load(prepared).graph.node if x.op_type == "InstanceNormalization"]
        quantize_static(
            prepared,
            target,
            Reader(),
            per_channel=True,
            # With signed activations onnxruntime 1.32 on x86 leaves 57 of the 187 convolutions of
            # OSNet x0.25 in float32, and converts around each.
            activation_type=QuantType.QUInt8,
            nodes_to_exclude=[x.name for x in norms],  # they run in float32 anyway
        )
    found, before = onnx.load(target), onnx.load(source, load_external_data=False)
    said = {x.key: x.value for x in before.metadata_props}
    said["int8"] = f"{len(images)} images of {how.data}, seed {how.seed}"
    onnx.helper.set_model_props(found, said)
    onnx.save(found, target)


def score(run: Runner, model: Network, dataset: Dataset) -> tuple[str, float]:
    """("mAP" or "top1", its value on the test split) of what `run` computes in the model's place.

    Logits are the file's, or the model's classifier of its embeddings where the file has none.
    """
    network = Deployed(run, model.input_size, model.classifier)
    name = "mAP" if dataset.task == "reid" else "top1"
    return name, score_held(network, as_it_is(dataset))[name]


def check_data(model: Network, dataset: Dataset) -> None:
    """UserError where the data can not score the model: classes need a classifier for them."""
    if dataset.task == "reid":
        check_matches("--data", dataset.splits["query"], dataset.splits["gallery"])
    else:
        check_classes(model, f"--data: {dataset.name}", dataset)


def _batches(images: Images) -> Iterator[Floats]:
    """Normalised float32 (at most CHUNK, 3, H, W), a batch in memory at a time."""
    for start in range(0, len(images), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(images)))
        yield np.ascontiguousarray(normalise(torch.from_numpy(images.gather(rows))).numpy())
