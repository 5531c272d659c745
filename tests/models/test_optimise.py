import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nas.architecture import Size, preset
from nas.models import Network, build, optimise
from nas.models.layers import add, concat, scale
from nas.models.optimise import Step, _in_place, fold
from nas.space import from_yaml
from tests.cost.test_exact import FAMILIES


def lived_in(model: Network) -> Network:
    """With statistics that a trained network could have."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
            size = (module.num_features,)
            module.running_mean = 0.1 * torch.randn(size, generator=generator)
            module.running_var = 0.5 + torch.rand(size, generator=generator)
    return model.eval()


def networks() -> list[Network]:
    names = ("osnet_x0_25", "osnet_ibn_x1_0", "osnet_ain_x0_25")
    found = [preset(name).resized(Size(64, 32)) for name in names]
    space = from_yaml(FAMILIES)
    draw = random.Random(1).randrange
    found += [space.architecture(space.sample(draw)) for _ in range(4)]
    return [lived_in(build(architecture, 5)) for architecture in found]


@pytest.mark.parametrize("model", networks())
def test_outputs_are_the_same_at_any_batch_size_and_the_model_is_left_alone(model: Network) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fast = optimise(model)
    for count in (1, 3):
        generator = torch.Generator().manual_seed(count)
        image = torch.randn(count, 3, *model.input_size, generator=generator)
        with torch.inference_mode():
            expected, found = model(image), fast(image)
        assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.classifier is not None


def test_every_batch_norm_of_osnet_is_folded() -> None:
    model = lived_in(build(preset("osnet_x0_25")))
    norms = (nn.BatchNorm2d, nn.BatchNorm1d)
    assert any(isinstance(module, norms) for module in model.modules())
    assert not any(isinstance(module, norms) for module in fold(model).modules())


class View(nn.Module):
    """Stands for a layer of a plug-in: its output is its input's memory."""

    def forward(self, x: Tensor) -> Tensor:
        return x.view(x.shape)


class Wired(Network):
    """A network of given steps."""

    def __init__(self, steps: list[Step]) -> None:
        nn.Module.__init__(self)
        self.wire(steps)


@st.composite
def wirings(draw: st.DrawFn) -> list[Step]:
    """Steps on maps of one shape that read any earlier tensors."""
    found: list[Step] = []
    for made in range(1, draw(st.integers(2, 12))):
        kind = draw(st.sampled_from(["add", "scale", "relu", "view", "pool", "sigmoid"]))
        earlier = st.integers(0, made - 1)
        count = {"add": draw(st.integers(2, 3)), "scale": 2}.get(kind, 1)
        inputs = tuple(draw(earlier) for _ in range(count))
        functions = {"add": add, "scale": scale, "relu": nn.ReLU(), "view": View()}
        functions |= {"pool": nn.AvgPool2d(3, 1, 1), "sigmoid": nn.Sigmoid()}
        found.append(Step(functions[kind], inputs))
    read = {i for step in found for i in step.inputs}
    loose = [i for i in range(len(found) + 1) if i not in read]
    return [*found, Step(add, (*loose, *loose[:1]))]


@settings(max_examples=300, deadline=None)
@given(wirings())
def test_writing_in_place_changes_no_result_and_not_the_image(steps: list[Step]) -> None:
    image = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    before = image.clone()
    tensors = [image]
    for function, inputs in steps:
        out_of_place = nn.functional.relu if isinstance(function, nn.ReLU) else function
        tensors.append(out_of_place(*(tensors[i] for i in inputs)).clone())
    found = Wired(_in_place(steps)).embed(image)
    torch.testing.assert_close(found, tensors[-1], rtol=1e-4, atol=1e-4, equal_nan=True)
    assert torch.equal(image, before)


def test_the_sum_of_two_convolutions_is_written_over_the_first() -> None:
    steps = [Step(nn.Conv2d(3, 3, 1), (0,)), Step(nn.Conv2d(3, 3, 1), (0,)), Step(add, (1, 2))]
    assert _in_place(steps)[-1].function is not add
    assert _in_place([*steps, Step(concat, (1, 3))])[2].inputs == (2, 1)
