import random

import pytest
import torch
from torch import nn

from nas.architecture import Size, preset
from nas.models import Network, build, optimise
from nas.models.optimise import fold
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
