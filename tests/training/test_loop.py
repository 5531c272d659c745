import contextlib

import numpy as np
import pytest
import torch

from nas.architecture import Architecture, Size, Stage
from nas.data import Images
from nas.models import build
from nas.training.loop import Diverged, Step, Stopped, Trainer
from nas.training.optimizers import make_optimizer
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


@pytest.mark.parametrize("optimizer", ["adamw", "amsgrad", "sgd"])
def test_a_state_has_the_same_bytes_however_often_it_was_restored(
    images: Images, optimizer: str
) -> None:
    recipe = RECIPE.model_copy(update={"optimizer": optimizer})
    whole, first, second, third = (trainer(recipe) for _ in range(4))
    whole.train(images, 2)
    first.train(images, 1)
    second.restore(first.state({"a": (1, "a")}))
    assert second.state({"a": (1, "a")}) == first.state({"a": (1, "a")})
    third.restore(second.state())
    third.train(images, 2)
    assert third.state() == whole.state()


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


EVERYTHING = {
    "loss": "both", "sampler": "identity", "images_per_identity": 4,
    "schedule": "onecycle", "clip": 1.0, "patch": 0.5, "brightness": 0.3, "frozen_epochs": 1,
}  # fmt: skip
OTHERWISE = {"optimizer": "amsgrad", "average": 0.0, "accumulate": 2}


@pytest.mark.parametrize("fields", [{}, EVERYTHING, OTHERWISE])
def test_killed_at_any_step_and_restored_ends_with_the_same_bits(
    images: Images, fields: dict[str, object]
) -> None:
    recipe = Recipe.model_validate(RECIPE.model_dump() | fields)
    whole = trainer(recipe)
    whole.train(images, 4)
    draw = np.random.default_rng(1)
    kills = sorted(draw.choice(np.arange(2, whole.step), size=10, replace=False).tolist())
    state = trainer(recipe).state({"note": "x"})

    for kill in [*kills, 0]:
        learner = trainer(recipe)
        assert learner.restore(state) == {"note": "x"}

        def watch(step: Step, at: int = kill, learner: Trainer = learner) -> None:
            nonlocal state
            if step.step == at - 1:
                state = learner.state({"note": "x"})
            if step.step == at:  # what came after the state is lost
                raise RuntimeError

        with contextlib.suppress(RuntimeError):
            learner.train(images, 4, watch=watch)
    assert learner.step == whole.step
    for model in ("network", "average"):
        expected = getattr(whole, model).state_dict()
        for name, value in getattr(learner, model).state_dict().items():
            assert torch.equal(value, expected[name]), (model, name)


@pytest.mark.parametrize("optimizer", ["adamw", "amsgrad", "sgd"])
def test_a_frozen_base_does_not_change_and_then_does(images: Images, optimizer: str) -> None:
    recipe = RECIPE.model_copy(update={"frozen_epochs": 2, "optimizer": optimizer})
    for unfrozen, moving in (("classifier", {"classifier"}), ("embedding", {"classifier", "fc"})):
        learner = trainer(recipe.model_copy(update={"unfrozen": unfrozen}))
        before = {n: v.clone() for n, v in learner.network.state_dict().items()}
        learner.train(images, 2)
        after = learner.network.state_dict()
        changed = {n.split(".")[0] for n in before if not torch.equal(before[n], after[n])}
        assert changed == moving
        learner.train(images, 3)
        name = "conv1.conv.weight"
        assert not torch.equal(before[name], learner.network.state_dict()[name])


def test_without_an_average_it_is_the_network(images: Images) -> None:
    learner = trainer(RECIPE.model_copy(update={"average": 0.0}))
    learner.train(images, 1)
    for own, averaged in zip(
        learner.network.parameters(), learner.average.parameters(), strict=True
    ):
        assert torch.equal(own, averaged)


def gradients(images: Images, **fields: object) -> list[torch.Tensor]:
    """Of one step on all images, in eval mode, so that norms do not depend on the parts."""
    recipe = RECIPE.model_copy(update={"batch": 30, "erase": 0.0, "precision": "float32", **fields})
    learner = trainer(recipe)
    learner.network.eval()
    learner.network.training = True
    x = torch.from_numpy(images.pixels).permute(0, 3, 1, 2) / 255
    learner._step(x, torch.from_numpy(images.labels))
    found = [p.grad for p in learner.network.parameters()]
    return [grad for grad in found if grad is not None]


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulated_gradients_are_those_of_the_batch(images: Images, parts: int) -> None:
    whole, split = gradients(images), gradients(images, accumulate=parts)
    for one, other in zip(whole, split, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_clipping_bounds_the_norm_of_the_gradient(images: Images) -> None:
    def norm(found: list[torch.Tensor]) -> float:
        return float(torch.cat([grad.flatten() for grad in found]).norm())

    free = norm(gradients(images))
    assert norm(gradients(images, clip=free / 2)) == pytest.approx(free / 2, rel=1e-3)
    assert norm(gradients(images, clip=free * 2)) == pytest.approx(free)


@pytest.mark.parametrize(
    ("fields", "kind", "options"),
    [
        ({"optimizer": "adamw"}, torch.optim.AdamW, {}),
        ({"optimizer": "adam"}, torch.optim.Adam, {"amsgrad": False}),
        ({"optimizer": "amsgrad"}, torch.optim.Adam, {"amsgrad": True}),
        (
            {"optimizer": "sgd", "momentum": 0.8, "nesterov": True},
            torch.optim.SGD,
            {"momentum": 0.8, "nesterov": True},
        ),
    ],
)
def test_the_optimizer_is_the_one_that_is_asked_for(
    fields: dict[str, object], kind: type, options: dict[str, object]
) -> None:
    for decay_norms in (False, True):
        changes = {**fields, "weight_decay": 0.1, "decay_norms": decay_norms}
        made = make_optimizer(build(TINY, 3), RECIPE.model_copy(update=changes))
        assert type(made) is kind
        assert {name: made.defaults[name] for name in options} == options
        decays = [group["weight_decay"] for group in made.param_groups]
        assert decays == [0.1, 0.1 if decay_norms else 0.0]


def test_the_rate_follows_the_schedule(images: Images) -> None:
    seen: list[Step] = []
    learner = trainer(RECIPE.model_copy(update={"schedule": "step", "milestones": (1, 2)}))
    learner.train(images, 3, watch=seen.append)
    assert [step.step for step in seen] == list(range(1, 13))
    assert [step.lr for step in seen[::4]] == pytest.approx([0.01, 0.001, 0.0001])
    assert sum(step.images for step in seen[:4]) == 30


def test_a_weight_that_is_no_number_is_seen() -> None:
    learner = trainer()
    assert learner.finite()
    learner.network.state_dict()["fc.0.weight"][3, 5] = float("inf")
    assert not learner.finite()
