"""An augmentation of one's own: a rectangle without its colour, on two fifths of the images.

    python cli.py search osnet-mini --plugin examples/grey_patch.py --set augment=grey_patch

Identities are then told less by the colour of their clothes alone; after the local grey
transformation of Gong et al. (2021).
"""

import torch
from torch import Generator, Tensor

import nas

SHARE, SIDES = 0.4, (0.2, 0.8)  # of the images; of the image's sides
GREY = (0.299, 0.587, 0.114)  # luma of ITU-R BT.601


@nas.register_augmentation("grey_patch")
def grey_patch(pixels: Tensor, recipe, generator: Generator) -> Tensor:
    """A copy of uint8 (n, height, width, 3). All draws are from the generator, on the CPU: so a
    training that is gone on with is the same one."""
    draw = torch.rand(5, len(pixels), generator=generator)
    inside = (draw[0] < SHARE)[:, None, None]
    for axis, side in enumerate(pixels.shape[1:3]):
        length = (SIDES[0] + (SIDES[1] - SIDES[0]) * draw[1 + axis]) * side
        start = draw[3 + axis] * (side - length)
        at = torch.arange(side)
        within = (at >= start[:, None]) & (at < (start + length)[:, None])
        inside = inside & (within[:, :, None] if axis == 0 else within[:, None, :])
    grey = (pixels.float() @ torch.tensor(GREY, device=pixels.device)).round().to(torch.uint8)
    grey = grey[..., None].expand_as(pixels)
    return torch.where(inside.to(pixels.device)[..., None], grey, pixels)
