"""Augmentations of users' plug-ins, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nas.errors import UserError
from nas.plugins import check_name, source_of, typed_again

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
        if not callable(function):
            raise UserError(f"augmentation {name!r} is not a function of a batch")
        if name in AUGMENTATIONS and not typed_again(AUGMENTATIONS[name], function):
            raise UserError(f"augmentation {name!r} is registered already")
        AUGMENTATIONS[name] = function
        return function

    return add


def augmentations_of_script() -> list[str]:
    """What was registered by the script that runs, as `nas.architecture.registry.of_script`."""
    own = [name for name, f in AUGMENTATIONS.items() if source_of(f).__module__ == "__main__"]
    return [f"augmentation {name}" for name in own]
