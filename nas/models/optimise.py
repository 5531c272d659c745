"""A network made fast for inference: the same function in fewer and larger steps."""

from __future__ import annotations

import copy
import warnings

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from nas.models.network import Network


def optimise(model: Network, *, batch: int = 1) -> torch.jit.ScriptModule:
    """Batch norms folded into the convolutions before them, channels_last, traced and frozen.

    Images (N, 3, H, W) to embeddings (N, E), as the model in eval mode up to rounding; traced for
    `batch` images, and right for any number. The model itself is not changed.
    """
    folded = fold(model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    height, width = model.input_size
    image = torch.zeros(batch, 3, height, width)
    image = image.to(next(model.parameters()).device, memory_format=torch.channels_last)
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(folded, image, check_trace=False)  # type: ignore[no-untyped-call]
        return torch.jit.optimize_for_inference(torch.jit.freeze(traced))


def fold(model: Network) -> Network:
    """A copy in eval mode in which a norm that follows a convolution or linear layer is part of it.

    It is folded where the norm alone reads that layer, and the layer is used once.
    """
    found = copy.deepcopy(model).without_classifier().eval()
    readers: dict[int, int] = {}
    uses: dict[int, int] = {}
    for function, inputs, _ in found.steps:
        uses[id(function)] = uses.get(id(function), 0) + 1
        for tensor in inputs:
            readers[tensor] = readers.get(tensor, 0) + 1
    steps = list(found.steps)
    for index, (function, inputs, done) in enumerate(steps):
        before = inputs[0] - 1  # the step that made the tensor
        if not isinstance(function, (nn.BatchNorm2d, nn.BatchNorm1d)) or before < 0:
            continue
        maker = steps[before][0]
        if readers[inputs[0]] != 1 or uses[id(maker)] != 1:
            continue
        if isinstance(maker, nn.Conv2d):
            fused: nn.Module = fuse_conv_bn_eval(maker, function)
        elif isinstance(maker, nn.Linear):
            fused = fuse_linear_bn_eval(maker, function)
        else:
            continue
        steps[before] = (fused, *steps[before][1:])
        steps[index] = (_same, inputs, done)
    found.steps = steps
    for name, _ in list(found.named_children()):
        del found._modules[name]
    found.folded = nn.ModuleList(dict.fromkeys(f for f, _, _ in steps if isinstance(f, nn.Module)))
    return found


def _same(x: Tensor) -> Tensor:
    return x
