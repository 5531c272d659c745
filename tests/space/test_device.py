"""The latency of a device that is not here, as one more cost of a space."""

import numpy as np
import pytest

from nas.architecture import Architecture, key, lower, preset, to_document
from nas.architecture.canonical import part_key
from nas.cost import LATENCY, Setting, cost
from nas.cost.parts import NOTHING, PartTable
from nas.errors import UserError
from nas.space import Space, from_yaml, load_space, on_device, parts_to_measure, to_yaml

TEXT = (
    "space: s\nbase: osnet_x0_25\ninput: 32x16\nparameters:\n  width: [0.0625, 0.125]\n"
    "  stages[each].streams: 1..3\n  stages[*].gate: [none, unified]\n"
)


def device(space: Space) -> PartTable:
    """Slow where there are many layers: at odds with macs."""
    parts = parts_to_measure(space)
    times = {part_key(part): 0.1 * len(part.layers) for part in parts}
    return PartTable(Setting(threads=1).record(), {part_key(NOTHING): 0.5} | times)


def streams(architecture: Architecture) -> list[int]:
    return [stage["streams"] for stage in to_document(architecture)["stages"]]


def test_the_costs_of_points_are_those_of_their_architectures() -> None:
    plain = from_yaml(TEXT)
    space = on_device(plain, device(plain))
    assert space.costs == ("macs", "params", "activation_bytes", LATENCY)
    points = space.members()
    each = [space.costs_of(space.architecture(points.point(i))) for i in range(len(points))]
    for name in (LATENCY, "macs"):
        own = [costs[name] for costs in each]
        np.testing.assert_array_equal(points.costs[name], own)  # a limit may be one of these
        np.testing.assert_array_equal(points.rows(np.arange(3)).costs[name], own[:3])
        assert space.cost_range()[name] == pytest.approx((min(own), max(own)))
    assert np.corrcoef(points.costs[LATENCY], points.costs["macs"])[0, 1] < 0.9
    assert LATENCY not in space.costs_of(preset("osnet_x1_0"))
    assert plain.costs_of(preset("osnet_x1_0")) == cost(preset("osnet_x1_0")).as_dict()
    assert space.hash() == plain.hash()


def test_further_constraints_and_those_on_the_latency() -> None:
    space = from_yaml(TEXT + "constraints: [params <= 40k]\n")
    own = load_space(space, constraints="macs <= 200k")
    wanted = from_yaml(TEXT + "constraints: [params <= 40k, macs <= 200k]\n")
    assert own == wanted and own.hash() == wanted.hash()
    assert load_space(space) is space
    limits = ["latency_ms <= 12", "nondecreasing(stages[*].streams)"]
    found = load_space(space, constraints=limits, latency_table=device(space))
    for limited in (found, load_space(found, constraints=["latency_ms <= 11"])):
        most = 12 if limited is found else 11
        points = [space.point(i) for i in space.table.distinct.tolist()]
        networks = [space.architecture(point) for point in points]
        wanted_keys = {
            key(own)
            for own in networks
            if limited.costs_of(own)[LATENCY] <= most and streams(own) == sorted(streams(own))
        }
        assert {key(limited.architecture(p)) for p in limited.enumerate()} == wanted_keys
        assert 0 < len(wanted_keys) < len(networks)
    assert found.point_of(preset("osnet_x0_25").resized(space.base.input)) is None
    again = from_yaml(to_yaml(found))
    assert [c.text for c in again.constraints] == ["params <= 40k", limits[1]]


def test_a_table_of_what_keeps_to_a_limit_serves_that_alone() -> None:
    space, limit = from_yaml(TEXT), "width < 0.1 and macs <= 180k"
    table = device(load_space(space, constraints=limit))
    found = load_space(space, constraints=["latency_ms <= 12", limit], latency_table=table)
    assert 0 < found.count().value < space.count().value
    assert np.isfinite(found.members().costs[LATENCY]).all()
    assert np.isnan(found.table.costs[LATENCY]).any()  # of what is not valid nothing is known
    with pytest.raises(UserError, match=r"it has not \d+ of the parts of s; make it"):
        load_space(space, latency_table=table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latency_ms <= 5", "latency_ms is of a device: give `latency_ms <= 5` as --constraint of"),
        ("macs", "'macs' is a value, not a condition"),
        ("stages[9].streams < 2", r"\[9\] is no stage; stages are 0 to 2"),
        ("macs <= fast", "'fast' is not a name here; names are macs"),
    ],
)
def test_a_limit_that_is_none(text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^--constraint: .*{message}"):
        load_space("osnet-mini", constraints=[text])


def test_a_file_has_no_constraint_on_a_latency() -> None:
    with pytest.raises(UserError, match=r"^space.yaml:8: constraint: latency_ms is of a device"):
        from_yaml(TEXT + "constraints: [latency_ms <= 5]\n")


def test_a_limit_of_latency_for_a_space_that_has_its_table_already() -> None:
    plain = from_yaml(TEXT)
    table = device(plain)
    latency = on_device(plain, table).members().costs[LATENCY]
    most = float(np.median(latency))
    limits = [f"latency_ms <= {most:.6f}", "macs <= 3M"]
    wanted = load_space(plain, constraints=limits, latency_table=table)
    stepwise = load_space(plain, latency_table=table)
    assert load_space(stepwise, constraints=limits[0]).count().value == (latency <= most).sum()
    for text in (*limits, limits[0]):
        stepwise = load_space(stepwise, constraints=text)
    assert stepwise.hash() == wanted.hash()  # in any order, and given twice


def test_another_table_is_of_all_that_it_may_find_fast() -> None:
    plain = from_yaml(TEXT)
    table = device(plain)
    limited = load_space(plain, constraints="latency_ms <= 10", latency_table=table)
    part = part_key(next(x for x in parts_to_measure(plain) if x not in parts_to_measure(limited)))
    fewer = PartTable(table.setting, {k: v for k, v in table.p50_ms.items() if k != part})
    with pytest.raises(UserError, match="it has not 1 of the parts"):
        on_device(limited, fewer)


def test_a_baseline_of_unknown_latency_may_break_what_limits_it() -> None:
    plain = from_yaml(TEXT + "baseline: [osnet_x1_0]\n")
    own = from_yaml(TEXT + f"baseline: [osnet_x0_25]\nconstraints: [macs <= {10**9}]\n")
    for space, word in ((plain, "may break"), (own, "breaks")):
        table = device(own)
        limited = load_space(space, constraints="latency_ms <= 10", latency_table=table)
        assert list(limited.outside.values()) == [f"{word} latency_ms <= 10"]
        assert not on_device(space, table).outside


def test_a_table_has_the_parts_of_all_architectures_and_baselines() -> None:
    for name in ("osnet-mini", "osnet-ain"):
        space = load_space(name)
        wanted = {part_key(part) for part in parts_to_measure(space)}
        for architecture in (space.base, *(own for _, own in space.baselines)):
            assert {part_key(placed.part) for placed in lower(architecture)} <= wanted


def test_a_table_that_lacks_parts_is_refused() -> None:
    space = from_yaml(TEXT)
    table = device(space)
    assert on_device(space, table).latency is table
    gone = part_key(parts_to_measure(space)[0])
    fewer = PartTable(table.setting, {k: v for k, v in table.p50_ms.items() if k != gone})
    with pytest.raises(UserError, match=r"^--latency-table: it has not 1 of the parts of s; make"):
        on_device(space, fewer)


def test_the_latency_of_a_space_that_is_not_listed_is_within_bounds() -> None:
    large = from_yaml(
        "space: s\nbase: osnet_x0_25\ninput: 32x16\nparameters:\n"
        "  stages[each].streams: 1..4\n  stages[each].gate: [none, fixed, unified, streamwise]\n"
        "  stages[each].fusion: [add, concat]\n  stages[each].bottleneck: [2, 4, 8, 16]\n"
        "  stages[each].depth: [1, 2]\n"
    )
    assert not large.listable
    own = on_device(large, device(large))
    points = own.members(500)
    low, high = own.cost_range()[LATENCY]
    latency = points.costs[LATENCY]
    assert low <= latency.min() < latency.max() <= high
    for row in range(3):
        assert own.costs_of(own.architecture(points.point(row)))[LATENCY] == pytest.approx(
            latency[row]
        )
    assert own.cost_range()["macs"] == large.cost_range()["macs"]
