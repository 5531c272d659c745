import numpy as np
import pytest
import torch

from nas.architecture import Architecture, Size, Stage
from nas.data import Images
from nas.models import build
from nas.training.loop import Diverged, Stopped, Trainer
from nas.training.recipe import Recipe

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(16, 8), stem="conv3", stem_channels=8)
RECIPE = Recipe(name="test", epochs=3, batch=8, lr=0.01, crop=2, erase=0.5, average=0.9)


@pytest.fixture
def images() -> Images:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (30, 16, 8, 3), dtype=np.uint8)
    return Images(pixels, np.arange(30, dtype=np.int64) % 3)


def trainer(recipe: Recipe = RECIPE) -> Trainer:
    return Trainer(build(TINY, 3, seed=1), recipe, seed=1)


def test_interrupted_and_restored_ends_with_the_same_bits(images: Images) -> None:
    whole = trainer()
    whole.train(images, 3)
    first = trainer()
    first.train(images, 1)
    second = trainer()
    second.restore(first.state())
    second.train(images, 3)
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[name]), name


def test_a_subset_trains_as_a_copy_of_its_images(images: Images) -> None:
    rows = np.array([29, 3, 4, 8, 12, 13, 20, 1, 2, 27, 5, 6])
    subset, copy = trainer(), trainer()
    subset.train(images.subset(rows), 1)
    copy.train(Images(images.pixels[rows], images.labels[rows]), 1)
    for name, value in copy.network.state_dict().items():
        assert torch.equal(value, subset.network.state_dict()[name]), name


def test_a_state_holds_no_code(images: Images) -> None:
    import io
    import pickle

    with pytest.raises(pickle.UnpicklingError):
        trainer().restore(pickle.dumps(print))
    assert torch.load(io.BytesIO(trainer().state()), weights_only=True)["epoch"] == 0


def test_training_learns_what_is_there_to_learn() -> None:
    """Three classes, each of one colour: the loss must fall to where the classes are told apart."""
    draw = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.int64) % 3
    pixels = draw.integers(0, 60, (60, 16, 8, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        pixels[i, :, :, label] += 180
    images = Images(pixels, labels)
    from nas.training.evaluation import score_classification

    learner = trainer()
    learner.train(images, 6)
    scores = score_classification(learner.average, images, autocast=learner.autocast)
    assert scores["top1"] == 1.0


def test_the_average_is_an_average_of_the_steps(images: Images) -> None:
    recipe = RECIPE.model_copy(update={"average": 0.5, "epochs": 1})
    learner = trainer(recipe)
    name = "conv1.conv.weight"
    expected = learner.network.state_dict()[name].clone()
    step = learner._step

    def watched(x: torch.Tensor, labels: torch.Tensor) -> None:
        nonlocal expected
        step(x, labels)
        keep = min(0.5, learner.step / (learner.step + 10))
        expected = keep * expected + (1 - keep) * learner.network.state_dict()[name]

    learner._step = watched  # type: ignore[method-assign]
    learner.train(images, 1)
    torch.testing.assert_close(learner.average.state_dict()[name], expected)


def test_stop_is_asked_before_every_step(images: Images) -> None:
    learner = trainer()
    answers = iter([False, False, True])
    with pytest.raises(Stopped):
        learner.train(images, 3, stop=lambda: next(answers))
    assert learner.step == 2


def test_a_loss_that_is_no_number_is_an_error(images: Images) -> None:
    learner = trainer(RECIPE.model_copy(update={"lr": 1e12, "optimizer": "sgd"}))
    with pytest.raises(Diverged, match=r"the loss is (nan|inf) at step"):
        learner.train(images, 3)
