"""Where a network is active, against a loop over what its layers give."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nas.architecture import Architecture, Size, Stage, preset
from nas.errors import UserError
from nas.export import export_network
from nas.models import build, load_trained
from nas.training.activations import activation_maps
from nas.training.augment import normalise

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["tiny", "osnet_ain_x1_0"])
def test_it_is_the_energy_of_the_last_map_before_all_is_pooled(name: str) -> None:
    network = build(TINY if name == "tiny" else preset(name).resized(Size(32, 16)), seed=1)
    given: list[Tensor] = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, inputs, output: given.append(output))
    with torch.no_grad():
        network.eval()(normalise(torch.from_numpy(PIXELS)))
    last = [t for t in given if t.ndim == 4 and t.shape[2:] != (1, 1)][-1]
    found = activation_maps(network, PIXELS)
    assert found.shape == (3, *last.shape[2:])
    for row in range(3):
        energy = [[sum(float(c) ** 2 for c in last[row, :, y, x]) for x in range(last.shape[3])]
                  for y in range(last.shape[2])]  # fmt: skip
        scaled = (np.array(energy) - np.min(energy)) / (np.max(energy) - np.min(energy))
        np.testing.assert_allclose(found[row], scaled, atol=1e-5)


def test_a_network_that_sees_no_difference_is_active_nowhere() -> None:
    network = build(TINY, seed=1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.zero_()
    assert (activation_maps(network, PIXELS) == 0).all()


def test_an_exported_file_has_no_layers(tmp_path: Path) -> None:
    export_network(build(TINY, seed=1), tmp_path / "net.pt")
    with pytest.raises(UserError, match="an exported file has no layers to look into"):
        activation_maps(load_trained(tmp_path / "net.pt"), PIXELS)


def test_what_is_not_finite_is_not_drawn() -> None:
    network = build(TINY, seed=1)
    next(network.parameters()).data.fill_(float("nan"))
    with pytest.raises(UserError, match="the last feature map is not finite"):
        activation_maps(network, PIXELS)
