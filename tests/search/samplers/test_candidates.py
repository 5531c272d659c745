"""Codes, costs and neighbours of a whole space against its points taken one by one."""

import math

import numpy as np
import pytest

import nas.space.table
from nas.architecture import key
from nas.cost import cost
from nas.errors import UserError
from nas.search.samplers.candidates import BEYOND, Candidates, Pool
from nas.space import Space, from_yaml

TEXT = (
    "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
    "  width: [0.125, 0.25]\n  stages[*].streams: 1..3\n  stages[*].fusion: [add, concat]\n"
    "  stages[*].gate_reduction: {values: [2, 16], when: 'stages[0].streams > 1'}\n"
    "constraints: [macs <= 5M]\n"
)


@pytest.fixture
def space() -> Space:
    return from_yaml(TEXT)


def keys(space: Space, candidates: Candidates) -> list[str]:
    rows = range(len(candidates))
    return [key(space.architecture(candidates.points.point(row))) for row in rows]


def test_all_are_the_distinct_valid_architectures_with_their_costs(space: Space) -> None:
    pool = Pool(space, ["macs", "params"])
    points = list(space.enumerate())
    assert pool.whole
    assert keys(space, pool.all) == [key(space.architecture(point)) for point in points]
    costs = [cost(space.architecture(point)).as_dict() for point in points]
    for column, name in enumerate(("macs", "params")):
        logs = [math.log(own[name]) for own in costs]
        share = logs.count(max(logs)) / len(logs)
        end = (max(logs) - min(logs)) * (1 + min(share, BEYOND))
        expected = [(x - min(logs)) / end for x in logs]
        assert pool.all.costs[:, column] == pytest.approx(expected)
    assert pool.costs_of(costs) == pytest.approx(pool.all.costs)


def test_codes_tell_apart_what_the_encoding_tells_apart(space: Space) -> None:
    pool = Pool(space, ["macs"])
    encoded = np.array([space.encode(point) for point in space.enumerate()])
    rows = range(len(encoded))
    for one in rows:
        for other in rows:
            same = bool((encoded[one] == encoded[other]).all())
            assert same == bool((pool.all.codes[one] == pool.all.codes[other]).all())


def test_points_of_one_architecture_get_the_codes_of_the_listed_one(space: Space) -> None:
    pool = Pool(space, ["macs"])
    one = {"width": 0.125, "stages[*].streams": 1, "stages[*].fusion": "add"}
    other = one | {"stages[*].fusion": "concat"}
    assert key(space.architecture(one)) == key(space.architecture(other))
    codes = pool.codes_of([one, other])
    assert codes[0].tolist() == codes[1].tolist()
    listed = pool.all.codes[keys(space, pool.all).index(key(space.architecture(one)))]
    assert codes[0].tolist() == listed.tolist()


def test_codes_of_every_point_are_its_own(space: Space) -> None:
    pool = Pool(space, ["macs"])
    found = pool.codes_of(list(space.enumerate()))
    assert found.tolist() == pool.all.codes.tolist()


def test_neighbours_are_the_spaces(space: Space) -> None:
    pool = Pool(space, ["macs"])
    for row in range(len(pool.all)):
        point = pool.all.points.point(row)
        if "stages[*].gate_reduction" not in point:
            continue  # what becomes active would take the base's value there
        found = set(keys(space, pool.neighbours(pool.all.rows(np.array([row])).points)))
        own = key(space.architecture(point))
        expected = {key(space.architecture(other)) for other in space.neighbours(point)}
        assert found - {own} == expected


def test_a_space_too_large_to_list_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nas.space.table, "MAX_POINTS", 10)
    space = from_yaml(TEXT)
    pool = Pool(space, ["macs"])
    assert not pool.whole
    assert (pool.all.costs >= 0).all() and pool.all.costs.max() == pytest.approx(1 / (1 + BEYOND))
    assert all(space.broken(space.architecture(pool.all.points.point(r))) is None for r in range(9))
    points = [pool.all.points.point(row) for row in range(9)]
    assert pool.codes_of(points).tolist() == pool.all.codes[:9].tolist()


def test_neighbours_in_a_space_too_large_to_list_can_be_built_and_are_within(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nas.space.table, "MAX_POINTS", 10)
    space = from_yaml(
        "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
        "  width: [0.125, 0.25]\n  stages[*].streams: 1..3\n  stages[0].bottleneck: [4, 64]\n"
        "constraints: [macs <= 1500k]\n"
    )
    point = {"width": 0.125, "stages[*].streams": 2, "stages[0].bottleneck": 4}
    changes = [{"width": 0.25}, {"stages[*].streams": 1}, {"stages[*].streams": 3},
               {"stages[0].bottleneck": 64}]  # fmt: skip
    with pytest.raises(UserError, match="0 channels"):
        key(space.architecture(point | changes[3]))
    others = [space.architecture(point | change) for change in changes[:3]]
    assert [space.broken(own) is None for own in others] == [False, True, False]
    pool = Pool(space, ["macs"])
    found = keys(space, pool.neighbours(pool.points_of(pool.codes_of([point]))))
    assert set(found) - {key(space.architecture(point))} == {key(others[1])}


def test_a_listed_space_that_is_too_large_to_look_at_is_sampled_by_seed(
    monkeypatch: pytest.MonkeyPatch, space: Space
) -> None:
    everything = set(keys(space, Pool(space, ["macs"]).all))
    monkeypatch.setattr("nas.search.samplers.candidates.POOL", 10)
    pool = Pool(space, ["macs"])
    found = [keys(space, pool.drawn(seed)) for seed in (1, 1, 2)]
    assert not pool.whole
    assert found[0] == found[1] != found[2]
    assert all(len(set(own)) == 10 and set(own) < everything for own in found)


def test_neighbours_of_a_listed_space_are_the_listed_points(space: Space) -> None:
    pool = Pool(space, ["macs"])
    listed = dict(zip(keys(space, pool.all), pool.all.codes.tolist(), strict=True))
    for row in range(len(pool.all)):
        near = pool.neighbours(pool.all.rows(np.array([row])).points)
        names = keys(space, near)
        assert len(set(names)) == len(names)
        assert near.codes.tolist() == [listed[name] for name in names]
