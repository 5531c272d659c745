"""Losses by name: those that come with it, and those of users' plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.plugins import check_function, check_name, digest_of

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


def register_loss(
    name: str, *, identities: bool = True, classifier: bool = True
) -> Callable[[Make], Make]:
    """Decorator of a function that gives the loss of a recipe: of logits (n, classes), embeddings
    (n, d) and labels (n,), one number, smaller is better.

    The recipe's field `loss` names it then. identities, classifier: see `LossKind`.
    """
    check_name("loss", name)

    def add(make: Make) -> Make:
        check_function("loss", name, make, {name: kind.make for name, kind in LOSSES.items()})
        LOSSES[name] = LossKind(identities, classifier, make)
        return make

    return add
