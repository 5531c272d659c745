"""The optimizer of a recipe."""

from __future__ import annotations

import torch
from torch import nn

from nas.training.recipe import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay is for weights of convolutions and linear layers, and for norms where asked."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": recipe.weight_decay if recipe.decay_norms else 0.0},
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            groups,
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            # Fused, it fails where some weights have a momentum and others have none yet.
            fused=not recipe.frozen_epochs,
        )
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    return torch.optim.Adam(groups, lr=recipe.lr, amsgrad=recipe.optimizer == "amsgrad", fused=True)
