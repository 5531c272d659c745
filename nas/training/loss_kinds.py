"""Losses by name: those that come with it, and those of users' plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.errors import UserError
from nas.plugins import check_name, digest_of, source_of, typed_again

if TYPE_CHECKING:
    from torch import Tensor

    from nas.training.recipe import Recipe

    Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
    Make = Callable[[Recipe], Loss]


@dataclass(frozen=True)
class LossKind:
    """identities: whether it compares identities within a batch, which needs sampler identity.

    classifier: whether it trains one. make: what gives the loss of a recipe; None for those that
    come with it, which are in `nas.training.losses`.
    """

    identities: bool
    classifier: bool
    make: Make | None = None

    @property
    def digest(self) -> str:
        """Of the file that has it; empty for those that come with it."""
        return digest_of(self.make) if self.make else ""


LOSSES = {
    "cross_entropy": LossKind(identities=False, classifier=True),
    "triplet": LossKind(identities=True, classifier=False),
    "both": LossKind(identities=True, classifier=True),
}


def losses_of_script() -> list[str]:
    """What was registered by the script that runs, as `nas.architecture.registry.of_script`."""
    own = {name: kind.make for name, kind in LOSSES.items() if kind.make}
    return [f"loss {name}" for name, f in own.items() if source_of(f).__module__ == "__main__"]


def register_loss(
    name: str, *, identities: bool = True, classifier: bool = True
) -> Callable[[Make], Make]:
    """Decorator of a function that gives the loss of a recipe: of logits (n, classes), embeddings
    (n, d) and labels (n,), one number, smaller is better.

    The recipe's field `loss` names it then. identities, classifier: see `LossKind`.
    """
    check_name("loss", name)

    def add(make: Make) -> Make:
        if not callable(make):
            raise UserError(f"loss {name!r} is not a function of a recipe")
        if name in LOSSES and not typed_again(LOSSES[name].make, make):
            raise UserError(f"loss {name!r} is registered already")
        LOSSES[name] = LossKind(identities, classifier, make)
        return make

    return add
