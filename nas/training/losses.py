"""Losses, of (logits, embeddings, labels); smaller is better."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from nas.training.loss_kinds import LOSSES
from nas.training.recipe import Recipe

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def make_loss(recipe: Recipe) -> Loss:
    """The recipe's loss: logits (n, classes), embeddings (n, d), labels (n,) to one number."""
    if (own := LOSSES[recipe.loss].make) is not None:
        return own(recipe)

    def classify(logits: Tensor, embeddings: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)

    def contrast(logits: Tensor, embeddings: Tensor, labels: Tensor) -> Tensor:
        found = embeddings.float()
        if recipe.triplet_metric == "cosine":
            found = normalize(found)
        return batch_hard_triplet(found, labels, recipe.margin)

    def both(logits: Tensor, embeddings: Tensor, labels: Tensor) -> Tensor:
        triplet = contrast(logits, embeddings, labels)
        return classify(logits, embeddings, labels) + recipe.triplet_weight * triplet

    return {"cross_entropy": classify, "triplet": contrast, "both": both}[recipe.loss]


def batch_hard_triplet(embeddings: Tensor, labels: Tensor, margin: float) -> Tensor:
    """The mean over images of max(0, margin + farthest of its identity - nearest of another).

    embeddings: (n, d), labels: (n,). Euclidean distances, not squared, of embeddings as they are,
    every image an anchor (Hermans et al. 2017, eq. 5). An image without another identity in the
    batch counts 0.
    """
    # Without the product of matrices: it leaves rounding where the distance is 0.
    distance = torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")
    same = labels[:, None] == labels[None, :]
    farthest = distance.masked_fill(~same, 0.0).amax(dim=1)
    nearest = distance.masked_fill(same, torch.inf).amin(dim=1)
    return (margin + farthest - nearest).relu().mean()
