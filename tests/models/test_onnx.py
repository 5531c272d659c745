"""The ONNX file computes what the network computes, and needs nothing of the toolkit."""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from nas.architecture import Architecture, Size, from_document, from_json, key, preset, to_document
from nas.errors import UserError
from nas.models import build
from nas.models.onnx import to_onnx
from tests.models.test_optimise import lived_in

SMALL = Size(64, 32)
FEW = {"channels": 32, "depth": 1}


def changed(**fields: object) -> Architecture:
    """A network of two stages whose blocks have these fields; `stem` is the network's."""
    document = to_document(preset("osnet_x0_25").resized(SMALL))
    stem = fields.pop("stem", "conv7")
    return from_document(
        {
            **document,
            "stem": {"kind": stem},
            "embedding": 16,
            "width": 1.0,
            "stages": [FEW | fields, FEW | fields],
        }
    )


ARCHITECTURES = {
    "osnet": preset("osnet_x0_25").resized(SMALL),
    "ibn": replace(preset("osnet_ibn_x1_0").resized(SMALL), width=0.25),
    "ain": preset("osnet_ain_x0_25").resized(SMALL),
    "one stream": changed(streams=1),
    "equal depths": changed(stream_depth=2),
    **{f"family {x}": changed(family=x) for x in ("inception", "resnext", "se", "mobilenet")},
    "family mobilenet, version 3": changed(family="mobilenet", squeeze=4, depthwise_kernel=5),
    "family se without gate": changed(family="se", reduction=0),
    **{f"gate {x}": changed(gate=x) for x in ("none", "fixed", "streamwise", "separate")},
    **{f"convolution {x}": changed(convolution=x) for x in ("full", "separable")},
    "kernel 5": changed(convolution_kernel=5),
    "concat": changed(fusion="concat"),
    **{f"instance norm {x}": changed(instance_norm=x) for x in ("inside", "outside", "both")},
    **{f"stem {x}": changed(stem=x) for x in ("conv3", "conv3_stride1")},
}


def images(count: int, size: Size = SMALL) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, 3, *size)).astype(np.float32)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_runtime_computes_what_torch_computes_at_any_batch_size(name: str) -> None:
    model = lived_in(build(ARCHITECTURES[name]))
    session = onnxruntime.InferenceSession(to_onnx(model))
    for count in (1, 7):
        given = images(count)
        with torch.inference_mode():
            expected = model(torch.from_numpy(given)).numpy()
        (found,) = session.run(None, {"images": given})
        assert np.abs(expected).max() > 0
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_graph_is_plain_convolutions_with_named_ends_and_a_free_batch() -> None:
    model = lived_in(build(preset("osnet_x0_25").resized(SMALL), 5))
    graph = onnx.load_from_string(to_onnx(model)).graph
    assert {node.op_type for node in graph.node} == {
        *("Conv", "Relu", "MaxPool", "AveragePool", "GlobalAveragePool"),
        *("Sigmoid", "Mul", "Add", "Flatten", "Gemm"),
    }
    shapes = {
        end.name: [x.dim_param or x.dim_value for x in end.type.tensor_type.shape.dim]
        for end in (*graph.input, *graph.output)
    }
    assert shapes == {"images": ["N", 3, 64, 32], "embedding": ["N", 512]}
    assert model.classifier is not None


def test_metadata_says_what_the_network_is_and_how_images_are_prepared() -> None:
    model = build(ARCHITECTURES["gate fixed"], 5)
    session = onnxruntime.InferenceSession(to_onnx(model))
    found = session.get_modelmeta().custom_metadata_map
    assert from_json(found["architecture"], "file") == model.architecture
    assert found["key"] == key(model.architecture)
    assert (found["input"], found["colours"], found["num_classes"]) == ("64x32", "RGB", "5")
    assert json.loads(found["mean"]) == [0.485, 0.456, 0.406]
    assert json.loads(found["std"]) == [0.229, 0.224, 0.225]
    assert found["version"]
    assert "classes" not in found
    model.classes = ("one", "two", "three", "four", "five")
    session = onnxruntime.InferenceSession(to_onnx(model))
    named = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(named["classes"])) == model.classes


def test_logits_are_a_second_output_where_they_are_asked_for() -> None:
    model = lived_in(build(ARCHITECTURES["one stream"], 5))
    session = onnxruntime.InferenceSession(to_onnx(model, logits=True))
    given = images(3)
    with torch.inference_mode():
        embedding = model(torch.from_numpy(given))
        assert model.classifier is not None
        expected = [embedding.numpy(), model.classifier(embedding).numpy()]
    found = session.run(["embedding", "logits"], {"images": given})
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 1e-4 * np.abs(other).max()
    with pytest.raises(UserError, match="no classifier"):
        to_onnx(build(ARCHITECTURES["one stream"]), logits=True)


def test_an_operator_that_onnx_has_not_is_named() -> None:
    model = build(ARCHITECTURES["one stream"])
    model.steps.append((torch.special.bessel_j0, (len(model.steps),), ()))
    with pytest.raises(UserError, match=r"can not be written as ONNX: .*special_bessel_j0"):
        to_onnx(model)
