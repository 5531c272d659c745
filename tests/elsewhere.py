"""A device that is not there, so that what is forgotten on the CPU is found without a GPU.

Its tensors lie in the CPU's memory and compute as ever, but say that they are elsewhere, and are
refused as a GPU's are: beside tensors of the CPU, by numpy, and, on mps, as float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

NAMES = ("cuda:0", "mps:0")
MIXING = {  # the places may differ: of a copy, and of indices
    "aten::copy_", "aten::_to_copy", "aten::index.Tensor", "aten::index_put_", "aten::index_put",
    "aten::_index_put_impl_",
}  # fmt: skip


class Elsewhere(Tensor):
    """A tensor of the pretended device; `here` has its values."""

    here: Tensor
    place: torch.device

    @staticmethod
    def __new__(cls, here: Tensor, place: torch.device) -> Elsewhere:
        if place.type == "mps" and here.dtype == torch.float64:
            raise TypeError("mps has no float64")
        made = Tensor._make_wrapper_subclass(
            cls, here.size(), here.stride(), here.storage_offset(), dtype=here.dtype
        )
        made.here, made.place = here, place
        return made

    @property
    def device(self) -> torch.device:
        return self.place

    @property
    def is_cuda(self) -> bool:
        return self.place.type == "cuda"

    def numpy(self, **_: Any) -> Any:
        raise TypeError(f"can't convert {self.place} device type tensor to numpy")

    def __array__(self, *_: Any, **__: Any) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        return self.detach().here.tolist()

    def __repr__(self) -> str:
        return f"{self.place}: {self.here!r}"

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = [x for x in tree_flatten((args, kwargs or {}))[0] if isinstance(x, Tensor)]
        places = {x.place for x in given if isinstance(x, Elsewhere)}
        name = f"{func.namespace}::{func.__name__}"
        mixed = len(places) > 1 or any(not isinstance(x, Elsewhere) and x.ndim for x in given)
        if mixed and not {name, name.removesuffix(".default")} & MIXING:
            raise RuntimeError(f"{name}: tensors on {places} and on the CPU, or several devices")
        own = func(*tree_map(_here, args), **tree_map(_here, kwargs or {}))
        if func._schema.name.endswith("_"):
            return args[0] if func._schema.returns else None
        place = next(iter(places))
        return tree_map(lambda x: Elsewhere(x, place) if isinstance(x, Tensor) else x, own)


class _Pretending(TorchFunctionMode):
    """Makes tensors there, and moves them there and back."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.place = torch.device(name)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name == "cpu":
            return _moved(args[0], None)
        if name == "to" and isinstance(args[0], Tensor):
            wanted = kwargs.pop("device", None)
            rest = [x for x in args[1:] if isinstance(x, torch.dtype)]
            given = [x for x in (*args[1:], wanted) if isinstance(x, torch.device | str | Tensor)]
            found = args[0]
            found = func(found, *rest, **kwargs) if rest or kwargs else found
            if not given:
                return found
            there = given[0].device if isinstance(given[0], Tensor) else torch.device(given[0])
            if isinstance(given[0], Tensor):
                found = func(found, given[0].dtype)
            return _moved(found, self._pretended(there))
        if kwargs.get("device") is not None:
            there = self._pretended(torch.device(kwargs["device"]))
            if there is not None:
                kwargs["device"] = "cpu"
                made = func(*args, **kwargs)
                return made if isinstance(made, Elsewhere) else Elsewhere(made, there)
        return func(*args, **kwargs)

    def _pretended(self, wanted: torch.device) -> torch.device | None:
        return self.place if wanted.type == self.place.type else None


def _moved(x: Tensor, place: torch.device | None) -> Tensor:
    """To a device, without gradients; None is the CPU."""
    if getattr(x, "place", None) == place:
        return x
    own = _here(x.detach()).clone()
    return own if place is None else Elsewhere(own, place)


@contextmanager
def elsewhere(name: str) -> Iterator[torch.device]:
    """The device of that name; within it tensors can be made there, and moved there."""
    future = torch.__future__
    before = future.get_overwrite_module_params_on_conversion()
    future.set_overwrite_module_params_on_conversion(
        True
    )  # a parameter can not become an Elsewhere
    try:
        with _Pretending(name) as mode:
            yield mode.place
    finally:
        future.set_overwrite_module_params_on_conversion(before)


def _here(x: Any) -> Any:
    return x.here if isinstance(x, Elsewhere) else x
