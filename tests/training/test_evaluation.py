"""Networks and images to scores, with a network that is small enough to be run image by image."""

import copy
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image

from nas import embed_folder, evaluate, write_ranking
from nas.architecture import Architecture, Size, Stage
from nas.data import Images, load_dataset, resize
from nas.errors import UserError
from nas.models import Network, build
from nas.models.weights import save_network
from nas.training import evaluation
from nas.training.augment import normalise
from nas.training.evaluation import NotFinite, embed, score_classification, score_reid
from nas.training.retrieval import retrieval_scores
from tests.data.trees import make

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)
DATA = "synthetic:ids=10,size=32x16"


@pytest.fixture
def network() -> Network:
    return build(TINY, 3, seed=1).eval()


@pytest.fixture
def images() -> Images:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (7, 40, 24, 3), dtype=np.uint8)
    return Images(pixels, np.arange(7, dtype=np.int64) % 3)


def one_by_one(network: Network, images: Images, *, mirrored: bool) -> torch.Tensor:
    found = []
    for pixels in resize(images, TINY.input).pixels:
        shown = pixels[:, ::-1].copy() if mirrored else pixels
        with torch.inference_mode():
            found.append(network(normalise(torch.from_numpy(shown[None]))))
    return torch.cat(found)


def test_embed_resizes_in_batches_and_keeps_the_order(
    network: Network, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "BATCH", 3)
    expected = one_by_one(network, images, mirrored=False)
    torch.testing.assert_close(embed(network.train(), images), expected, rtol=1e-4, atol=1e-5)


def test_a_batch_has_fewer_large_images_and_fewer_yet_on_a_cpu() -> None:
    small, large = (build(TINY.resized(Size(*size)), 3) for size in ((64, 32), (256, 128)))
    assert (evaluation.batch_size(small), evaluation.batch_size(large)) == (128, 8)
    huge = build(TINY.resized(Size(1024, 512)), 3)
    assert evaluation.batch_size(huge) == 1
    elsewhere = large.to("meta")
    assert evaluation.batch_size(elsewhere) == 64


def test_flip_gives_the_mean_with_the_mirror_image(network: Network, images: Images) -> None:
    both = [one_by_one(network, images, mirrored=mirrored) for mirrored in (False, True)]
    assert not torch.allclose(*both, rtol=1e-2)
    found = embed(network, images, flip=True)
    torch.testing.assert_close(found, (both[0] + both[1]) / 2, rtol=1e-4, atol=1e-5)


def test_of_queries_and_gallery_one_progress_is_told(network: Network) -> None:
    dataset = load_dataset(DATA)
    assert dataset.query is not None and dataset.gallery is not None
    told: list[tuple[int, int]] = []
    query, gallery = dataset.query, dataset.gallery
    score_reid(network, query, gallery, progress=lambda *own: told.append(own))
    whole = len(query) + len(gallery)
    assert told == [(len(query), whole), (whole, whole)]


def test_evaluate_scores_query_against_gallery_of_the_test_split(network: Network) -> None:
    dataset = load_dataset(DATA)
    assert dataset.query is not None and dataset.gallery is not None
    query, gallery = (
        one_by_one(network, x, mirrored=False) for x in (dataset.query, dataset.gallery)
    )
    assert dataset.query.cameras is not None and dataset.gallery.cameras is not None
    labels = dataset.query.labels, dataset.gallery.labels
    cameras = dataset.query.cameras, dataset.gallery.cameras
    found = evaluate(network, DATA, metric="euclidean")
    expected = retrieval_scores(query, gallery, *labels, *cameras, "euclidean")
    assert found["scores"] == pytest.approx(expected, abs=1e-3)
    assert found["images"] == {"query": len(query), "gallery": len(gallery)}
    assert (found["data"], found["task"]) == (DATA, "reid")


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_with_flip_distances_are_of_the_means_as_they_are(
    network: Network, metric: Literal["cosine", "euclidean"]
) -> None:
    dataset = load_dataset(DATA)
    splits = dataset.query, dataset.gallery
    means, labels, cameras = [], [], []
    for images in splits:
        assert images is not None and images.cameras is not None
        both = [one_by_one(network, images, mirrored=mirrored) for mirrored in (False, True)]
        means.append((both[0] + both[1]) / 2)
        labels.append(images.labels)
        cameras.append(images.cameras)
    found = score_reid(network, *splits, metric=metric, flip=True)  # type: ignore[arg-type]
    expected = retrieval_scores(*means, *labels, *cameras, metric)  # type: ignore[arg-type]
    assert found["mAP"] == pytest.approx(expected["mAP"], abs=1e-3)


def test_a_network_that_tells_identities_apart_is_not_scored_on_classes(
    network: Network, tmp_path: Path
) -> None:
    files = {f"{s}/{c}": ["0.png"] for s in ("train", "test") for c in "abc"}
    network.task = "reid"
    save_network(network, tmp_path / "net.safetensors")
    with pytest.raises(UserError, match="the network tells identities apart"):
        evaluate(tmp_path / "net.safetensors", f"folder:{make(tmp_path / 'data', files)}")


def test_a_classifier_is_scored_on_its_classes(network: Network, images: Images) -> None:
    assert network.classifier is not None
    with torch.inference_mode():
        logits = network.classifier(one_by_one(network, images, mirrored=False)).numpy()
    found = score_classification(network, images)
    assert found["top1"] == float((logits.argmax(axis=1) == images.labels).mean())
    assert found["score"] == found["top1"]
    assert found["top5"] == 1.0


def test_a_data_set_of_other_classes_is_refused(network: Network, tmp_path: Path) -> None:
    trees = {}
    for name, classes in (("own", "abc"), ("other", "bcd"), ("more", "abcd")):
        files = {f"{s}/{c}": ["0.png"] for s in ("train", "test") for c in classes}
        trees[name] = f"folder:{make(tmp_path / name, files)}"
    network.classes = ("a", "b", "c")
    save_network(network, tmp_path / "net.safetensors")
    for name, message in (("other", "its classes are other ones"), ("more", "it has 4 classes")):
        with pytest.raises(UserError, match=message):
            evaluate(tmp_path / "net.safetensors", trees[name])
    assert evaluate(tmp_path / "net.safetensors", trees["own"])["images"] == {"test": 3}


def test_weights_that_are_no_numbers_are_told(network: Network, tmp_path: Path) -> None:
    next(network.parameters()).data.fill_(float("nan"))
    dataset = load_dataset(DATA)
    assert dataset.query is not None and dataset.gallery is not None
    with pytest.raises(NotFinite):
        score_reid(network, dataset.query, dataset.gallery)
    with pytest.raises(UserError, match=r"synthetic.*: the network's embeddings are not finite"):
        evaluate(network, DATA)
    save_network(network, tmp_path / "net.safetensors")
    with pytest.raises(UserError, match=r"these can not be weights: conv1.conv.weight has val"):
        evaluate(tmp_path / "net.safetensors", DATA)


def test_a_network_that_is_trained_further_is_as_it_was(tmp_path: Path) -> None:
    network = build(Architecture((Stage(64, 1),), Size(32, 16), width=0.25), 3).train()
    network.conv2.eval()  # as who keeps the statistics of some layers
    modes = [module.training for module in network.modules()]
    data = "synthetic:ids=12,size=32x16"
    evaluate(network, data)
    write_ranking(network, data, tmp_path / "rank.png")
    Image.new("RGB", (16, 32)).save(tmp_path / "one.png")
    embed_folder(network, tmp_path, tmp_path / "features.npz")
    assert [module.training for module in network.modules()] == modes


def test_a_network_of_narrower_numbers_is_scored(network: Network, images: Images) -> None:
    narrow = copy.deepcopy(network).bfloat16()
    found = embed(narrow, images)
    assert found.dtype == torch.float32
    assert found.allclose(embed(network, images), atol=0.05)
    narrow = build(network.architecture, 3).bfloat16()
    assert embed(narrow, images, logits=True).shape == (len(images), 3)
