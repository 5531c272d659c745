"""The compiled batch norm, and the faster pooling, against torch's own in float64."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas.architecture import preset
from nas.models import build
from nas.models.fused_norm import FusedNorm, library, usable
from nas.models.pooling import Tiles

compiled = pytest.mark.skipif(library() is None, reason="no compiler when nas was installed")


def batch(shape, dtype, seed, offset=0.0):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=draw) * 2 + offset
    return x.to(dtype).to(memory_format=torch.channels_last)


def norm_of(channels, seed):
    draw = torch.Generator().manual_seed(seed)
    norm = nn.BatchNorm2d(channels)
    with torch.no_grad():
        norm.weight.copy_(torch.randn(channels, generator=draw))
        norm.bias.copy_(torch.randn(channels, generator=draw))
        norm.running_mean.copy_(torch.randn(channels, generator=draw))
    return norm


def run(function, x, dy):
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    y = function(x)
    y.backward(dy)
    return y.detach(), x.grad


shapes = st.tuples(st.integers(1, 5), st.integers(1, 70), st.integers(1, 9), st.integers(2, 9))


@compiled
@pytest.mark.parametrize(
    ("dtype", "close"), [(torch.float32, 2e-5), (torch.bfloat16, 1e-2)], ids=["float32", "bfloat16"]
)
@settings(max_examples=60, deadline=None)
@given(shape=shapes, relu=st.booleans(), seed=st.integers(0, 99), threads=st.integers(1, 3))
def test_agrees_with_torch_in_float64(dtype, close, shape, relu, seed, threads):
    x, dy = batch(shape, dtype, seed, offset=3.0), batch(shape, dtype, seed + 1)
    fused = norm_of(shape[1], seed)
    exact = copy.deepcopy(fused).double()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert usable(x)
        y, dx = run(FusedNorm(fused, relu), x, dy)
    finally:
        torch.set_num_threads(before)
    out = exact(x.double())
    doubtful = out.detach().abs() < 1e-4  # rounding decides whether ReLU lets these pass
    wanted, wanted_dx = run(
        lambda t: exact(t).relu() if relu else exact(t), x.double(), dy.double()
    )
    torch.testing.assert_close(y.double(), wanted, atol=close, rtol=close)
    if not (relu and doubtful.any()):
        inverse = (x.double().var(dim=(0, 2, 3), correction=0) + exact.eps).rsqrt()
        size = max(1.0, float((exact.weight.detach() * inverse).abs().max() * dy.abs().max()))
        torch.testing.assert_close(dx.double() / size, wanted_dx / size, atol=close, rtol=close)
        for own, other in zip(fused.parameters(), exact.parameters(), strict=True):
            torch.testing.assert_close(own.grad.double(), other.grad, atol=20 * close, rtol=close)


@compiled
def test_statistics_move_as_torch_moves_them():
    x = batch((4, 5, 6, 3), torch.float32, 0, offset=2.0)
    fused = norm_of(5, 0)
    plain = copy.deepcopy(fused)
    for _ in range(3):
        FusedNorm(fused, relu=True)(x)
        plain(x)
    for own, other in zip(fused.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(own, other)


@compiled
def test_values_far_from_zero_keep_their_variance():
    x = batch((8, 3, 16, 16), torch.float32, 0, offset=10_000.0)
    y, _ = run(FusedNorm(nn.BatchNorm2d(3), relu=False), x, torch.ones_like(x))
    torch.testing.assert_close(y.var(dim=(0, 2, 3)), torch.ones(3), atol=1e-2, rtol=0)


@compiled
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_number_that_is_none_stays_none(dtype):
    x = batch((2, 3, 4, 4), dtype, 0)
    x[0, 1, 0, 0] = torch.nan
    y = FusedNorm(nn.BatchNorm2d(3), relu=True)(x)
    assert y[:, 1].isnan().all()
    assert y[:, [0, 2]].isfinite().all()


def test_what_the_compiled_step_does_not_take_goes_to_torch():
    norm = norm_of(3, 0)
    for x in (
        torch.randn(2, 3, 4, 5),  # not channels_last
        batch((2, 3, 4, 5), torch.float64, 0),
    ):
        assert not usable(x)
        torch.testing.assert_close(
            FusedNorm(copy.deepcopy(norm).to(x.dtype), relu=True)(x),
            copy.deepcopy(norm).to(x.dtype)(x).relu(),
        )
    norm.eval()
    x = batch((2, 3, 4, 5), torch.float32, 0)
    torch.testing.assert_close(FusedNorm(norm, relu=True)(x), norm(x).relu())


def test_without_the_compiled_step_torch_s_is_taken(monkeypatch):
    monkeypatch.setattr("nas.models.fused_norm.library", lambda: None)
    norm, x = norm_of(3, 0), batch((2, 3, 4, 5), torch.float32, 0)
    assert not usable(x)
    torch.testing.assert_close(FusedNorm(norm, relu=True)(x), copy.deepcopy(norm)(x).relu())


@pytest.mark.parametrize("size", [(8, 6), (7, 6)], ids=["tiled", "with a rest"])
def test_pooling_has_torch_s_values_and_gradient(size):
    x, dy = torch.randn(2, 5, *size), torch.randn(2, 5, size[0] // 2, size[1] // 2)
    pool = nn.AvgPool2d(2)
    for own, other in zip(run(Tiles(pool), x, dy), run(pool, x, dy), strict=True):
        torch.testing.assert_close(own, other)


def test_overlapping_windows_are_pooled_by_torch():
    pool = nn.AvgPool2d(3, 1, 1)
    x, dy = torch.randn(2, 5, 6, 6), torch.randn(2, 5, 6, 6)
    for own, other in zip(run(Tiles(pool), x, dy), run(pool, x, dy), strict=True):
        torch.testing.assert_close(own, other)


@pytest.mark.parametrize("name", ["osnet_x0_25", "osnet_ain_x0_25", "osnet_ibn_x1_0"])
def test_a_network_sped_up_has_the_same_function_and_gradients(name):
    network = build(preset(name), 7).to(memory_format=torch.channels_last).train()
    fast = copy.deepcopy(network)
    fast.speed_up_training()
    assert sum(isinstance(f, FusedNorm) for f, _, _ in fast.steps) > 20
    x = batch((8, 3, 128, 64), torch.float32, 0)
    for own in (network, fast):
        logits, _ = own(x)
        logits.logsumexp(dim=1).sum().backward()
    assert list(fast.state_dict()) == list(network.state_dict())
    grads = {n: p.grad for n, p in network.named_parameters()}
    largest = max(float(grad.norm()) for grad in grads.values())
    for layer, parameter in fast.named_parameters():
        allowed = 5e-2 * float(grads[layer].norm()) + 1e-4 * largest
        assert float((parameter.grad - grads[layer]).norm()) < allowed, layer
    for own, other in zip(fast.buffers(), network.buffers(), strict=True):
        torch.testing.assert_close(own, other, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(fast.eval()(x), network.eval()(x), atol=1e-4, rtol=1e-3)
