import pytest

from nas.architecture import preset
from nas.cost import cost, match, with_family
from nas.errors import UserError


@pytest.mark.parametrize("family", ["osnet", "inception", "resnext", "se"])
@pytest.mark.parametrize("name", ["macs", "params"])
def test_every_family_is_matched_within_two_percent(family: str, name: str) -> None:
    target = preset("osnet_x0_5")
    found = match(with_family(target, family), getattr(cost(target), name), name)
    ratio = getattr(cost(found), name) / getattr(cost(target), name)
    assert abs(ratio - 1) <= 0.02
    assert found.stages[0].block.family == family


def test_a_network_matches_itself_exactly() -> None:
    target = preset("osnet_x0_75")
    assert cost(match(target, cost(target).macs)).macs == cost(target).macs


def test_what_no_width_reaches_is_said_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no width brings macs within 2% of 1: the nearest is"):
        match(preset("osnet_x0_5"), 1)
    with pytest.raises(UserError, match="--cost: 'flops' is not one of macs, params"):
        match(preset("osnet_x0_5"), 1, "flops")
