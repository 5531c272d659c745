"""The forward and backward pass of a training step as CUDA graphs: one launch of each.

A GPU computes a lightweight network in less time than Python needs to launch its kernels one by
one; a graph launches all that were captured once (CUDA C++ Programming Guide, "CUDA Graphs").
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Graphed:
    """What `network` computes in training mode, replayed where a batch has the shape of the first.

    Other batches, and networks that can not be captured (with hooks, or a plug-in's that reads a
    value back), are computed as ever. All parameters take gradients, and those of a batch are used
    up before the next one: the graph writes them where it wrote the last ones.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._replay: Callable[[Tensor], Any] = network
        self._shape: torch.Size | None = None

    def __call__(self, x: Tensor) -> Any:
        if self._shape is None:
            self._shape = x.shape
            self._replay = self._capture(x)
        return self._replay(x) if x.shape == self._shape else self.network(x)

    def _capture(self, x: Tensor) -> Callable[[Tensor], Any]:
        """The forward pass that replays; it is tried a few times, which must not leave a trace."""
        kept = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        drawn = torch.cuda.default_generators[x.device.index].clone_state() if x.is_cuda else None
        try:
            _make_graphs(self.network, x)
            replay: Callable[[Tensor], Any] = self.network.forward
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AssertionError):  # of a step that reads back; of one with hooks
            replay = self.network
            if drawn is not None:  # the generator believes to be captured still
                torch.cuda.default_generators[x.device.index].graphsafe_set_state(drawn)
        self.network.__dict__.pop("forward", None)  # which runs on the batches of other shapes
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)
        return replay


def _make_graphs(network: nn.Module, x: Tensor) -> None:
    """Change `network.forward` to one that replays, as torch does it; quietly."""
    device = x.device.type
    narrow = torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)
    warn = getattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch", None)
    if warn is not None:  # a captured graph keeps nodes of its own stream, as it is meant to
        warn(False)
    with (
        warnings.catch_warnings(),
        torch.cuda.device_of(x),  # type: ignore[no-untyped-call]
        torch.autocast(device, *narrow, cache_enabled=False),
    ):
        warnings.filterwarnings("ignore", message="Attempting to run cuBLAS")
        torch.cuda.make_graphed_callables(network, (x,), allow_unused_input=True)
