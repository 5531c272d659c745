"""From one lowered layer to what computes it: a torch module, or a function without weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nas.architecture import Layer, Shape
from nas.errors import UserError, in_words
from nas.plugins import check_name


class LearnedScale(nn.Module):
    """Channels times the sigmoid of one learned logit each: (N, C, H, W) to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.logit.sigmoid().view(1, -1, 1, 1)


def add(*inputs: Tensor) -> Tensor:
    """Sum of two or more tensors of one shape."""
    total = inputs[0] + inputs[1]
    for x in inputs[2:]:
        total = total + x
    return total


def concat(*inputs: Tensor) -> Tensor:
    """Tensors (N, C_i, H, W) joined along the channels."""
    return torch.cat(inputs, dim=1)


def scale(x: Tensor, weights: Tensor) -> Tensor:
    """(N, C, H, W) times weights of (N, C, 1, 1) or (N, 1, 1, 1)."""
    return x * weights


def _conv(layer: Layer) -> nn.Module:
    return nn.Conv2d(
        layer.get("inputs"),
        layer.get("outputs"),
        layer.get("kernel"),
        stride=layer.get("stride"),
        padding=layer.window() // 2,
        dilation=layer.dilation(),
        groups=layer.get("groups"),
        bias=bool(layer.get("bias")),
    )


MAKERS: dict[str, Callable[[Layer], Callable[..., Tensor]]] = {
    "conv": _conv,
    "linear": lambda x: nn.Linear(x.get("inputs"), x.get("outputs"), bias=bool(x.get("bias"))),
    "batch_norm": lambda x: nn.BatchNorm2d(x.get("channels")),
    "batch_norm1d": lambda x: nn.BatchNorm1d(x.get("channels")),
    "instance_norm": lambda x: nn.InstanceNorm2d(x.get("channels"), affine=True),
    "learned_scale": lambda x: LearnedScale(x.get("channels")),
    "relu": lambda x: nn.ReLU(),
    "sigmoid": lambda x: nn.Sigmoid(),
    "max_pool": lambda x: nn.MaxPool2d(x.get("kernel"), x.get("stride"), x.get("padding")),
    "avg_pool": lambda x: nn.AvgPool2d(x.get("kernel"), x.get("stride"), x.get("padding")),
    "global_pool": lambda x: nn.AdaptiveAvgPool2d(1),
    "flatten": lambda x: nn.Flatten(),
    "add": lambda x: add,
    "concat": lambda x: concat,
    "scale": lambda x: scale,
}


FRESH = (
    *(nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d, LearnedScale),
    *(nn.Sigmoid, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
)
"""Modules whose output is new memory, which may be written over. A plug-in's may be a view."""


def register_layer(op: str) -> Callable[[type[nn.Module]], type[nn.Module]]:
    """Class decorator: `op` is computed by this module, made with the layer's attributes.

    For plug-ins; `Pen.layer(op, ...)` draws it. Its cost is measured on the module.
    """
    check_name("operator", op)

    def add(module: type[nn.Module]) -> type[nn.Module]:
        if op in MAKERS:
            raise UserError(f"operator {op!r} is registered already")
        if not (isinstance(module, type) and issubclass(module, nn.Module)):
            raise UserError(f"operator {op!r} is not a class that inherits from torch.nn.Module")
        MAKERS[op] = lambda layer: module(**dict(layer.attributes))
        return module

    return add


def make(layer: Layer) -> Callable[..., Tensor]:
    """The module or function for `layer`."""
    if layer.op not in MAKERS:
        raise UserError(f"no module is registered for operator {layer.op!r}")
    try:
        return MAKERS[layer.op](layer)
    except Exception as error:
        given = ", ".join(f"{name}={value!r}" for name, value in layer.attributes)
        raise UserError(
            f"operator {layer.op!r} can not be made with ({given}): {in_words(error)}"
        ) from error


@cache
def measure(layer: Layer, inputs: tuple[Shape, ...]) -> tuple[int, int]:
    """macs and params of one layer, from its module: what its convolutions and products do.

    By torch's own counter, which sees the operators whatever module or function calls them.
    """
    function = make(layer)
    if not isinstance(function, nn.Module):
        return 0, 0
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            made = function.eval()(*(torch.zeros(1, *shape) for shape in inputs))
    except Exception as error:
        raise UserError(
            f"operator {layer.op!r} fails on {', '.join(map(str, inputs))}: {in_words(error)}"
        ) from error
    macs = counter.get_total_flops() // 2
    shape = tuple(made.shape[1:]) if isinstance(made, Tensor) else type(made).__name__
    if shape != layer.shape:
        raise UserError(f"operator {layer.op!r} makes {shape}, but was drawn as {layer.shape}")
    return macs, sum(p.numel() for p in function.parameters() if p.requires_grad)


PROBE = 33  # side of the map on which operators of plug-ins are looked at, in pixels


@cache
def windows(layer: Layer, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
    """Of each input of a plug-in's operator, the side of the square that one value of its output is
    computed from, in pixels; 0 for the whole map.

    By where a NaN in the input makes the output one, on a map of PROBE pixels, or on its own where
    the module takes no other; 1 where it can not be run at all.
    """
    try:
        function = make(layer)
    except UserError:
        return (1,) * len(inputs)
    if isinstance(function, nn.Module):
        function.eval()
    larger = tuple((c, PROBE, PROBE) if h * w > 1 else (c, h, w) for c, h, w in inputs)
    for shapes in (larger, inputs):
        try:
            with torch.no_grad():
                return tuple(_window(function, shapes, i) for i in range(len(shapes)))
        except Exception:  # whatever a module raises: of another size, or at all
            continue
    return (1,) * len(inputs)


def _window(function: Callable[..., Tensor], shapes: tuple[Shape, ...], which: int) -> int:
    sides = []
    for axis in (2, 3):
        length = shapes[which][axis - 1]
        given = [torch.ones(length, *shape) for shape in shapes]
        place = torch.arange(length)
        given[which].movedim(axis, 1)[place, place] = torch.nan  # a row of its own in each image
        made = function(*given)
        middle = made[:, :, made.shape[2] // 2, made.shape[3] // 2]
        hit = middle.isnan().any(dim=1).nonzero().flatten().tolist()
        side = hit[-1] - hit[0] + 1 if hit else 1
        sides.append(side if side < length or length == 1 else 0)
    return 0 if 0 in sides else max(sides)


NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """As OSNet: convolutions Kaiming normal, fan-out; norms 1 and 0; linear normal 0.01.

    What is none of these stays as it made itself.
    """
    weight: Any = getattr(module, "weight", None)
    if not isinstance(module, (nn.modules.conv._ConvNd, nn.Linear, *NORMS)):
        return
    if isinstance(module, nn.modules.conv._ConvNd):
        nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=generator)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(weight, 0.0, 0.01, generator=generator)
    elif weight is not None:
        nn.init.ones_(weight)
    if isinstance(bias := getattr(module, "bias", None), Tensor):
        nn.init.zeros_(bias)
