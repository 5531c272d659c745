"""The raw figures of fvcore and thop, which count other things: shown beside ours, never used.

fvcore adds 2 x batch-norm elements, 5 x instance-norm elements and adaptive-pool inputs; thop adds
4 x norm elements and pooling terms.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.models.network import Network


SHOWN = ("fvcore", "thop")


def raw_counts(model: Network, names: Sequence[str] = SHOWN) -> dict[str, dict[str, int]]:
    """Counter name to its figures: total, conv and linear (fvcore), params, for one image.

    names: of fvcore, thop and torch (FlopCounterMode, which counts two for a multiply-accumulate).

    `model` is not changed: the counters work on copies (they leave hooks and buffers behind).
    """
    import torch

    height, width = model.input_size
    image = torch.zeros(1, 3, height, width)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = copy.deepcopy(model).without_classifier().cpu().eval()
        return {name: COUNTERS[name](copy.deepcopy(plain), image) for name in names}


def _fvcore(model: Network, image: Any) -> dict[str, int]:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    logging.getLogger("fvcore").setLevel(logging.ERROR)
    analysis = FlopCountAnalysis(model, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    by_operator = analysis.by_operator()
    return {
        "total": int(analysis.total()),
        "conv_linear": int(by_operator["conv"] + by_operator["linear"]),
        "params": int(parameter_count(model)[""]),
    }


def _thop(model: Network, image: Any) -> dict[str, int]:
    import thop

    total, params = thop.profile(model, inputs=(image,), verbose=False)
    return {"total": int(total), "params": int(params)}


def _torch(model: Network, image: Any) -> dict[str, int]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    return {"total": int(counter.get_total_flops())}


COUNTERS: dict[str, Callable[[Network, Any], dict[str, int]]] = {
    "fvcore": _fvcore,
    "thop": _thop,
    "torch": _torch,
}
