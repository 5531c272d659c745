"""A loss of one's own: circle loss (Sun et al., CVPR 2020), beside cross-entropy.

    python cli.py search osnet-mini --plugin examples/circle_loss.py --set loss=circle

A recipe may name it then, also one of an ablation or of a training at full length.
"""

from torch import Tensor, inf
from torch.nn.functional import cross_entropy, normalize, softplus

import nas

MARGIN, SCALE = 0.25, 64.0  # the paper's, for re-identification


@nas.register_loss("circle")
def circle(recipe):
    def loss(logits: Tensor, embeddings: Tensor, labels: Tensor) -> Tensor:
        classes = cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
        return classes + circle_loss(normalize(embeddings.float()), labels)

    return loss


def circle_loss(embeddings: Tensor, labels: Tensor) -> Tensor:
    """The mean over anchors of equation 6, of embeddings (n, d) of length 1 and labels (n,).

    Pairs of an identity are to be more alike than 1 - MARGIN, others less than MARGIN, and each
    is weighted by how far it is from there.
    """
    alike = embeddings @ embeddings.T
    same = labels[:, None] == labels[None, :]
    other = ~same
    same.fill_diagonal_(False)
    near = -SCALE * (1 + MARGIN - alike).relu().detach() * (alike - (1 - MARGIN))
    far = SCALE * (alike + MARGIN).relu().detach() * (alike - MARGIN)
    pulled = near.masked_fill(~same, -inf).logsumexp(dim=1)
    pushed = far.masked_fill(~other, -inf).logsumexp(dim=1)
    counted = same.any(dim=1) & other.any(dim=1)
    return softplus(pulled[counted] + pushed[counted]).sum() / counted.sum().clamp(min=1)
