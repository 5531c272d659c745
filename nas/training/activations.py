"""Where in an image a network is active."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.store import Pixels
from nas.errors import UserError
from nas.models import Network
from nas.models.deployed import Deployed
from nas.training.augment import normalise


@torch.inference_mode()
def activation_maps(network: Network, pixels: Pixels) -> NDArray[np.float32]:
    """Of images (n, H, W, 3) of the network's input size: (n, h, w), each from 0 to 1, larger is
    more active.

    The sum over channels of the squares of the last feature map before all is pooled, from the
    image's least to its largest: the attention map of Zagoruyko and Komodakis, Paying more
    attention to attention (ICLR 2017). UserError for a file that was exported, or where
    activations are not finite.
    """
    if isinstance(network, Deployed):
        raise UserError("an exported file has no layers to look into; give what it was made of")
    network.eval()
    batch = normalise(torch.from_numpy(pixels).to(network.device)).to(network.dtype)
    tensors: list[Tensor | None] = [batch]
    last = batch
    for function, inputs, done in network.steps:
        made = function(*[tensors[i] for i in inputs])
        for i in done:
            tensors[i] = None
        tensors.append(made)
        if made.ndim == 4 and made.shape[2] * made.shape[3] > 1:
            last = made
    energy = last.float().square().sum(dim=1)
    if not energy.isfinite().all():
        raise UserError("the last feature map is not finite, so there is nothing to show of it")
    low, high = energy.amin(dim=(1, 2), keepdim=True), energy.amax(dim=(1, 2), keepdim=True)
    found: NDArray[np.float32] = ((energy - low) / (high - low).clamp_min(1e-12)).cpu().numpy()
    return found
