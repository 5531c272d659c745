"""Augmentation of whole batches, on the device, from a generator that is passed in.

Batches are uint8 (N, H, W, C): read as (N, C, H, W), that is torch's channels_last. Each image has
its own draw. Draws are made on the CPU, so that every device augments alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nas.errors import UserError
from nas.models.about import MEAN, STD
from nas.training.augmentation_kinds import AUGMENTATIONS
from nas.training.recipe import Recipe

GREY = (0.299, 0.587, 0.114)  # luma of ITU-R BT.601
ERASED_AREA, ERASED_ASPECT = (0.02, 0.4), (0.3, 1 / 0.3)  # Zhong et al., AAAI 2020
PATCH_AREA, PATCH_ASPECT = (0.01, 0.5), (0.1, 1 / 0.1)  # torchreid's RandomPatch
TRIES = 10  # rectangles drawn for an image until one fits into it


def augment(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Changed copies of uint8 (N, H, W, C), by what the recipe asks for."""
    if recipe.flip:
        mirrored = torch.rand(len(pixels), generator=generator) < 0.5
        pixels = torch.where(
            mirrored.to(pixels.device)[:, None, None, None], pixels.flip(2), pixels
        )
    if recipe.resize_crop > 1:
        pixels = _resize_crop(pixels, recipe.resize_crop, generator)
    if recipe.crop:
        pixels = _shift(pixels, recipe.crop, generator)
    if recipe.patch:
        pixels = _patch(pixels, recipe.patch, generator)
    if recipe.brightness or recipe.contrast or recipe.saturation:
        pixels = _jitter(pixels, recipe, generator)
    if recipe.erase:
        pixels = _erase(pixels, recipe.erase, generator)
    for name in recipe.augment:
        changed = AUGMENTATIONS[name](pixels, recipe, generator)
        if _kind(changed) != _kind(pixels):
            raise UserError(
                f"augmentation {name} gives {_kind(changed)}, where it was given {_kind(pixels)}"
            )
        pixels = changed
    return pixels


def _kind(given: object) -> str:
    if not isinstance(given, Tensor):
        return f"{type(given).__name__}, no tensor"
    return f"{str(given.dtype).removeprefix('torch.')} of {tuple(given.shape)}"


def normalise(pixels: Tensor) -> Tensor:
    """uint8 (N, H, W, C) to float32 (N, C, H, W), channels_last, by ImageNet's statistics."""
    # A row of pixels at a time: torch does not vectorise over the three channels alone.
    width = pixels.shape[2]
    mean = (torch.tensor(MEAN, device=pixels.device) * 255).repeat(width)
    std = (torch.tensor(STD, device=pixels.device) * 255).repeat(width)
    rows = pixels.flatten(2).float().sub_(mean).div_(std)
    return rows.reshape(pixels.shape).permute(0, 3, 1, 2)


def _shift(pixels: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Pad with black by `reach` pixels and crop at a random place."""
    padded = torch.nn.functional.pad(pixels, (0, 0, reach, reach, reach, reach))
    corner = torch.randint(0, 2 * reach + 1, (2, len(pixels)), generator=generator)
    return _windows(padded, corner.to(pixels.device), pixels.shape[1], pixels.shape[2])


def _resize_crop(pixels: Tensor, factor: float, generator: torch.Generator) -> Tensor:
    """Half of the images enlarged, bilinearly, and cropped back at a random place.

    torchreid's Random2DTranslation.
    """
    count, height, width, _ = pixels.shape
    size = (round(height * factor), round(width * factor))
    chosen = (torch.rand(count, generator=generator) < 0.5).nonzero()[:, 0]
    corner = torch.stack(
        [
            torch.randint(0, large - small + 1, (count,), generator=generator)
            for large, small in zip(size, (height, width), strict=True)
        ]
    )[:, chosen].to(pixels.device)
    chosen = chosen.to(pixels.device)
    planes = pixels[chosen].permute(0, 3, 1, 2)
    if planes.is_cuda:  # torch has no kernel for uint8 there
        planes = planes.float()
    large = torch.nn.functional.interpolate(planes, size=size, mode="bilinear")
    if large.is_floating_point():
        large = large.round().to(torch.uint8)
    cropped = _windows(large.permute(0, 2, 3, 1), corner, height, width)
    return pixels.index_copy(0, chosen, cropped)


def _patch(pixels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A rectangle of another image of the batch, half of them mirrored, at a random place.

    After torchreid's RandomPatch, which keeps patches of earlier batches and also turns them.
    """
    count, height, width, channels = pixels.shape
    if count < 2:
        return pixels
    size = _rectangles(count, height, width, PATCH_AREA, PATCH_ASPECT, generator)
    draw = torch.rand(7, count, generator=generator)
    donor = (torch.arange(count) + 1 + (draw[1] * (count - 1)).long()) % count
    room = torch.tensor([[height], [width]]) + 1 - size
    source, target = (draw[2:4] * room).long(), (draw[4:6] * room).long()
    chosen = (draw[0] < share).nonzero()[:, 0]
    donor, size, source, target = (
        donor[chosen],
        size[:, chosen],
        source[:, chosen],
        target[:, chosen],
    )
    inside, at = [], []
    for axis, side in enumerate((height, width)):
        place = torch.arange(side) - target[axis][:, None]  # in the patch, from 0
        length = size[axis][:, None]
        inside.append((place >= 0) & (place < length))
        if axis == 1:
            mirrored = (draw[6, chosen] < 0.5)[:, None]
            place = torch.where(mirrored, length - 1 - place, place)
        at.append((place + source[axis][:, None]).clamp(0, side - 1))
    mask = (inside[0][:, :, None] & inside[1][:, None, :]).to(pixels.device)
    index = ((donor[:, None] * height + at[0])[:, :, None] * width + at[1][:, None, :]).flatten()
    index, chosen = index.to(pixels.device), chosen.to(pixels.device)
    found = pixels.reshape(-1, channels).index_select(0, index).view(-1, height, width, channels)
    patched = torch.where(mask[..., None], found, pixels[chosen])
    return pixels.index_copy(0, chosen, patched)


def _jitter(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Brightness, contrast and saturation, in this order, by factors about 1; rounded once."""
    reach = torch.tensor([recipe.brightness, recipe.contrast, recipe.saturation])
    factor = 1 + reach[:, None] * (2 * torch.rand(3, len(pixels), generator=generator) - 1)
    brightness, contrast, saturation = factor.to(pixels.device)[..., None, None, None]
    weights = torch.tensor(GREY, device=pixels.device)
    found: Tensor = pixels * brightness
    if recipe.contrast:
        found = found.clamp_(0, 255)
        mean = (found.mean(dim=(1, 2)) @ weights)[:, None, None, None]
        found = torch.lerp(mean, found, contrast)
    if recipe.saturation:
        found = found.clamp_(0, 255)
        found = torch.lerp((found @ weights)[..., None], found, saturation)
    return found.round_().clamp_(0, 255).to(torch.uint8)


def _erase(pixels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A rectangle of ImageNet's mean colour on a share of the images (Zhong et al., AAAI 2020)."""
    count, height, width, _ = pixels.shape
    size = _rectangles(count, height, width, ERASED_AREA, ERASED_ASPECT, generator)
    draw = torch.rand(3, count, generator=generator)
    size = size * (draw[0] < share)
    inside = []
    for side, length, place in zip((height, width), size, draw[1:], strict=True):
        start = (place * (side + 1 - length)).long()[:, None]
        at = torch.arange(side)
        inside.append(((at >= start) & (at < start + length[:, None])).to(pixels.device))
    mask = inside[0][:, :, None] & inside[1][:, None, :]
    colour = (torch.tensor(MEAN, device=pixels.device) * 255).round().to(torch.uint8)
    return torch.where(mask[..., None], colour, pixels)


def _rectangles(
    count: int,
    height: int,
    width: int,
    area: tuple[float, float],
    aspect: tuple[float, float],
    generator: torch.Generator,
) -> Tensor:
    """Height and width in pixels, int64 (2, count), of rectangles that are smaller than the image.

    area: share of the image's; aspect: height over width; both drawn uniformly, and again where the
    rectangle does not fit; nothing (0 x 0) where none did.
    """
    draw = torch.rand(2, TRIES, count, generator=generator)
    area_px = height * width * (area[0] + (area[1] - area[0]) * draw[0])
    ratio = aspect[0] + (aspect[1] - aspect[0]) * draw[1]
    sizes = torch.stack([(area_px * ratio).sqrt(), (area_px / ratio).sqrt()]).round().long()
    fits = (sizes[0] < height) & (sizes[1] < width) & (sizes > 0).all(dim=0)
    first = fits.int().argmax(dim=0)
    return sizes[:, first, torch.arange(count)] * fits.any(dim=0)


def _windows(pixels: Tensor, corner: Tensor, height: int, width: int) -> Tensor:
    """Crops of `height` x `width`, each at its corner (row and column, (2, N))."""
    # All windows as one view, of which one an image is copied: 14 times as fast as an index for
    # each pixel.
    count, tall, wide, channels = pixels.shape
    image, row, column, channel = pixels.stride()
    windows = pixels.as_strided(
        (count, tall - height + 1, wide - width + 1, height, width, channels),
        (image, row, column, row, column, channel),
    )
    return windows[torch.arange(count, device=pixels.device), corner[0], corner[1]]
