"""A network as it leaves the toolkit: what the exported formats trace."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from nas.errors import UserError
from nas.models.network import Network
from nas.models.optimise import fold


class Inference(nn.Module):
    """A folded copy on the CPU, in eval mode and float32; with `logits`, with the classifier.

    Images (N, 3, H, W) to embeddings (N, E), or to embeddings and logits (N, classes). UserError
    where logits are asked of a network without a classifier.
    """

    def __init__(self, model: Network, *, logits: bool = False) -> None:
        super().__init__()
        if logits and model.classifier is None:
            raise UserError("the network has no classifier, so there are no logits to export")
        self.outputs = ("embedding", "logits") if logits else ("embedding",)
        self.network = fold(model)
        self.classifier = copy.deepcopy(model.classifier) if logits else None
        self.float().cpu().eval()

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        embedding = self.network.embed(x)
        return embedding if self.classifier is None else (embedding, self.classifier(embedding))
