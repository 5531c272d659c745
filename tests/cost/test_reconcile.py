import random

import pytest

from nas.architecture import Architecture, Size, preset
from nas.cost import by_layer, by_operator, cost, reconcile
from nas.space import from_yaml
from tests.cost.test_exact import FAMILIES

KNOWN = {  # name: fvcore, thop, torch at 256x128, counted from the published models
    "osnet_x1_0": (996_505_600, 1_012_680_448, 1_957_750_784),
    "osnet_x0_75": (584_975_104, 597_106_496, 1_143_504_384),
    "osnet_x0_5": (281_714_944, 289_802_880, 545_798_656),
    "osnet_x0_25": (86_723_200, 90_767_680, 164_629_760),
    "osnet_ibn_x1_0": (1_003_321_344, 1_016_874_752, 1_957_750_784),
}


def nothing_is_left(architecture: Architecture) -> dict[str, int]:
    found = reconcile(architecture)
    assert found["macs"] == cost(architecture).macs
    assert {n: c["remainder"] for n, c in found["counters"].items()} == {
        "fvcore": 0, "thop": 0, "torch": 0,
    }  # fmt: skip
    return {name: counter["total"] for name, counter in found["counters"].items()}


@pytest.mark.parametrize("name", KNOWN)
def test_published_totals_are_explained_to_the_last_operation(name: str) -> None:
    totals = nothing_is_left(preset(name))
    assert tuple(totals[counter] for counter in ("fvcore", "thop", "torch")) == KNOWN[name]


def test_ain_and_the_other_families_are_explained_too() -> None:
    nothing_is_left(preset("osnet_ain_x0_5").resized(Size(128, 64)))
    space = from_yaml(FAMILIES)
    generator = random.Random(5)
    for _ in range(6):
        nothing_is_left(space.architecture(space.sample(generator.randrange)))


def test_operators_and_layers_add_up() -> None:
    architecture = preset("osnet_x0_25")
    rows = by_operator(architecture)
    counters = reconcile(architecture)["counters"]
    assert sum(row["macs"] for row in rows) == cost(architecture).macs
    for name in ("fvcore", "thop", "torch"):
        assert sum(row[name] for row in rows) == counters[name]["total"]
    assert sum(row["macs"] for row in by_layer(architecture)) == cost(architecture).macs
