from dataclasses import replace

import pytest

from nas.architecture import Block, Component, Node, Pen, Size, families, preset
from nas.cost import cost, match, with_family
from nas.cost.match import FINEST
from nas.errors import UserError


@pytest.mark.parametrize("family", ["osnet", "inception", "resnext", "se", "mobilenet"])
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


@pytest.mark.parametrize("steps", [829, 935])
def test_groups_whose_cost_falls_with_width_match_themselves_too(steps: int) -> None:
    family = Block("resnext", (("cardinality", 8),))
    small = preset("osnet_x0_25").resized(Size(64, 32))
    stages = tuple(replace(stage, block=family) for stage in small.stages)
    narrow, wide = (replace(small, width=s / FINEST, stages=stages) for s in (steps, steps + 1))
    assert cost(wide).macs < cost(narrow).macs
    assert cost(match(wide, cost(narrow).macs)).macs == cost(narrow).macs


def test_what_no_width_reaches_is_said_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no width brings macs within 2% of 1: the nearest is"):
        match(preset("osnet_x0_5"), 1)
    with pytest.raises(UserError, match="--cost: 'flops' is not one of macs, params"):
        match(preset("osnet_x0_5"), 1, "flops")


@families.register("groups_of_8")
class GroupsOf8(Component):
    """Most widths can not be built: their channels are no multiples of 8."""

    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        return net.conv_norm_relu(x, channels, 3, groups=8, name="a")


@families.register("halved")
class Halved(Component):
    def lower(self, net: Pen, x: Node, channels: int) -> Node:
        return net.conv_norm_relu(x, channels, 3, stride=2, name="a")


@pytest.mark.parametrize("width", [0.125, 0.25, 3])
def test_widths_that_can_not_be_built_are_passed_over(width: float) -> None:
    wanted = replace(with_family(preset("osnet_x1_0"), "groups_of_8"), width=width)
    assert cost(match(wanted, cost(wanted).macs * 1015 // 1000)) == cost(wanted)


def test_what_is_more_than_two_percent_off_is_no_match() -> None:
    coarse = replace(with_family(preset("osnet_x1_0"), "groups_of_8"), width=0.125)
    with pytest.raises(UserError, match=r"no width brings macs within 2% of .*: the nearest is"):
        match(coarse, cost(coarse).macs * 103 // 100)


@pytest.mark.parametrize("family", ["osnet", "resnext"])
@pytest.mark.parametrize("share", [0.9, 1.01, 1.1])
def test_no_width_nearby_is_nearer(family: str, share: float) -> None:
    """Cost goes up by steps, as channels are rounded."""
    small = with_family(preset("osnet_x0_25").resized(Size(32, 16)), family)
    target = int(cost(small).macs * share)
    found = match(small, target)
    steps = round(found.width * FINEST)
    nearby = [
        abs(cost(replace(small, width=own / FINEST)).macs - target)
        for own in range(steps - 40, steps + 41)
    ]
    assert abs(cost(found).macs - target) == min(nearby)


def test_a_family_that_can_not_be_built_is_said() -> None:
    with pytest.raises(UserError, match="a block of halved gives"):
        match(with_family(preset("osnet_x0_25"), "halved"), 10**7)
