"""The rate of a step against torch's own schedulers, and by hand where it has none."""

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from nas.training.recipe import Recipe
from nas.training.schedules import learning_rate

EPOCHS, EPOCH_STEPS = 6, 7
STEPS = EPOCHS * EPOCH_STEPS


def recipe(**fields: object) -> Recipe:
    return Recipe.model_validate({"name": "r", "epochs": EPOCHS, "batch": 4, "lr": 0.3, **fields})


def rates(asked: Recipe) -> list[float]:
    return [learning_rate(asked, step, EPOCH_STEPS) for step in range(STEPS)]


def optimizer() -> SGD:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)


def follow(stepper: SGD, scheduler: lr_scheduler.LRScheduler) -> list[float]:
    found = []
    for step in range(STEPS):
        found.append(float(stepper.param_groups[0]["lr"]))
        stepper.step()
        if step + 1 < STEPS:  # OneCycleLR refuses a step more
            scheduler.step()
    return found


def test_step() -> None:
    stepper = optimizer()
    milestones = [2 * EPOCH_STEPS, 5 * EPOCH_STEPS]
    expected = follow(stepper, lr_scheduler.MultiStepLR(stepper, milestones, gamma=0.2))
    found = rates(recipe(schedule="step", milestones=[2, 5], gamma=0.2))
    assert found == pytest.approx(expected)


def test_cosine() -> None:
    stepper = optimizer()
    expected = follow(stepper, lr_scheduler.CosineAnnealingLR(stepper, STEPS))
    assert rates(recipe(schedule="cosine")) == pytest.approx(expected, abs=1e-9)


def test_cosine_after_a_warm_up() -> None:
    stepper = optimizer()
    cosine = lr_scheduler.CosineAnnealingLR(stepper, STEPS - 5)
    expected = follow(stepper, cosine)[: STEPS - 5]
    found = rates(recipe(schedule="cosine", warmup_steps=5))
    assert found[:5] == pytest.approx([0.06, 0.12, 0.18, 0.24, 0.3])
    assert found[5:] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rise", [0.1, 0.3, 0.5])
def test_onecycle(rise: float) -> None:
    stepper = optimizer()
    cycle = lr_scheduler.OneCycleLR(
        stepper, 0.3, total_steps=STEPS, pct_start=rise, cycle_momentum=False
    )
    expected = follow(stepper, cycle)
    assert rates(recipe(schedule="onecycle", rise=rise)) == pytest.approx(expected, abs=1e-9)


def test_constant_rises_and_stays() -> None:
    assert rates(recipe(warmup_steps=4)) == pytest.approx([0.075, 0.15, 0.225] + [0.3] * 39)


@pytest.mark.parametrize("epochs", [1, 2])
def test_onecycle_of_a_few_steps_is_finite_and_not_above_the_highest_rate(epochs: int) -> None:
    short = recipe(schedule="onecycle").model_copy(update={"epochs": epochs})
    for steps in (1, 2, 3):
        found = [learning_rate(short, step, steps) for step in range(epochs * steps)]
        assert all(0 < rate <= 0.3 for rate in found)
