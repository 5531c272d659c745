"""The file that is deployed scores what its network scores, and any other file is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from nas import evaluate
from nas.data import Images
from nas.errors import UserError
from nas.models import Network, build, load_trained
from nas.models.about import about
from nas.models.onnx import to_onnx
from nas.models.torchscript import to_torchscript
from nas.training.evaluation import check_classes, score_classification
from nas.training.features import embed_folder
from tests.data.trees import make
from tests.export.test_int8 import classes_data
from tests.models.test_onnx import ARCHITECTURES
from tests.models.test_optimise import lived_in

DATA = "synthetic:ids=10,size=64x32"
WRITERS = {".onnx": to_onnx, ".pt": to_torchscript}


def model(classes: int = 0, seed: int = 0) -> Network:
    return lived_in(build(ARCHITECTURES["one stream"], classes, seed=seed))


def write(network: Network, path: Path, **how: Any) -> Path:
    path.write_bytes(WRITERS[path.suffix](network, **how))
    return path


def said(path: Path, **changed: str) -> Path:
    """The ONNX file with other words about itself."""
    found = onnx.load(path)
    words = {x.key: x.value for x in found.metadata_props} | changed
    onnx.helper.set_model_props(found, {name: text for name, text in words.items() if text})
    onnx.save(found, path)
    return path


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("how", [{}, {"flip": True, "metric": "euclidean"}, {"rerank": True}])
def test_file_scores_as_its_network(suffix: str, how: dict[str, Any], tmp_path: Path) -> None:
    network = model()
    found = evaluate(write(network, tmp_path / f"net{suffix}"), DATA, **how)
    wanted = evaluate(network, DATA, **how)
    assert found["images"] == wanted["images"]
    assert found["scores"] == pytest.approx(wanted["scores"], abs=1e-6)


def test_what_is_scored_is_what_the_file_computes(tmp_path: Path) -> None:
    file = write(model(seed=1), tmp_path / "net.onnx")
    said(file, **about(model()))  # words alone do not score
    assert evaluate(file, DATA)["scores"] == pytest.approx(evaluate(model(seed=1), DATA)["scores"])
    assert evaluate(file, DATA)["scores"]["mAP"] != evaluate(model(), DATA)["scores"]["mAP"]


@pytest.mark.parametrize("suffix", WRITERS)
def test_classes_are_scored_by_the_logits_of_the_file(suffix: str, tmp_path: Path) -> None:
    network, data = model(5), classes_data(60)
    network.task, network.classes = "classification", tuple("abcde")
    assert data.test is not None
    found = load_trained(write(network, tmp_path / f"net{suffix}", logits=True))
    check_classes(found, "drawn", data)
    assert (found.num_classes, found.classes) == (5, network.classes)
    for flip in (False, True):
        own = score_classification(found, data.test, flip=flip)
        assert own == pytest.approx(score_classification(network, data.test, flip=flip), abs=1e-5)
    without = load_trained(write(network, tmp_path / f"net{suffix}"))
    with pytest.raises(UserError, match="no classifier, or was exported without --logits"):
        check_classes(without, "drawn", data)


def test_logits_are_the_classifiers_of_mean_embeddings() -> None:
    network, data = model(5), classes_data(30)
    assert network.classifier is not None
    pixels = torch.from_numpy(data.train.pixels).permute(0, 3, 1, 2).float() / 255
    mean, std = ([[[x]] for x in json.loads(about(network)[name])] for name in ("mean", "std"))
    images = (pixels - torch.tensor(mean)) / torch.tensor(std)
    with torch.inference_mode():
        wanted = network.classifier((network(images) + network(images.flip(3))) / 2)
    labels = wanted.argmax(dim=1).numpy()
    labels[:6] = (labels[:6] + 1) % 5
    same_size = Images(data.train.pixels, labels)
    network.input_shape = (3, *data.train.size)
    assert score_classification(network, same_size, flip=True)["top1"] == 24 / 30


def test_embeddings_of_a_folder_are_the_networks(tmp_path: Path) -> None:
    network = model()
    folder = make(tmp_path / "images", {"a": ["1.png", "2.png"], "b": ["3.png"]})
    found = []
    for source in (network, write(network, tmp_path / "net.onnx")):
        embed_folder(source, folder, tmp_path / "e.npz")
        found.append(np.load(tmp_path / "e.npz")["embedding"])
    np.testing.assert_allclose(found[1], found[0], atol=1e-5 * np.abs(found[0]).max())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"format": ""}, "does not say what images it takes"),
        (
            {"mean": "[0, 0, 0]"},
            r"takes mean \[0, 0, 0\]; images have \[0.485, 0.456, 0.406\] here",
        ),
        ({"colours": "BGR"}, "takes colours BGR; images have RGB here"),
        ({"input": "32x32"}, "can not be run"),
        ({"input": "wide"}, "input: 'wide'"),
        ({"input": ""}, "can not be run"),
    ],
)
def test_a_file_that_takes_other_images_is_refused(
    words: dict[str, str], message: str, tmp_path: Path
) -> None:
    file = said(write(model(), tmp_path / "net.onnx"), **words)
    with pytest.raises(UserError, match=message):
        load_trained(file)


def test_what_is_no_exported_file_is_refused(tmp_path: Path) -> None:
    torch.save(model().state_dict(), tmp_path / "theirs.pt")
    with pytest.raises(UserError, match=r"theirs.pt is no TorchScript file.*`weights import`"):
        load_trained(tmp_path / "theirs.pt")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(UserError, match=r"text.onnx is no ONNX file, or damaged"):
        load_trained(tmp_path / "text.onnx")
    with pytest.raises(UserError, match=r"there is no file .*none.onnx"):
        load_trained(tmp_path / "none.onnx")


def test_onnxruntime_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(model(), tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match="onnxruntime is not installed: pip install"):
        evaluate(file, DATA)
