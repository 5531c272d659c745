from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nas.architecture import Size, preset
from nas.data import load_dataset
from nas.models import build
from nas.training.graphs import Graphed
from nas.training.loop import Trainer
from nas.training.recipe import Recipe


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear(self.norm(x))
        return found


def pretend(runs: list[str], *, fails: type[Exception] | None = None) -> Callable[..., None]:
    """As `make_graphed_callables`: tries the module on the batch, and changes its `forward`."""

    def make(module: nn.Module, batch: tuple[Tensor], **_: Any) -> None:
        for _ in range(3):
            module(*batch)
        if fails is not None:
            raise fails("can not be captured")
        plain = module.forward
        module.forward = lambda x: (runs.append("replayed"), plain(x))[1]  # type: ignore[assignment]

    return make


def test_batches_of_the_first_shape_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", pretend(runs))
    network, twin = Small(), Small()
    twin.load_state_dict(network.state_dict())
    graphed = Graphed(network)
    for count, replays in ((4, 1), (4, 2), (3, 2), (4, 3)):
        x = torch.randn(count, 3)
        assert torch.equal(graphed(x), twin(x))
        assert len(runs) == replays
    for name, value in twin.state_dict().items():  # the statistics that the trials changed, too
        assert torch.equal(network.state_dict()[name], value), name


@pytest.mark.parametrize("fails", [RuntimeError, AssertionError])
def test_what_can_not_be_captured_is_computed_as_ever(
    monkeypatch: pytest.MonkeyPatch, fails: type[Exception]
) -> None:
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", pretend([], fails=fails))
    network, twin = Small(), Small()
    twin.load_state_dict(network.state_dict())
    x = torch.randn(4, 3)
    assert torch.equal(Graphed(network)(x), twin(x))
    assert torch.equal(network.norm.running_mean, twin.norm.running_mean)


def test_memory_that_is_full_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    make = pretend([], fails=torch.OutOfMemoryError)
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
    with pytest.raises(torch.OutOfMemoryError):
        Graphed(Small())(torch.randn(4, 3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["osnet_x0_25", "osnet_ain_x0_25"])
def test_a_gpu_trains_alike_with_graphs_and_without(name: str) -> None:
    """The last batch, of 20 images, has another shape."""
    images = load_dataset("synthetic:ids=16,size=64x32").train
    recipe = Recipe(
        name="test", epochs=2, epoch_images=52, batch=32, lr=1e-3, average=0.9, precision="float32"
    )
    with_graphs, without = (
        Trainer(
            build(preset(name).resized(Size(64, 32)), 99, seed=0), recipe, seed=0, graphs=graphs
        )
        for graphs in (True, False)
    )
    for trainer in (with_graphs, without):
        trainer.train(images, 2)
    assert with_graphs.last_loss == pytest.approx(without.last_loss, rel=1e-2)
    pairs = zip(
        with_graphs.average.state_dict().items(), without.average.state_dict().values(), strict=True
    )
    for (key, one), other in pairs:
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-3, msg=key)


class ReadsBack(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (2.0 if x.sum().item() > 0 else 1.0)


class Hooked(Small):
    def __init__(self) -> None:
        super().__init__()
        self.linear.register_forward_hook(lambda _module, _inputs, found: found * 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("of", [ReadsBack, Hooked])
def test_a_gpu_computes_what_it_can_not_capture(of: type[Small]) -> None:
    """And captures the next network as if nothing had been."""
    device = torch.device("cuda")
    for kind in (of, Small):
        network, twin = kind().to(device), kind().to(device)
        twin.load_state_dict(network.state_dict())
        graphed = Graphed(network)
        for _ in range(3):
            x = torch.randn(4, 3, device=device)
            found, expected = graphed(x), twin(x)
            torch.testing.assert_close(found, expected)
            gradients = [
                torch.autograd.grad(out.sum(), list(one.parameters()))
                for out, one in ((found, network), (expected, twin))
            ]
            torch.testing.assert_close(*gradients)
        for name, value in twin.state_dict().items():
            torch.testing.assert_close(network.state_dict()[name], value, msg=name)
