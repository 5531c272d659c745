"""Augmentation of whole batches, on the device, from a generator that is passed in.

Batches are uint8 (N, H, W, C): read as (N, C, H, W), that is torch's channels_last.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nas.models.about import MEAN, STD
from nas.training.recipe import Recipe


def augment(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Mirrored, shifted and erased copies of uint8 (N, H, W, C)."""
    if recipe.flip:
        mirrored = torch.rand(len(pixels), generator=generator) < 0.5
        pixels = torch.where(
            mirrored.to(pixels.device)[:, None, None, None], pixels.flip(2), pixels
        )
    if recipe.crop:
        pixels = _shift(pixels, recipe.crop, generator)
    if recipe.erase:
        pixels = _erase(pixels, recipe.erase, generator)
    return pixels


def normalise(pixels: Tensor) -> Tensor:
    """uint8 (N, H, W, C) to float32 (N, C, H, W), channels_last, by ImageNet's statistics."""
    mean = torch.tensor(MEAN, device=pixels.device) * 255
    std = torch.tensor(STD, device=pixels.device) * 255
    return ((pixels.float() - mean) / std).permute(0, 3, 1, 2)


def _shift(pixels: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Pad with black by `reach` pixels and crop at a random place."""
    count, height, width, _ = pixels.shape
    padded = torch.nn.functional.pad(pixels, (0, 0, reach, reach, reach, reach))
    corner = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=generator).to(pixels.device)
    rows = corner[0] + torch.arange(height, device=pixels.device)
    columns = corner[1] + torch.arange(width, device=pixels.device)
    images = torch.arange(count, device=pixels.device)[:, None, None]
    return padded[images, rows[:, :, None], columns[:, None, :]]


def _erase(pixels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Grey rectangles of 10-40% of height and width on a share of the images."""
    count, height, width, _ = pixels.shape
    draw = torch.rand(5, count, 1, generator=generator).to(pixels.device)
    chosen = draw[4] < share
    inside = []
    for side, size, place in ((height, draw[0], draw[1]), (width, draw[2], draw[3])):
        length = side * (0.1 + 0.3 * size)
        start = place * (side - length)
        at = torch.arange(side, device=pixels.device)
        inside.append((at >= start) & (at < start + length))
    mask = (inside[0] & chosen)[:, :, None] & inside[1][:, None, :]
    return pixels.masked_fill(mask[..., None], 114)
