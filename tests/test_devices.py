"""What moves tensors, on a device that is not there: one that is left on the CPU is an error."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from nas.audit.zero_cost import ZERO_COST, draw_batch
from nas.cost import raw_counts
from nas.data import Dataset, load_dataset
from nas.models import build, inherit
from nas.models.torchscript import to_torchscript
from nas.report.ranking import rank
from nas.training.activations import activation_maps
from nas.training.evaluation import evaluate, score_classification
from nas.training.loop import Trainer
from nas.training.recipe import Recipe
from tests.elsewhere import NAMES, elsewhere
from tests.training.test_loop import TINY

DATA = "synthetic:ids=10,size=32x16"
ALL: dict[str, Any] = {
    "crop": 2, "erase": 0.5, "patch": 0.5, "brightness": 0.2, "contrast": 0.2, "saturation": 0.2,
    "sampler": "identity", "images_per_identity": 2, "loss": "both", "clip": 1.0,
}  # fmt: skip
RECIPE = Recipe(
    name="all", epochs=2, epoch_images=24, batch=8, lr=1e-4, average=0.9, precision="float32", **ALL
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(DATA, TINY.input)


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with elsewhere(request.param) as place:
        monkeypatch.setattr("nas.training.loop.gpu_has_bfloat16", lambda _: False)
        for module in ("nas.training.evaluation", "nas.audit.zero_cost"):
            monkeypatch.setattr(f"{module}.default_device", lambda: place)
        yield place


def trainer(data: Dataset, recipe: Recipe, device: Any) -> Trainer:
    network = build(TINY, int(data.train.labels.max()) + 1, seed=1)
    return Trainer(network, recipe, seed=1, device=device, graphs=False)


@pytest.mark.parametrize("optimizer", ["adamw", "amsgrad", "sgd"])
def test_training_goes_on_there_as_on_a_cpu(data: Dataset, device: Any, optimizer: str) -> None:
    recipe = RECIPE.model_copy(update={"optimizer": optimizer})
    there, here = (trainer(data, recipe, place) for place in (device, torch.device("cpu")))
    here.train(data.train, 1)
    there.restore(here.state())
    for own in (there, here):
        own.train(data.train, 2)
    assert there.network.device == there.average.device == device
    assert there.last_loss == pytest.approx(here.last_loss, rel=1e-3)
    assert there.finite()


def test_parts_of_batches_and_enlarged_images(data: Dataset, device: Any) -> None:
    recipe = RECIPE.model_copy(update={"accumulate": 2, "resize_crop": 1.125, "frozen_epochs": 1})
    there = trainer(data, recipe, device)
    there.train(data.train, 2)
    assert there.finite()


def test_a_network_is_scored_and_looked_into(data: Dataset, device: Any) -> None:
    assert data.query is not None and data.gallery is not None
    network = trainer(data, RECIPE, device).average
    for options in ({}, {"metric": "euclidean", "flip": True}, {"rerank": True}):
        assert 0 < evaluate(network, DATA, **options)["scores"]["mAP"] < 1
        options.pop("flip", None)
        assert len(rank(network, data.query, data.gallery, 2, 0, **options)) == 2
    assert score_classification(network, data.train.subset(np.arange(9)))["nll"] > 0
    assert activation_maps(network, data.query.gather(np.arange(2))).shape == (2, 4, 2)
    assert to_torchscript(network)
    assert network.device == device


def test_what_graphs_of_an_earlier_training_hold_is_let_go(data: Dataset) -> None:
    """torch's graphed function keeps all of it in a class that it makes, as here."""
    first = trainer(data, RECIPE, torch.device("cpu"))
    first.__dict__["_replay"] = type("Graphed", (), {"held": (held := torch.zeros(3))})
    gone = weakref.ref(held)
    gc.disable()
    try:
        del first, held
        assert gone() is not None
        with elsewhere("cuda:0") as place, pytest.MonkeyPatch.context() as patch:
            patch.setattr("nas.training.loop.gpu_has_bfloat16", lambda _: False)
            trainer(data, RECIPE, place)
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", ZERO_COST)
def test_scores_without_training(device: Any, name: str) -> None:
    assert np.isfinite(ZERO_COST[name](TINY, draw_batch(DATA, TINY.input), 0))


def test_weights_are_inherited_across_devices(data: Dataset, device: Any) -> None:
    there, here = trainer(data, RECIPE, device).average, build(TINY, 5)
    for model, source in ((here, there), (there, here), (there, there)):
        assert inherit(model, source, channels="magnitude").share == 1


def test_counters_take_a_network_that_is_there(data: Dataset, device: Any) -> None:
    there = trainer(data, RECIPE, device).average
    assert raw_counts(there) == raw_counts(build(TINY, 3))
    assert there.device == device
