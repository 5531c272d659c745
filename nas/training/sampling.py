"""Which images make the batches of an epoch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.errors import UserError
from nas.training.recipe import Recipe


def epoch_batches(
    labels: NDArray[np.int64], recipe: Recipe, generator: torch.Generator
) -> list[Tensor]:
    """The batches of one epoch, as indices into the images; every epoch has as many."""
    if recipe.sampler == "identity":
        return _identity_batches(labels, recipe, generator)
    return _random_batches(len(labels), recipe, generator)


def _random_batches(count: int, recipe: Recipe, generator: torch.Generator) -> list[Tensor]:
    """A random order, cut to `epoch_images`, and no tiny last batch."""
    order = torch.randperm(count, generator=generator)
    if recipe.epoch_images:
        order = order[: recipe.epoch_images]
    if len(order) < 2:
        raise UserError("an epoch of one image: nothing can be trained on it; two at least")
    batches = list(torch.split(order, recipe.batch))
    if len(batches) > 1 and len(batches[-1]) < max(recipe.batch // 2, 2):
        batches.pop()
    return batches


def _identity_batches(
    labels: NDArray[np.int64], recipe: Recipe, generator: torch.Generator
) -> list[Tensor]:
    """Batches of P identities with K images each, those of an identity side by side.

    Identities, and the images of each, are dealt from shuffled packs: no identity comes twice in a
    batch, or more than once more than another one in an epoch; and no image twice in a batch, but
    where the identity has fewer than K. Where there are fewer than P identities, all are in every
    batch, with more images each.
    """
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=labels.min() - 1))
    images = [torch.from_numpy(part) for part in np.split(order, starts[1:])]
    if len(images) < 2:
        raise UserError("sampler identity: the data has one identity only")
    wanted = min(recipe.batch // recipe.images_per_identity, len(images))
    each = recipe.batch // wanted
    count = min(recipe.epoch_images or len(labels), len(labels))
    identities = _Pack(len(images), generator)
    packs = [_Pack(len(members), generator) for members in images]
    return [
        torch.cat([images[i][packs[i].deal(each)] for i in identities.deal(wanted)])
        for _ in range(max(1, count // recipe.batch))
    ]


class _Pack:
    """Numbers below n, dealt in random order, all of them before any comes again."""

    def __init__(self, n: int, generator: torch.Generator) -> None:
        self.n, self.generator = n, generator
        self.left: list[int] = []

    def deal(self, count: int) -> list[int]:
        """The next `count`: distinct ones where there are as many, else each about as often."""
        dealt: list[int] = []
        while len(dealt) < count:
            if not self.left:
                fresh = torch.randperm(self.n, generator=self.generator).tolist()
                self.left = sorted(fresh, key=dealt.count)  # those in this hand come last
            take = count - len(dealt)
            dealt += self.left[:take]
            self.left = self.left[take:]
        return dealt
