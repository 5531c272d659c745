"""Figures that must come out, and agreement with fvcore on random architectures."""

import random

import pytest

from nas.architecture import Size, from_document, preset, to_document
from nas.cost import cost, profile, raw_counts
from nas.errors import UserError
from nas.models import build
from nas.space import from_yaml, load_space, shipped_spaces

# name: params, macs, fvcore's total, thop's total at 256x128, as counted from the published model
PUBLISHED = {
    "osnet_x1_0": (2_169_508, 978_875_392, 996_505_600, 1_012_680_448),
    "osnet_x0_75": (1_285_754, 571_752_192, 584_975_104, 597_106_496),
    "osnet_x0_5": (630_034, 272_899_328, 281_714_944, 289_802_880),
    "osnet_x0_25": (201_864, 82_314_880, 86_723_200, 90_767_680),
    "osnet_ibn_x1_0": (2_170_532, 978_875_392, 1_003_321_344, 1_016_874_752),
}
# macs in millions at 192x96, 128x64 and 64x32
BY_SIZE = {
    "osnet_x1_0": (550.7, 244.9, 61.5),
    "osnet_x0_75": (321.7, 143.1, 35.9),
    "osnet_x0_5": (153.6, 68.3, 17.2),
    "osnet_x0_25": (46.3, 20.6, 5.2),
}
# T, gate: params at x1.0 (the rows of the paper's ablation that are known to the digit)
ABLATION = {(1, "unified"): 1_577_956, (1, "streamwise"): 1_573_710, (1, "none"): 1_569_920}


@pytest.mark.parametrize("name", PUBLISHED)
def test_presets_cost_what_is_published_and_counters_agree(name: str) -> None:
    params, macs, fvcore, thop = PUBLISHED[name]
    found = profile(preset(name))
    assert (found["params"], found["macs"]) == (params, macs)
    assert found["counters"]["fvcore"] == {"total": fvcore, "conv_linear": macs, "params": params}
    assert found["counters"]["thop"] == {"total": thop, "params": params}


@pytest.mark.parametrize("name", BY_SIZE)
def test_macs_by_resolution(name: str) -> None:
    sizes = (Size(192, 96), Size(128, 64), Size(64, 32))
    macs = tuple(round(cost(preset(name).resized(size)).macs / 1e6, 1) for size in sizes)
    assert macs == BY_SIZE[name]


@pytest.mark.parametrize(("streams", "gate"), ABLATION)
def test_params_of_ablation_rows(streams: int, gate: str) -> None:
    document = to_document(preset("osnet_x1_0"))
    for stage in document["stages"]:
        stage |= {"streams": streams, "gate": gate}
    assert cost(from_document(document)).params == ABLATION[streams, gate]


FAMILIES = """\
space: families
base: osnet_x0_25
input: 64x32
parameters:
  width: [0.2, 0.25, 0.5]
  stages[each].family: [osnet, inception, resnext, se, mobilenet]
  stages[each].stream_depth: {values: [0, 2], when: "stages[each].family == osnet"}
  stages[each].convolution_kernel: {values: [3, 7], when: "stages[each].family == osnet"}
  stages[each].instance_norm: {values: [none, both], when: "stages[each].family == osnet"}
  stages[each].reduction: {values: [0, 4], when: "stages[each].family == se"}
  stages[each].expansion: {values: [1, 6], when: "stages[each].family == mobilenet"}
  stages[each].depthwise_kernel: {values: [3, 5], when: "stages[each].family == mobilenet"}
  stages[each].squeeze: {values: [0, 4], when: "stages[each].family == mobilenet"}
  stages[each].cardinality: {values: [8, 16], when: "stages[each].family == resnext"}
"""


@pytest.mark.parametrize("name", ["families", *shipped_spaces()])
def test_cost_equals_fvcore_and_parameter_count_on_random_architectures(name: str) -> None:
    space = from_yaml(FAMILIES) if name == "families" else load_space(name)
    generator = random.Random(name)
    for _ in range(20):
        architecture = space.architecture(space.sample(generator.randrange)).resized(Size(64, 32))
        model = build(architecture)
        exact = cost(architecture)
        assert exact.macs == raw_counts(model, ("fvcore",))["fvcore"]["conv_linear"]
        assert exact.params == sum(p.numel() for p in model.parameters())


def test_parts_add_up() -> None:
    found = profile(preset("osnet_x0_25"))
    for name in ("macs", "params"):
        assert sum(part[name] for part in found["parts"]) == found[name]
    assert max(part["activation_bytes"] for part in found["parts"]) == found["activation_bytes"]


def test_activation_bytes_is_the_largest_operator() -> None:
    # x1.0, first stage: the sum of two maps of 256 x 64 x 32 into a third, in float32
    assert cost(preset("osnet_x1_0")).activation_bytes == 3 * 256 * 64 * 32 * 4


def test_counting_leaves_the_network_as_it_was() -> None:
    model = build(preset("osnet_x0_25"), 10).train()
    names = list(model.state_dict())
    raw_counts(model)
    assert list(model.state_dict()) == names
    assert model.training
    assert model.classifier is not None
    assert not any(module._forward_hooks for module in model.modules())


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="presets are osnet_x1_0"):
        preset("osnet_x2_0")
