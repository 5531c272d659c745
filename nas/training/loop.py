"""The training loop: from one epoch to a later one, resumable, the same bits each time on a CPU."""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nas.data import Images
from nas.models import Network
from nas.seeds import derived_seed
from nas.training.augment import augment, normalise
from nas.training.recipe import Recipe


class Stopped(Exception):
    """Training was asked to stop before it was done."""


class Diverged(Exception):
    """The loss is not a finite number."""


class Trainer:
    """A network, its moving average, and its optimizer, at some epoch.

    The order of the data and its augmentation follow from (seed, epoch) alone, so that a trainer
    that was restored goes on exactly as one that was never stopped.
    """

    def __init__(
        self, network: Network, recipe: Recipe, *, seed: int, device: torch.device | None = None
    ) -> None:
        self.device = device or default_device()
        self.recipe, self.seed = recipe, seed
        self.network = network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.autocast = autocast(recipe, self.device)
        self.optimizer = _optimizer(self.network, recipe)
        self.loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        self.epoch = self.step = 0

    def train(
        self,
        images: Images,
        to_epoch: int,
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Train up to the end of `to_epoch`.

        `stop` is asked before every step. Raises Stopped; Diverged where the loss is no number.
        """
        labels = torch.from_numpy(images.labels)
        self.network.train()
        while self.epoch < to_epoch:
            generator = torch.Generator().manual_seed(derived_seed(self.seed, "epoch", self.epoch))
            for batch in _batches(images.labels, self.recipe, generator):
                if stop():
                    raise Stopped
                pixels = torch.from_numpy(images.gather(batch.numpy())).to(self.device)
                batch_pixels = augment(pixels, self.recipe, generator)
                self._step(normalise(batch_pixels), labels[batch].to(self.device))
            self.epoch += 1

    def _step(self, x: Tensor, labels: Tensor) -> None:
        recipe = self.recipe
        rate = recipe.lr * min(1.0, (self.step + 1) / max(recipe.warmup_steps, 1))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with self.autocast:
            logits, _ = self.network(x)
        loss = self.loss(logits.float(), labels)
        if not math.isfinite(loss.item()):
            raise Diverged(f"the loss is {loss.item()} at step {self.step}")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        self._update_average()

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and statistics; short at first, so not biased."""
        keep = min(self.recipe.average, self.step / (self.step + 10))
        own, averaged = _tensors(self.network), _tensors(self.average)
        torch._foreach_lerp_(averaged, own, 1 - keep)

    def state(self) -> bytes:
        """Everything that is needed to go on, as a file for `torch.load(weights_only=True)`."""
        buffer = io.BytesIO()
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "epoch": self.epoch,
                "step": self.step,
            },
            buffer,
        )
        return buffer.getvalue()

    def restore(self, state: bytes) -> None:
        """Go back to what `state` saved."""
        saved: dict[str, Any] = torch.load(io.BytesIO(state), weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.step = saved["epoch"], saved["step"]


def default_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """bfloat16 where asked for, or (auto) where the device computes in it natively."""
    native = device.type == "cuda" or cpu_has_bfloat16()
    wanted = recipe.precision == "bfloat16" or (recipe.precision == "auto" and native)
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16 (AMX, or AVX-512's own instructions)."""
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def _batches(labels: NDArray[np.int64], recipe: Recipe, generator: torch.Generator) -> list[Tensor]:
    """The epoch's batches of indices: a random order, cut to `epoch_images`, no tiny last batch."""
    order = torch.randperm(len(labels), generator=generator)
    if recipe.epoch_images:
        order = order[: recipe.epoch_images]
    batches = list(torch.split(order, recipe.batch))
    if len(batches) > 1 and len(batches[-1]) < recipe.batch // 2:
        batches.pop()
    return batches


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay is for weights of convolutions and linear layers, not for norms and biases."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9, fused=True)
    return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)


def _tensors(network: nn.Module) -> list[Tensor]:
    """Parameters and floating-point statistics, in a fixed order."""
    found = [*network.parameters(), *network.buffers()]
    return [t.data for t in found if t.is_floating_point()]
