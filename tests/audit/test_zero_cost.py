"""Scores without training: known properties, and slow references."""

import numpy as np
import pytest
import torch
from torch import nn

from nas.architecture import Architecture
from nas.audit.zero_cost import ZERO_COST, Batch, draw_batch, gradient_norm, naswot, synflow
from nas.models import build
from nas.space import from_yaml

SPACE = from_yaml("""
space: s
base: osnet_x0_25
input: 32x16
parameters:
  stem.kind: conv3
  width: [0.0625, 0.125]
  stages[*].streams: [1, 2]
  stages[*].depth: 1
  stages[*].gate: unified
  stages[*].instance_norm: [none, inside]
""")


def network_of(**point: object) -> Architecture:
    values = {p.name: p.values[0] for p in SPACE.parameters}
    return SPACE.architecture(values | point)


SMALL = network_of()
NORMED = network_of(**{"stages[*].instance_norm": "inside", "stages[*].streams": 2})


def batch(seed: int = 0, count: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 32, 16, generator=generator)
    return Batch(images, torch.arange(count) % 5, 5)


@pytest.mark.parametrize("name", ZERO_COST)
def test_it_follows_from_the_seed_and_changes_nothing_else(name) -> None:
    score = ZERO_COST[name]
    before = torch.get_rng_state()
    own = batch()
    images = own.images.clone()
    with torch.no_grad():
        first = score(SMALL, own, 1)
        assert not torch.is_grad_enabled()
    assert np.isfinite(first) and first == score(SMALL, own, 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(own.images, images)
    assert first != score(SMALL, own, 2)


def flow(architecture: Architecture, factor: dict[str, float]) -> float:
    """R of eq. 1, with the weights of single layers scaled; norms made the identity by hand."""
    network = build(architecture, 5, seed=0).double().eval()
    network.training = True
    for name, module in network.named_modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            assert module.running_var is not None
            module.running_var.fill_(1 - module.eps)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.weight.data = module.weight.abs() * factor.get(name, 1.0)
    with torch.no_grad():
        logits, _ = network(torch.ones(1, 3, 32, 16, dtype=torch.float64))
    return float(logits.sum())


def test_synflow_is_how_the_flow_grows_with_the_weights_of_each_layer() -> None:
    """Weights and gradients are positive, so the sum over a layer is dR / d log(its scale)."""
    architecture = network_of(**{"stages[*].streams": 2})
    network = build(architecture, 5, seed=0)
    names = [n for n, m in network.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    step = 1e-5
    expected = sum(
        (flow(architecture, {n: 1 + step}) - flow(architecture, {n: 1 - step})) / (2 * step)
        for n in names
    )
    assert synflow(architecture, batch()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("architecture", [SMALL, NORMED])
def test_synflow_is_above_0_and_looks_at_no_data(architecture) -> None:
    first = synflow(architecture, batch(0))
    assert first > 0
    assert synflow(architecture, batch(1)) == first


def test_naswot_is_the_log_determinant_of_units_that_agree() -> None:
    own = batch()
    network = build(NORMED, 5, seed=3).train()
    codes: list[list[bool]] = [[] for _ in own.images]

    def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        for image, active in zip(codes, (output > 0).tolist(), strict=True):
            image.extend(np.ravel(active).tolist())

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
            module.register_forward_hook(note)
    network(own.images)
    kernel = [[sum(a == b for a, b in zip(x, y, strict=True)) for y in codes] for x in codes]
    expected = np.log(np.linalg.det(np.array(kernel) / 1000.0)) + len(codes) * np.log(1000)
    assert naswot(NORMED, own, 3) == pytest.approx(expected)


def test_naswot_of_images_that_are_the_same_is_the_lowest() -> None:
    own = batch()
    same = Batch(own.images[:1].expand(6, -1, -1, -1).contiguous(), own.labels, 5)
    assert naswot(SMALL, same) == -np.inf


def test_the_gradient_norm_is_the_sum_over_layers() -> None:
    own = batch()
    network = build(SMALL, 5, seed=3).train()
    logits, _ = network(own.images)
    chosen = logits.log_softmax(1)[torch.arange(6), own.labels]
    weights = [m.weight for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    gradients = torch.autograd.grad(-chosen.mean(), weights)
    expected = sum(float((g**2).sum().sqrt()) for g in gradients)
    assert gradient_norm(SMALL, own, 3) == pytest.approx(expected, rel=1e-5)


def test_a_batch_is_drawn_from_the_training_split_by_its_seed() -> None:
    own = draw_batch("synthetic:ids=16,size=32x16", SMALL.input, 0, 8)
    assert own.images.shape == (8, 3, 32, 16) and own.images.dtype == torch.float32
    assert own.labels.max() < own.classes
    again = draw_batch("synthetic:ids=16,size=32x16", SMALL.input, 0, 8)
    other = draw_batch("synthetic:ids=16,size=32x16", SMALL.input, 1, 8)
    assert torch.equal(own.images, again.images)
    assert not torch.equal(own.images, other.images)
