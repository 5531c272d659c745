"""Losses against loops over images, one by one."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from nas.errors import UserError
from nas.plugins import load_plugin
from nas.training import load_recipe
from nas.training.loss_kinds import LOSSES, register_loss
from nas.training.losses import batch_hard_triplet, make_loss
from nas.training.recipe import Recipe, recorded_recipe

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


def test_by_the_euclidean_metric_it_does() -> None:
    draw = torch.Generator().manual_seed(0)
    logits, embeddings = torch.zeros(4, 2), 3 * torch.randn(4, 3, generator=draw)
    labels = torch.tensor([0, 0, 1, 1])
    loss = make_loss(RECIPE.model_copy(update={"loss": "triplet", "triplet_metric": "euclidean"}))
    expected = slowly(embeddings, labels, RECIPE.margin)
    assert float(loss(logits, embeddings, labels)) == pytest.approx(expected, rel=1e-5)


CIRCLE = Path(__file__).parents[2] / "examples" / "circle_loss.py"


@pytest.fixture
def own_losses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone after it."""
    before = dict(LOSSES)
    monkeypatch.setattr("nas.plugins._loaded", {})
    yield
    LOSSES.clear()
    LOSSES.update(before)


def circle_slowly(embeddings: torch.Tensor, labels: torch.Tensor) -> float:
    """Equation 6 of Sun et al., pair by pair; gamma 64, m 0.25."""
    found = []
    for i in range(len(labels)):
        near = far = 0.0
        for j in range(len(labels)):
            s = float(embeddings[i] @ embeddings[j])
            if labels[j] != labels[i]:
                far += math.exp(64 * max(0.0, s + 0.25) * (s - 0.25))
            elif i != j:
                near += math.exp(-64 * max(0.0, 1.25 - s) * (s - 0.75))
        if near and far:
            found.append(math.log(1 + near * far))
    return sum(found) / max(1, len(found))


@pytest.mark.usefixtures("own_losses")
def test_a_loss_of_a_plug_in_is_one_of_a_recipe() -> None:
    with pytest.raises(UserError, match=r"'circle' is not one of cross_entropy, .* its --plugin"):
        load_recipe("quick-reid", ["loss=circle"])
    load_plugin(CIRCLE)
    recipe = load_recipe("quick-reid", ["loss=circle"])
    assert len(recipe.loss_digest) == 16
    assert recorded_recipe(recipe.model_dump()) == recipe
    assert "loss_digest" not in load_recipe("quick-reid").model_dump()
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (16,), generator=draw)
    embeddings = torch.nn.functional.normalize(torch.randn(16, 3, generator=draw))
    logits = torch.randn(16, 4, generator=draw)
    classes = torch.nn.functional.cross_entropy(
        logits, labels, label_smoothing=recipe.label_smoothing
    )
    found = make_loss(recipe)(logits, 5 * embeddings, labels)
    expected = float(classes) + circle_slowly(embeddings.double(), labels)
    assert float(found) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(UserError, match="loss circle needs sampler identity"):
        load_recipe("quick", ["loss=circle"])


@pytest.mark.usefixtures("own_losses")
def test_a_name_of_a_loss_is_given_once_and_a_run_that_has_it_needs_it() -> None:
    @register_loss("mine", identities=False, classifier=False)
    def mine(recipe: Recipe) -> object:
        return None

    with pytest.raises(UserError, match="loss 'mine' is registered already"):
        register_loss("mine")(mine)
    found = load_recipe("quick", ["loss=mine"])  # which compares no identities
    with pytest.raises(UserError, match="loss mine trains no classifier"):
        load_recipe("standard", ["loss=mine", "frozen_epochs=1"])
    del LOSSES["mine"]
    with pytest.raises(UserError, match=r"^recipe quick: loss: 'mine' is not one of"):
        recorded_recipe(found.model_dump())
