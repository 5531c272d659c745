"""Augmentations of users' plug-ins, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nas.plugins import check_function, check_name

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from nas.training.recipe import Recipe

    Augmentation = Callable[[Tensor, Recipe, Generator], Tensor]

AUGMENTATIONS: dict[str, Augmentation] = {}


def register_augmentation(name: str) -> Callable[[Augmentation], Augmentation]:
    """Decorator of a function that changes a batch: of pixels, uint8 (n, height, width, 3), a
    recipe and a generator of the CPU, from which it draws all that is random, changed copies.

    The recipe's field `augment` names it then, among others that come one after the other.
    """
    check_name("augmentation", name)

    def add(function: Augmentation) -> Augmentation:
        check_function("augmentation", name, function, AUGMENTATIONS)
        AUGMENTATIONS[name] = function
        return function

    return add
