"""The training loop: from one epoch to a later one, resumable, the same bits each time on a CPU."""

from __future__ import annotations

import copy
import gc
import io
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nas.data import Images
from nas.errors import UserError
from nas.models import Network
from nas.seeds import derived_seed
from nas.training.augment import augment, normalise
from nas.training.graphs import Graphed
from nas.training.losses import make_loss
from nas.training.optimizers import make_optimizer
from nas.training.recipe import Recipe
from nas.training.sampling import epoch_batches
from nas.training.schedules import learning_rate


class Stopped(Exception):
    """Training was asked to stop before it was done."""


class Diverged(Exception):
    """The loss is not a finite number."""


@dataclass(frozen=True)
class Step:
    """What one step of the optimizer did. step: counted from 1; images: in its batch."""

    epoch: int
    step: int
    lr: float
    loss: float
    images: int


class Trainer:
    """A network, its moving average, and its optimizer, at some step of some epoch.

    The order of the data and its augmentation follow from (seed, epoch) alone, and the state has
    where their generator stood, so that a trainer that was restored goes on exactly as one that was
    never stopped. graphs: on a GPU, launch forward and backward passes as CUDA graphs.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device | None = None,
        graphs: bool = True,
    ) -> None:
        self.device = device or default_device()
        self.recipe, self.seed = recipe, seed
        if self.device.type == "cuda":
            _free_graphs()
        self.network = network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.network.speed_up_training()
        self._own, self._averaged = _tensors(self.network), _tensors(self.average)
        self.autocast = autocast(recipe, self.device)
        self._compute: Callable[[Tensor], Any] = self.network
        graphs = graphs and self.device.type == "cuda" and recipe.accumulate == 1
        self._thawed = Graphed(self.network) if graphs else self.network
        self.optimizer = make_optimizer(self.network, recipe)
        self.loss = make_loss(recipe)
        self.epoch = self.step = 0
        self.batch = 0  # the next batch of the epoch
        self.last_loss = float("nan")
        self._generator = torch.Generator()

    def train(
        self,
        images: Images,
        to_epoch: int,
        *,
        stop: Callable[[], bool] = lambda: False,
        watch: Callable[[Step], None] = lambda step: None,
    ) -> None:
        """Train up to the end of `to_epoch`.

        `stop` is asked before every step, `watch` told after it. Raises Stopped; Diverged where the
        loss is no number.
        """
        labels = torch.from_numpy(images.labels)
        while self.epoch < to_epoch:
            self._set_modes()
            batches = self._open_epoch(images)
            while self.batch < len(batches):
                if stop():
                    raise Stopped
                batch = batches[self.batch]
                rate = learning_rate(self.recipe, self.step, len(batches))
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                pixels = torch.from_numpy(images.gather(batch.numpy())).to(self.device)
                batch_pixels = augment(pixels, self.recipe, self._generator)
                self._step(normalise(batch_pixels), labels[batch].to(self.device))
                self.batch += 1
                watch(Step(self.epoch, self.step, rate, self.last_loss, len(batch)))
            self.epoch, self.batch = self.epoch + 1, 0

    def epoch_steps(self, images: Images) -> int:
        """Steps of an epoch; UserError where no batch can be made of these images."""
        return len(epoch_batches(images.labels, self.recipe, torch.Generator()))

    def _open_epoch(self, images: Images) -> list[Tensor]:
        """The epoch's batches; the generator is left where the augmentation takes it up."""
        stood = self._generator.get_state()
        self._generator.manual_seed(derived_seed(self.seed, "epoch", self.epoch))
        batches = epoch_batches(images.labels, self.recipe, self._generator)
        if self.batch:
            self._generator.set_state(stood)
        return batches

    def _set_modes(self) -> None:
        """Training mode; in the frozen epochs, of what is not frozen."""
        frozen = self.epoch < self.recipe.frozen_epochs
        self._compute = self.network if frozen else self._thawed
        self.network.train(not frozen)
        self.network.requires_grad_(not frozen)
        if frozen:
            self.network.training = True  # it gives logits
            for name in ("classifier", "fc")[: 2 if self.recipe.unfrozen == "embedding" else 1]:
                self.network.get_submodule(name).train().requires_grad_(True)

    def _step(self, x: Tensor, labels: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        parts = max(1, min(self.recipe.accumulate, len(x) // 2))  # a norm needs two images
        for part, part_labels in zip(
            x.tensor_split(parts), labels.tensor_split(parts), strict=True
        ):
            with self.autocast:
                logits, embeddings = self._compute(part)
            loss = self.loss(logits, embeddings, part_labels)
            if parts > 1:
                loss = loss * (len(part) / len(x))
            total += loss.item()
            if not math.isfinite(total):
                raise Diverged(f"the loss is {total} at step {self.step}")
            loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.last_loss = total
        self.step += 1
        self._update_average()

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and statistics; short at first, so not biased."""
        keep = min(self.recipe.average, self.step / (self.step + 10))
        torch._foreach_lerp_(self._averaged, self._own, 1 - keep)

    def finite(self) -> bool:
        """Whether all weights are finite numbers."""
        return all(bool(tensor.isfinite().all()) for tensor in self._own)

    def state(self, extra: Mapping[str, Any] | None = None) -> bytes:
        """Everything that is needed to go on, as a file for `torch.load(weights_only=True)`.

        The same bytes for the same values, restored or not. extra: plain values that go with it.
        """
        saved: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
        }
        if self.batch:
            saved |= {"batch": self.batch, "generator": self._generator.get_state()}
        if self.network.task:
            saved["task"] = self.network.task
        if self.network.classes:
            saved["classes"] = list(self.network.classes)
        if extra is not None:
            saved["extra"] = dict(extra)
        buffer = io.BytesIO()
        torch.save(_alike(saved), buffer)
        return buffer.getvalue()

    def restore(self, state: bytes) -> dict[str, Any]:
        """Go back to what `state` saved; gives its extra values."""
        saved: dict[str, Any] = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.step = saved["epoch"], saved["step"]
        self.batch = saved.get("batch", 0)
        if self.batch:
            self._generator.set_state(saved["generator"])
        extra: dict[str, Any] = saved.get("extra", {})
        return extra


def parse_device(text: str | None) -> torch.device:
    """The device of that name (cpu, cuda, cuda:1, mps), by default the GPU if there is one.

    UserError where it can not be used.
    """
    if text is None:
        return default_device()
    try:
        device = torch.device(text)
        torch.zeros(1, device=device).item()  # a meta device has no values
    except Exception as error:  # what torch raises differs with the build
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else "none there"
        raise UserError(f"--device: {text!r} can not be used here ({reason})") from None
    return device


def default_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """bfloat16 where asked for, or (auto) where the device computes in it natively."""
    native = gpu_has_bfloat16(device) if device.type == "cuda" else cpu_has_bfloat16()
    wanted = recipe.precision == "bfloat16" or (recipe.precision == "auto" and native)
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def gpu_has_bfloat16(device: torch.device) -> bool:
    """Whether the GPU computes in bfloat16 itself; older ones emulate it, slowly."""
    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16 (AMX, or AVX-512's own instructions)."""
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def _free_graphs() -> None:
    """Give back what CUDA graphs of earlier trainers hold: torch keeps them, with the activations
    of a batch, in a class, which is a cycle; and their memory is of no use to anything else."""
    gc.collect()
    torch.cuda.empty_cache()


def _alike(value: Any) -> Any:
    """A copy of nested values in which equal texts are one object, and no two others are.

    A pickle names again what it has written, by identity, which restoring changes.
    """
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, Mapping):
        return {_alike(key): _alike(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_alike(item) for item in value])
    return value


def _tensors(network: nn.Module) -> list[Tensor]:
    """Parameters and floating-point statistics, in a fixed order."""
    found = [*network.parameters(), *network.buffers()]
    return [t.data for t in found if t.is_floating_point()]
