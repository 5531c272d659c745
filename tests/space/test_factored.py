"""Spaces by their structure, against the table of all their points."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from statsmodels.stats.proportion import proportion_confint

from nas.architecture import key
from nas.cost import cost
from nas.errors import UserError
from nas.space import Space, from_yaml
from nas.space.factored import Factored
from nas.space.summary import effects
from tests.space.test_space import CONSTRAINTS, DOMAINS, HEAD, some, space_of

ON_FIELDS = [text for text in CONSTRAINTS if "macs" not in text and "params" not in text]

HUGE = """\
space: huge
base: osnet_x0_25
input: 64x32
parameters:
  width: [0.25, 0.5]
  stages[each].streams: 1..4
  stages[each].gate: [none, fixed, streamwise, separate, unified]
  stages[each].fusion: [add, concat]
  stages[each].convolution: [lite, full, separable]
  stages[each].gate_reduction: [2, 4]
  stages[each].bottleneck: [2, 4]
  stages[each].depth: [1, 2, 3]
  stages[each].downsample: [1, 2]
"""


@settings(max_examples=25, deadline=None)
@given(some(DOMAINS, 1, 5), some(ON_FIELDS, 0, 2))
def test_the_union_of_boxes_counts_what_the_table_counts(
    names: list[str], constraints: list[str]
) -> None:
    space = space_of(names, constraints)
    try:
        expected = space.count().value
    except UserError:
        expected = 0
    factored = Factored(space)
    assert factored.unconstrained == expected
    if expected:
        points = factored.sample(20, seed=1)
        for row in range(20):
            assert space.broken(space.architecture(points.point(row))) is None


def test_samples_are_uniform_over_architectures() -> None:
    """Chi-square at p < 0.001 over architectures of which some have four raw points, some one."""
    space = space_of(["stages[*].gate", "stages[1:].fusion", "stages[each].streams"], [])
    total = space.count().value
    points = Factored(space).sample(40 * total, seed=2)
    counts = Counter(key(space.architecture(points.point(row))) for row in range(len(points)))
    assert len(counts) == total
    chi = sum((n - 40) ** 2 / 40 for n in counts.values())
    freedom = total - 1
    assert chi < freedom + 3.1 * (2 * freedom) ** 0.5 + 5


def huge(constraint: str = "") -> Space:
    return from_yaml(HUGE + (f"constraints: ['{constraint}']\n" if constraint else ""))


def test_a_huge_space_is_counted_exactly_without_constraints_on_cost() -> None:
    """By hand: the networks of one stage, times each other, for each width."""
    space = huge()
    assert space.raw_points > 10**10
    count = space.count()
    assert count.exact
    ordered = huge("nondecreasing(stages[*].streams)").count()
    assert ordered.exact
    assert ordered.value < count.value < space.raw_points


@pytest.mark.parametrize("blocks", [11, 20])
def test_up_to_sixty_parameters_vary(blocks: int) -> None:
    """33 and 60 of them; each block is one network or another, whatever the others are."""
    lines = [f"  stages[each].blocks[{block}].streams: 1..2\n" for block in range(blocks)]
    space = from_yaml(HEAD + f"  stages[*].depth: {blocks}\n" + "".join(lines))
    assert space.count().value == 2 ** (3 * blocks)
    assert space.contains(space.architecture(space.sample(random.Random(0).randrange)))


def test_a_constraint_on_cost_gives_an_estimate_with_its_interval() -> None:
    whole = huge().count().value
    found = huge("macs <= 20M").count()
    assert not found.exact
    assert 0 < found.low < found.value < found.high < whole
    assert "estimate" in str(found)


def test_estimates_cover_the_exact_count() -> None:
    space = space_of(["width", "stages[each].streams", "stages[*].gate"], ["macs <= 8M"])
    estimate = Factored(space).estimate()
    assert estimate.low <= space.count().value <= estimate.high


def test_an_estimate_has_the_interval_of_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.space.factored.ESTIMATE_SAMPLES", 40)
    factored = Factored(space_of(["width", "stages[each].streams"], ["macs <= 8M"]))
    hits = int(factored.valid(factored.samples).sum())
    assert 0 < hits < 40
    low, high = proportion_confint(hits, 40, method="wilson")
    found, whole = factored.estimate(), factored.unconstrained
    assert (found.low, found.high) == (int(whole * low), round(whole * high))


def test_what_can_not_be_built_is_in_no_box() -> None:
    """Half a channel is none: with the least width, whatever stage 0 has."""
    space = from_yaml(
        HEAD + "  width: [0.125, 0.5]\n  stages[*].bottleneck: [4, 64]\n"
        "  stages[0].streams: 1..2\n  stages[1].depth: [1, 2]\n"
    )
    factored = Factored(space)
    assert factored.unconstrained == space.count().value < space.raw_points
    every = [cost(space.architecture(point)).as_dict() for point in space.enumerate()]
    for name, bounds in factored.cost_bounds().items():
        own = [costs[name] for costs in every]
        assert bounds == (min(own), max(own))


def test_an_estimate_draws_on_where_what_is_valid_is_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.space.factored.ESTIMATE_SAMPLES", 5)
    space = space_of(["width", "stages[each].streams", "stages[*].gate"], ["macs < 1300k"])
    factored = Factored(space)
    assert not factored.valid(factored.samples).any()
    assert factored.estimate().low <= space.count().value <= factored.estimate().high


def test_an_empty_huge_space_names_what_emptied_it() -> None:
    with pytest.raises(UserError, match="huge seems to be empty: `macs <= 1k` alone leaves 0 of"):
        huge("macs <= 1k").sample(random.Random(0).randrange)


def test_bounds_of_cost_are_those_of_the_table() -> None:
    space = space_of(["width", "stages[each].streams", "stages[*].gate", "input"], [])
    bounds = Factored(space).cost_bounds()
    for name, costs in space.table.costs.items():
        assert bounds[name] == (costs.min(), costs.max())


def test_a_huge_space_samples_and_finds_untried_points() -> None:
    space = huge("macs <= 20M")
    draw = random.Random(0).randrange
    point = space.sample(draw)
    architecture = space.architecture(point)
    assert space.broken(architecture) is None
    other = space.untried({key(architecture)}, draw)
    assert other is not None
    assert key(space.architecture(other)) != key(architecture)


def test_effects_are_left_out_where_no_point_that_is_drawn_can_be_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nas.space.table.MAX_POINTS", 1)
    monkeypatch.setattr("nas.space.summary.EFFECT_POINTS", 2)
    rare = HEAD.replace("64x32", "16x8") + "  stages[each].downsample: 1..4\n"
    found = effects(from_yaml(rare + "  stages[0].streams: 1..4\n"))
    assert "stages[0].streams" not in [entry["parameter"] for entry in found]


def test_a_constraint_on_fields_and_cost_takes_the_point_that_meets_it() -> None:
    """With one stream `concat` is `add`: the architecture is valid if one of its points is."""
    text = "stages[0].fusion == concat and macs > 1"
    space = space_of(["stages[each].streams", "width"], [])
    fusion = from_yaml(
        HEAD + "  stages[0].streams: 1..2\n  stages[0].fusion: [add, concat]\n"
        f"constraints: ['{text}']\n"
    )
    factored = Factored(fusion)
    points = factored.sample(200, seed=0)
    assert len(space.parameters) == 4
    keys = {
        key(fusion.architecture(points.point(row)))
        for row, valid in enumerate(factored.valid(points))
        if valid
    }
    assert len(keys) == fusion.count().value == 2
