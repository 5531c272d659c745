"""Batch norm and the ReLU after it as one step of training on a CPU; without it torch's are used.

fused_norm.cpp is compiled when the package is installed, where there is a compiler. torch's batch
norm of a channels_last batch takes up to half of a training step, as it fills its vectors with
channels alone, and lightweight networks have few.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

LIBRARY = "_fused_norm"
DTYPES = (torch.float32, torch.bfloat16)


class FusedNorm:
    """What `norm`, and a ReLU after it where `relu` is, computes: (N, C, H, W) to the same.

    Where the compiled step can not be used (eval mode, a GPU, another layout) torch's are.
    """

    def __init__(self, norm: nn.BatchNorm2d, relu: bool) -> None:
        self.norm, self.relu = norm, relu

    def __call__(self, x: Tensor) -> Tensor:
        norm = self.norm
        if not (norm.training and usable(x)):
            found: Tensor = norm(x)
            return found.relu_() if self.relu else found
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        found = _BatchNorm.apply(  # type: ignore[no-untyped-call]
            x, norm.weight, norm.bias, norm.running_mean, norm.running_var,
            norm.momentum, norm.eps, self.relu,
        )  # fmt: skip
        return found


def usable(x: Tensor) -> bool:
    """Whether the compiled step is there, and takes this batch."""
    return (
        x.device.type == "cpu"
        and x.dtype in DTYPES
        and x.numel() > x.shape[1]
        and x.is_contiguous(memory_format=torch.channels_last)
        and library() is not None
    )


@cache
def library() -> Any:
    """The compiled functions; None where they were not compiled."""
    for suffix in EXTENSION_SUFFIXES:
        file = Path(__file__).with_name(LIBRARY + suffix)
        if file.is_file():
            try:
                return ctypes.CDLL(str(file))
            except OSError:
                continue
    return None


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor,
        running_var: Tensor, momentum: float, eps: float, relu: bool,
    ) -> Tensor:  # fmt: skip
        y = torch.empty_like(x)
        mean, inverse = torch.empty_like(running_mean), torch.empty_like(running_mean)
        ctx.mark_non_differentiable(running_mean, running_var)
        library().batch_norm_forward(
            *_pointers(x, y), *_sizes(x, relu),
            *_pointers(weight, bias, running_mean, running_var),
            ctypes.c_double(momentum), ctypes.c_double(eps), *_pointers(mean, inverse),
        )  # fmt: skip
        ctx.save_for_backward(x, weight, bias, mean, inverse)
        ctx.relu = relu
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, mean, inverse = ctx.saved_tensors
        dy = dy.contiguous(memory_format=torch.channels_last)
        dx, weight_grad, bias_grad = (torch.empty_like(t) for t in (x, weight, bias))
        library().batch_norm_backward(
            *_pointers(x, dy, dx), *_sizes(x, ctx.relu), *_pointers(weight, bias, mean, inverse),
            *_pointers(weight_grad, bias_grad),
        )  # fmt: skip
        return dx, weight_grad, bias_grad, None, None, None, None, None


def _pointers(*tensors: Tensor) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(t.data_ptr()) for t in tensors]


def _sizes(x: Tensor, relu: bool) -> list[ctypes.c_long]:
    """rows, channels, is_bfloat16, relu, threads"""
    channels = x.shape[1]
    sizes = (x.numel() // channels, channels, x.dtype == torch.bfloat16, relu)
    return [ctypes.c_long(n) for n in (*sizes, torch.get_num_threads())]
