"""Layers of plug-ins: how they start, and what they cost."""

import pytest
import torch
from torch import Tensor, nn

from nas.architecture import Layer
from nas.errors import UserError
from nas.models.layers import MAKERS, initialise, measure, register_layer


class Dynamic(nn.Module):
    """A convolution whose weights no module holds, and one that is transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.ones(4, 3, 1, 1))
        self.up = nn.ConvTranspose2d(4, 5, 2, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(nn.functional.conv2d(x, self.own))


def test_products_are_counted_whatever_computes_them(monkeypatch) -> None:
    monkeypatch.setitem(MAKERS, "dynamic", lambda layer: Dynamic())
    layer = Layer("dynamic", "d", (), (5, 12, 8))
    macs, params = measure(layer, ((3, 6, 4),))
    assert macs == 6 * 4 * (3 * 4) + 6 * 4 * (4 * 5 * 2 * 2)
    assert params == 4 * 3 + 4 * 5 * 2 * 2


def test_convolutions_of_any_dimension_start_at_random_and_norms_at_1() -> None:
    generator = torch.Generator().manual_seed(0)
    conv, norm, other = nn.Conv1d(1, 4, 3), nn.GroupNorm(2, 4), nn.PReLU()
    for module in (conv, norm, other):
        initialise(module, generator)
    assert len(conv.weight.unique()) == conv.weight.numel()
    assert not conv.bias.any() and norm.weight.eq(1).all() and norm.bias.eq(0).all()
    assert other.weight.item() == 0.25


class Faulty(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.kind == "raises":
            raise ValueError("no such map")
        return x, x


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ((("size", 3),), r"can not be made with \(size=3\): TypeError: .*'size'"),
        ((("kind", "raises"),), r"fails on \(3, 6, 4\): ValueError: no such map \(test_layers.py"),
        ((("kind", "pair"),), r"makes tuple, but was drawn as \(3, 6, 4\)"),
    ],
)
def test_an_operator_whose_cost_can_not_be_measured_is_said(
    attributes, message: str, monkeypatch
) -> None:
    monkeypatch.setitem(MAKERS, "faulty", lambda layer: Faulty(**dict(layer.attributes)))
    with pytest.raises(UserError, match=f"operator 'faulty' {message}"):
        measure(Layer("faulty", attributes, (-1,), (3, 6, 4)), ((3, 6, 4),))


def test_an_operator_is_a_module() -> None:
    with pytest.raises(UserError, match=r"'fun' is not a class that inherits from torch"):
        register_layer("fun")(len)  # type: ignore[arg-type]
