"""The learning rate as a function of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from nas.training.recipe import Recipe

DIVISOR, FINAL_DIVISOR = 25.0, 1e4  # torch's OneCycleLR: first rate lr / 25, last 1e-4 of the first


def learning_rate(recipe: Recipe, step: int, epoch_steps: int) -> float:
    """The rate of `step` (from 0), of recipe.epochs epochs with `epoch_steps` steps each.

    constant: lr. step: lr times gamma for each milestone that is passed. cosine: half a cosine from
    lr, after the warm-up, to 0 at the end. onecycle: torch's OneCycleLR. Before, but not with
    onecycle, the rate rises in proportion to the step over `warmup_steps`.
    """
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    steps = recipe.epochs * epoch_steps
    if recipe.schedule == "step":
        passed = sum(step >= epoch * epoch_steps for epoch in recipe.milestones)
        return recipe.lr * warm * recipe.gamma**passed
    if recipe.schedule == "cosine":
        at = (step - recipe.warmup_steps) / max(steps - recipe.warmup_steps, 1)
        return recipe.lr * warm * _cosine(1.0, 0.0, at)
    if recipe.schedule == "onecycle":
        return recipe.lr * _one_cycle(step, steps, recipe.rise)
    return recipe.lr * warm


def _one_cycle(step: int, steps: int, rise: float) -> float:
    """Smith and Topin 2019, as torch has it: up over a share `rise` of the steps, then to almost 0.

    The best step is a fraction in general: no step need be quite at the highest rate.
    """
    first = 1 / DIVISOR
    best, last = rise * steps - 1, steps - 1
    if step <= best:
        return _cosine(first, 1.0, step / best if best > 0 else 1.0)
    return _cosine(1.0, first / FINAL_DIVISOR, (step - best) / max(last - best, 1e-9))


def _cosine(start: float, end: float, at: float) -> float:
    """From start (at 0) to end (at 1) along half a cosine; constant outside."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(max(at, 0.0), 1.0)))
