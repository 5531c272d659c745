"""Losses against loops over images, one by one."""

import pytest
import torch

from nas.training.losses import batch_hard_triplet, make_loss
from nas.training.recipe import Recipe

RECIPE = Recipe(name="r", epochs=1, batch=4, lr=0.1, sampler="identity", images_per_identity=2)


def slowly(embeddings: torch.Tensor, labels: torch.Tensor, margin: float) -> float:
    found = []
    for i, anchor in enumerate(embeddings):
        to = [float((anchor - other).pow(2).sum().sqrt()) for other in embeddings]
        others = [d for j, d in enumerate(to) if labels[j] != labels[i]]
        if not others:
            found.append(0.0)
            continue
        own = [d for j, d in enumerate(to) if labels[j] == labels[i]]
        found.append(max(0.0, margin + max(own) - min(others)))
    return sum(found) / len(found)


@pytest.mark.parametrize("seed", range(20))
def test_triplet_agrees_with_the_loop(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 4, (24,), generator=draw)
    scale = 50.0 if seed % 2 else 1.0
    embeddings = scale * (torch.randn(24, 5, generator=draw) * 0.4 + labels[:, None] * 0.5)
    found = batch_hard_triplet(embeddings, labels, 0.3)
    assert float(found) == pytest.approx(slowly(embeddings, labels, 0.3), rel=1e-5)


def test_triplet_by_hand() -> None:
    # on a line: identity 0 at 0 and 1, identity 1 at 1.5 and 4
    embeddings = torch.tensor([[0.0], [1.0], [1.5], [4.0]])
    labels = torch.tensor([0, 0, 1, 1])
    expected = (0.3 + 1 - 1.5) * 0 + (0.3 + 1 - 0.5) + (0.3 + 2.5 - 0.5) + (0.3 + 2.5 - 3) * 0
    assert float(batch_hard_triplet(embeddings, labels, 0.3)) == pytest.approx(expected / 4)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 2, 3]])
def test_triplet_has_a_finite_gradient_where_images_are_equal(labels: list[int]) -> None:
    embeddings = torch.ones(4, 3, requires_grad=True)
    batch_hard_triplet(embeddings, torch.tensor(labels), 0.3).backward()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


def test_cross_entropy_is_smoothed() -> None:
    logits, labels = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0])
    log_shares = logits.log_softmax(dim=1)[0]
    target = torch.tensor([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    found = make_loss(RECIPE)(logits, torch.zeros(1, 2), labels)
    assert float(found) == pytest.approx(float(-(target * log_shares).sum()))


def test_both_adds_the_weighted_triplet() -> None:
    draw = torch.Generator().manual_seed(0)
    logits, embeddings = torch.randn(4, 2, generator=draw), torch.randn(4, 3, generator=draw)
    labels = torch.tensor([0, 0, 1, 1])

    def loss(**fields: object) -> float:
        asked = RECIPE.model_copy(update={"margin": 2.0, **fields})
        return float(make_loss(asked)(logits, embeddings, labels))

    apart = loss(loss="cross_entropy") + 0.5 * loss(loss="triplet")
    assert loss(loss="triplet") > 0
    assert loss(loss="both", triplet_weight=0.5) == pytest.approx(apart)


def test_by_cosine_it_does_not_matter_how_long_embeddings_are() -> None:
    draw = torch.Generator().manual_seed(0)
    logits, embeddings = torch.zeros(4, 2), torch.randn(4, 3, generator=draw)
    labels = torch.tensor([0, 0, 1, 1])
    loss = make_loss(RECIPE.model_copy(update={"loss": "triplet", "triplet_metric": "cosine"}))
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    expected = slowly(unit, labels, RECIPE.margin)
    for scale in (1e-3, 1.0, 1e3):
        assert float(loss(logits, scale * embeddings, labels)) == pytest.approx(expected, rel=1e-5)
