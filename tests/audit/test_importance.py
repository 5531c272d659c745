"""Importance on made-up scores whose causes are known."""

import itertools
from dataclasses import replace

import numpy as np

from nas.audit.evidence import from_table
from nas.audit.importance import importance
from nas.audit.judge import judge
from tests.audit.made_up import table

POINTS = [
    {"a": a, "b": b, "c": c}
    for a, b, c, _ in itertools.product([1, 2, 3, 4], ["x", "y", "z"], [0.5, 1.0], range(3))
]
NOISE = np.random.default_rng(0).normal(size=len(POINTS))
EVERYTHING = [np.arange(len(POINTS))]


def scores_of(**effects: dict) -> np.ndarray:
    found = 0.1 * NOISE
    for name, values in effects.items():
        found = found + np.array([values[point[name]] for point in POINTS])
    return found


def test_what_moves_the_score_comes_first_and_above_chance() -> None:
    scores = scores_of(a={1: 0, 2: 1, 3: 2, 4: 3})
    found = importance(POINTS, scores, EVERYTHING, resamples=40)
    assert found is not None and found.names[0] == "a"
    assert found.share.estimate[0] > 0.8
    assert found.share.estimate.sum() == 1
    assert (found.share.low <= found.share.estimate).all()
    assert (found.share.estimate <= found.share.high).all()
    assert found.above_chance[0] == 1
    assert (found.above_chance[1:] < 0.95).all()
    assert found.chance.estimate < 0.2


def test_it_is_about_the_best_and_not_about_the_worst() -> None:
    """What lifts a third of all decides who is best; what drops a third says little of it."""
    found = importance(POINTS, scores_of(b={"x": 0, "y": 0, "z": 2}), EVERYTHING, resamples=0)
    turned = importance(POINTS, scores_of(b={"x": 0, "y": 0, "z": -2}), EVERYTHING, resamples=0)
    assert found is not None and turned is not None
    first, second = (dict(zip(x.names, x.share.estimate, strict=True)) for x in (found, turned))
    assert found.names[0] == "b"
    assert second["b"] < 0.8 * first["b"]


def test_within_bands_what_makes_a_network_dear_does_not_count() -> None:
    """a is the cost, and most of the score; among those of one cost it is b."""
    scores = scores_of(a={1: 0, 2: 5, 3: 10, 4: 15}, b={"x": 0, "y": 1, "z": 2})
    bands = [np.flatnonzero([p["a"] == value for p in POINTS]) for value in (1, 2, 3, 4)]
    whole = importance(POINTS, scores, EVERYTHING, resamples=0)
    within = importance(POINTS, scores, bands, resamples=0)
    assert whole is not None and within is not None
    assert whole.names[0] == "a"
    assert within.names[0] == "b"


def test_a_parameter_may_be_inactive_and_what_is_constant_is_none() -> None:
    points = [
        {**p, "d": 1} if p["b"] == "x" else {"a": p["a"], "b": p["b"], "d": 1} for p in POINTS
    ]
    found = importance(points, scores_of(a={1: 0, 2: 1, 3: 2, 4: 3}), EVERYTHING, resamples=2)
    assert found is not None and sorted(found.names) == ["a", "b", "c"]
    assert importance([{"d": 1}] * 9, np.arange(9.0), [np.arange(9)]) is None


def test_it_follows_from_the_seed() -> None:
    scores = scores_of(a={1: 0, 2: 1, 3: 2, 4: 3})
    one, two, three = (
        importance(POINTS, scores, EVERYTHING, seed, resamples=4) for seed in (0, 0, 1)
    )
    assert one is not None and two is not None and three is not None
    np.testing.assert_array_equal(one.share.low, two.share.low)
    assert (one.share.low != three.share.low).any()


def test_a_baseline_outside_of_the_space_has_no_say() -> None:
    evidence = from_table(table())
    beside = replace(evidence, points=({}, *evidence.points[1:]))
    found = judge(beside).importance
    assert set(found) == {"over all", "within bands"}
    assert found["over all"].names[0] == "width"
    assert judge(replace(evidence, points=({},) * len(evidence))).importance == {}
