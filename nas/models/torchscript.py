"""A network as TorchScript, which torch loads in Python and in C++ without this toolkit."""

from __future__ import annotations

import io
import json
import warnings

import torch

from nas.models.about import about
from nas.models.inference import Inference
from nas.models.network import Network

ABOUT = "about.json"


def to_torchscript(model: Network, *, logits: bool = False) -> bytes:
    """The network in eval mode, batch norms folded, traced and frozen, as bytes for torch.jit.load.

    Images float32 (N, 3, H, W) to embeddings (N, E), or with `logits` to embeddings and logits
    (N, classes); any N. The extra file `about.json` is `nas.models.about`. What `optimise` adds
    holds for one processor and can not be saved; torch.jit.optimize_for_inference adds it again.
    """
    image = torch.zeros(2, 3, *model.input_size)
    buffer = io.BytesIO()
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inference = Inference(model, logits=logits)
        traced = torch.jit.trace(inference, image, check_trace=False)  # type: ignore[no-untyped-call]
        extra = {ABOUT: json.dumps(about(model))}
        torch.jit.save(torch.jit.freeze(traced), buffer, _extra_files=extra)
    return buffer.getvalue()
