"""A network made fast for inference: the same function in fewer steps and less memory."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from nas.models.layers import FRESH, add, concat, scale
from nas.models.network import Network


class Step(NamedTuple):
    """What computes tensor i + 1 from earlier ones, in the order of the network's steps."""

    function: Callable[..., Tensor]
    inputs: tuple[int, ...]


def optimise(model: Network, *, batch: int = 1) -> torch.jit.ScriptModule:
    """Batch norms folded, channels_last, sums and products in place, traced and frozen.

    Images (N, 3, H, W) to embeddings (N, E), as the model in eval mode up to rounding; traced for
    `batch` images, and right for any number. The model itself is not changed.
    """
    fast = fold(model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _replace_steps(fast, _in_place([_pointwise(s) for s in _steps(fast)]))
    like = next(model.parameters(), torch.empty(0))
    image = torch.zeros(batch, *model.input_shape, dtype=like.dtype, device=like.device)
    image = image.to(memory_format=torch.channels_last)
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(fast, image, check_trace=False)  # type: ignore[no-untyped-call]
        frozen: torch.jit.ScriptModule = torch.jit.freeze(traced)
    return frozen


def fold(model: Network) -> Network:
    """A copy in eval mode in which a norm that follows a convolution or linear layer is part of it.

    It is folded where the norm alone reads that layer, and the layer is used once.
    """
    found = copy.deepcopy(model).without_classifier().eval()
    steps = _steps(found)
    readers = Counter(tensor for _, inputs in steps for tensor in inputs)
    uses = Counter(id(function) for function, _ in steps)
    kept: list[Step] = []
    place = {0: 0}  # of each tensor among those that are still made
    for made, (function, inputs) in enumerate(steps, start=1):
        alone = readers[inputs[0]] == 1 and inputs[0] > 0
        before = kept[place[inputs[0]] - 1] if alone else None
        joined = (
            _joined(before.function, function)
            if before and uses[id(before.function)] == 1
            else None
        )
        if before and joined:
            kept[place[inputs[0]] - 1] = Step(joined, before.inputs)
            place[made] = place[inputs[0]]
        else:
            kept.append(Step(function, tuple(place[i] for i in inputs)))
            place[made] = len(kept)
    _replace_steps(found, kept)
    return found


def _joined(maker: Callable[..., Tensor], norm: Callable[..., Tensor]) -> nn.Module | None:
    """A convolution or linear layer and the batch norm after it as one; None for all else."""
    if isinstance(maker, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
        return fuse_conv_bn_eval(maker, norm)
    if isinstance(maker, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
        return fuse_linear_bn_eval(maker, norm)
    return None


class Pointwise(nn.Linear):
    """A 1x1 convolution as the matrix product that it is: no copy in channels_last."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _pointwise(step: Step) -> Step:
    conv = step.function
    if not isinstance(conv, nn.Conv2d) or conv.groups > 1:
        return step
    if conv.kernel_size != (1, 1) or conv.stride != (1, 1):
        return step
    product = Pointwise(conv.in_channels, conv.out_channels, device=conv.weight.device)
    product.weight = nn.Parameter(conv.weight.detach()[:, :, 0, 0].clone())
    product.bias = conv.bias  # type: ignore[assignment]
    return Step(product, step.inputs)


def _in_place(steps: list[Step]) -> list[Step]:
    """Sums, products and ReLUs written over an operand, where nothing reads that memory again.

    What a plug-in's layer reads and makes is never written over: it may be one memory.
    """
    memory = {0: 0}  # of each tensor: the first one that lies there; 0, the image's, is not ours
    for made, (function, inputs) in enumerate(steps, start=1):
        if function in (add, concat, scale) or isinstance(function, (nn.ReLU, *FRESH)):
            memory[made] = made
        elif isinstance(function, nn.Flatten):
            memory[made] = memory[inputs[0]]
        else:
            kept = {0, *(memory[i] for i in inputs)}
            memory = {i: 0 if at in kept else at for i, at in memory.items()} | {made: 0}
    last = {memory[i]: step for step, (_, inputs) in enumerate(steps) for i in inputs}
    found = []
    for index, (function, inputs) in enumerate(steps):
        places = [memory[i] for i in inputs]
        free = [at > 0 and last[at] == index and places.count(at) == 1 for at in places]
        if function is add and any(free):
            first = inputs[free.index(True)]
            rest = (i for i in inputs if i != first)
            found.append(Step(_add_in_place, (first, *rest)))
        elif function is scale and free[0]:
            found.append(Step(_scale_in_place, inputs))
        elif isinstance(function, nn.ReLU) and free[0]:
            found.append(Step(torch.relu_, inputs))
        else:
            found.append(Step(function, inputs))
    return found


def _steps(model: Network) -> list[Step]:
    return [Step(function, inputs) for function, inputs, _ in model.steps]


def _replace_steps(model: Network, steps: list[Step]) -> None:
    """Make the model compute these steps, and hold the modules of these alone."""
    for name, _ in list(model.named_children()):
        del model._modules[name]
    modules = (f for f, _ in steps if isinstance(f, nn.Module))
    model.folded = nn.ModuleList(dict.fromkeys(modules))
    model.wire(steps)


def _add_in_place(first: Tensor, *rest: Tensor) -> Tensor:
    for x in rest:
        first = first.add_(x)
    return first


def _scale_in_place(x: Tensor, weights: Tensor) -> Tensor:
    return x.mul_(weights)
