"""Quantised files: what they hold, that a seed decides them, and the scores that are told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx.numpy_helper import to_array

from nas.architecture import preset
from nas.data import Dataset, Images, load_dataset, resize
from nas.errors import UserError
from nas.export import Calibration, export_network
from nas.export.int8 import check_data, quantise, score
from nas.export.runners import network_runner
from nas.models import build
from nas.models.deployed import onnx_runner
from nas.models.onnx import to_onnx
from nas.training.augment import normalise
from nas.training.evaluation import score_classification, score_reid
from tests.models.test_onnx import ARCHITECTURES, SMALL
from tests.models.test_optimise import lived_in

DATA = "synthetic:ids=10,size=64x32"
KINDS = ("Conv", "InstanceNormalization")
NO_AUTOCAST = torch.autocast("cpu", enabled=False)


def classes_data(count: int) -> Dataset:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (count, 40, 20, 3), dtype=np.uint8)
    images = Images(pixels, np.arange(count) % 5)
    return Dataset("drawn", "classification", images, test=images)


def test_report_and_file_of_a_quantised_network(tmp_path: Path) -> None:
    network = lived_in(build(ARCHITECTURES["gate separate"]))
    file = tmp_path / "int8.onnx"
    found = export_network(network, file, int8=Calibration(DATA, images=8))
    data = load_dataset(DATA)
    assert data.query is not None and data.gallery is not None
    wanted = score_reid(network, data.query, data.gallery, autocast=NO_AUTOCAST)["mAP"]
    assert found.int8 is not None
    assert found.int8.score == "mAP"
    assert found.int8.float_score == pytest.approx(wanted, abs=1e-6)
    again = score(onnx_runner(file), network, data)
    assert again == ("mAP", pytest.approx(found.int8.int8_score))
    assert 1e-4 < found.difference < 0.5  # not the float file, and not nonsense
    about = {x.key: x.value for x in onnx.load(file).metadata_props}
    assert about["int8"] == f"8 images of {DATA}, seed 0"
    assert json.loads(about["architecture"])["embedding"] == 16


def test_weights_have_a_scale_for_each_channel_and_instance_norms_stay_float(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, target = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    source.write_bytes(to_onnx(lived_in(build(ARCHITECTURES["instance norm both"]))))
    quantise(source, target, classes_data(8), SMALL, Calibration("drawn"))
    graph = onnx.load(target).graph
    constants = {x.name: to_array(x) for x in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    of_kind = {kind: [x for x in graph.node if x.op_type == kind] for kind in KINDS}
    assert all(of_kind.values())
    for node in of_kind["Conv"]:
        weight, scale, zero = (constants[name] for name in makers[node.input[1]].input)
        assert (weight.dtype, weight.ndim) == (np.int8, 4)
        assert scale.shape == (len(weight),)
        assert not zero.any()
        assert constants[makers[node.input[0]].input[2]].dtype == np.uint8
    for node in of_kind["InstanceNormalization"]:
        assert constants[node.input[1]].dtype == np.float32
    assert not caplog.records


def test_seed_decides_which_images_calibrate(tmp_path: Path) -> None:
    source = tmp_path / "float.onnx"
    source.write_bytes(to_onnx(lived_in(build(ARCHITECTURES["one stream"]))))
    written = []
    for seed in (0, 0, 1):
        target = tmp_path / "int8.onnx"
        how = Calibration("drawn", images=4, seed=seed)
        quantise(source, target, classes_data(20), SMALL, how)
        written.append([to_array(x).tobytes() for x in onnx.load(target).graph.initializer])
    assert written[0] == written[1] != written[2]


@pytest.mark.parametrize("images", [7, 100])
def test_each_image_calibrates_once_and_none_is_left_out(
    images: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of seven, in chunks of three; more than there are is all of them."""
    source, seen = tmp_path / "float.onnx", []
    source.write_bytes(to_onnx(build(ARCHITECTURES["one stream"])))
    monkeypatch.setattr("nas.export.int8.CHUNK", 3)

    def read(model: object, target: object, reader: Any, **options: object) -> None:
        while (batch := reader.get_next()) is not None:
            seen.append(batch["images"])
        raise KeyboardInterrupt

    monkeypatch.setattr("onnxruntime.quantization.quantize_static", read)
    data = classes_data(7)
    with pytest.raises(KeyboardInterrupt):
        quantise(source, tmp_path / "int8.onnx", data, SMALL, Calibration("drawn", images=images))
    assert [len(batch) for batch in seen] == [3, 3, 1]
    wanted = normalise(torch.from_numpy(resize(data.train, SMALL).gather(np.arange(7))))
    np.testing.assert_array_equal(np.concatenate(seen), wanted.numpy())


def test_classes_are_scored_by_top1_and_need_their_classifier() -> None:
    data = classes_data(200)
    network = lived_in(build(preset("osnet_x0_25").resized(SMALL), 5))
    metric, found = score(network_runner(network), network, data)
    assert data.test is not None
    wanted = score_classification(network, resize(data.test, SMALL), autocast=NO_AUTOCAST)
    assert (metric, found) == ("top1", pytest.approx(wanted["top1"]))
    assert 0 < found < 1
    with pytest.raises(UserError, match="drawn: it is for classification"):
        check_data(build(ARCHITECTURES["one stream"]), data)
