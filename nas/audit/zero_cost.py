"""Scores of a network that was not trained: what a glance at it, or at one batch, says.

Larger is better in all of them. Each builds a network of its own, initialised by the seed, and
changes nothing beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nas.architecture import Architecture, Size
from nas.data import load_dataset
from nas.models import Network, build
from nas.seeds import derived_seed
from nas.training.augment import normalise
from nas.training.loop import default_device

BATCH = 32
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d)


@dataclass(frozen=True)
class Batch:
    """Images (N, 3, H, W), normalised; labels (N,), below `classes`."""

    images: Tensor
    labels: Tensor
    classes: int


def draw_batch(data: str, size: Size, seed: int = 0, count: int = BATCH) -> Batch:
    """Images of the training split, without augmentation, drawn by the seed."""
    train = load_dataset(data, size).train
    generator = torch.Generator().manual_seed(derived_seed(seed, "zero-cost batch"))
    rows = torch.randperm(len(train), generator=generator)[:count].numpy()
    pixels = torch.from_numpy(train.gather(rows))
    labels = torch.from_numpy(train.labels[np.asarray(rows)])
    return Batch(normalise(pixels).contiguous(), labels, int(train.labels.max()) + 1)


def synflow(architecture: Architecture, batch: Batch, seed: int = 0) -> float:
    """The sum over weights of |w dR/dw|, where R sums what an image of ones gives through |w|.

    Tanaka et al., Pruning neural networks without any data (NeurIPS 2020), eq. 2, of convolutions
    and linear layers, without norms, as Abdelfattah et al. (ICLR 2021) use it. No data is looked
    at: of the batch only its size counts.
    """
    network = _network(architecture, batch, seed).double().eval()
    network.training = True  # it gives logits; norms, which are passed by, take a batch of one
    for module in network.modules():
        if isinstance(module, NORMS):
            module.register_forward_hook(lambda module, inputs, output: inputs[0])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    image = torch.ones(1, *batch.images.shape[1:], dtype=torch.float64)
    with torch.enable_grad():
        logits, _ = network(image)
        logits.sum().backward()
    return sum(
        float((weight.detach() * weight.grad).abs().sum())
        for weight in _weights(network)
        if weight.grad is not None
    )


def naswot(architecture: Architecture, batch: Batch, seed: int = 0) -> float:
    """The log determinant of how alike the images' patterns of active ReLUs are.

    Mellor et al., Neural architecture search without training (ICML 2021), eq. 2: K[i, j] is the
    number of units less those that are active for one of images i and j alone. -inf where two
    images have the same pattern.
    """
    device = default_device()
    network = _network(architecture, batch, seed).to(device).train()
    kernel = torch.zeros(len(batch.images), len(batch.images), dtype=torch.float64)

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        active = (output > 0).flatten(1).float()
        idle = 1 - active
        kernel.add_((active @ active.T + idle @ idle.T).cpu().double())

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(batch.images.to(device))
    sign, log = np.linalg.slogdet(kernel.numpy())
    return float(log) if sign > 0 else -np.inf


def gradient_norm(architecture: Architecture, batch: Batch, seed: int = 0) -> float:
    """The sum over layers of the Euclidean norm of the gradient of the cross-entropy of one batch.

    Of the weights of convolutions and linear layers: grad_norm of Abdelfattah et al., Zero-cost
    proxies for lightweight NAS (ICLR 2021).
    """
    device = default_device()
    network = _network(architecture, batch, seed).to(device).train()
    with torch.enable_grad():
        logits, _ = network(batch.images.to(device))
        cross_entropy(logits, batch.labels.to(device)).backward()  # type: ignore[no-untyped-call]
    return sum(float(w.grad.norm()) for w in _weights(network) if w.grad is not None)


ZERO_COST: dict[str, Callable[[Architecture, Batch, int], float]] = {
    "synflow": synflow,
    "naswot": naswot,
    "gradient norm": gradient_norm,
}


def _network(architecture: Architecture, batch: Batch, seed: int) -> Network:
    """What hooks hand on, or look at, is not written over."""
    network = build(architecture, batch.classes, seed=seed)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return network


def _weights(network: nn.Module) -> list[Tensor]:
    """Of all convolutions and linear layers."""
    return [m.weight for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
