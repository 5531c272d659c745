"""The closed form against the definition: the mean gain of hypervolume over draws of the score."""

from statistics import NormalDist

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nas.search.samplers.staircase import MOST, Staircase, expected_improvement

DRAWS = [NormalDist().inv_cdf((i + 0.5) / 4000) for i in range(4000)]
UNIT = st.floats(0, 1).map(lambda x: round(x, 3))


def hypervolume(costs: NDArray[np.float64], scores: NDArray[np.float64], reference: float) -> float:
    points = np.column_stack([costs, -scores])
    return float(moocore.hypervolume(points, ref=[*[1.0] * costs.shape[1], -reference]))


def simulated(
    costs: NDArray[np.float64], scores: NDArray[np.float64], reference: float,
    own: NDArray[np.float64], mean: float, deviation: float,
) -> float:  # fmt: skip
    before = hypervolume(costs, scores, reference) if len(costs) else 0.0
    everything = np.vstack([costs, own])
    gains = [
        hypervolume(everything, np.append(scores, mean + deviation * z), reference) - before
        for z in DRAWS
    ]
    return float(np.mean(gains))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_mean_over_draws(count: int, seed: int) -> None:
    random = np.random.default_rng([count, seed])
    costs, scores = random.random((6, count)), random.normal(size=6)
    own = random.random((4, count))
    own[0] = costs[0]  # on an edge of the staircase
    mean, deviation = random.normal(size=4), random.uniform(0.1, 1.0, size=4)
    reference = float(np.median(scores))
    found = Staircase(costs, scores, reference).expected(own, mean, deviation)
    for row in range(4):
        expected = simulated(costs, scores, reference, own[row], mean[row], deviation[row])
        assert found[row] == pytest.approx(expected, rel=0.02, abs=2e-5)


def test_two_steps_by_hand() -> None:
    """At cost 0.25, 0.25 of the way is under level 0 and 0.5 under level 2."""
    front = Staircase(np.array([[0.5]]), np.array([2.0]), 0.0)
    assert front.areas(np.array([[0.25]])).tolist() == [[0.25, 0.5]]
    sure = front.expected(np.array([[0.25]]), np.array([3.0]), np.array([0.0]))
    assert sure[0] == pytest.approx(0.25 * 3 + 0.5 * 1)
    assert front.hypervolume == pytest.approx(0.5 * 2)


@pytest.mark.parametrize(
    ("cost", "mean", "chance"),
    [
        (0.25, 1.0, 0.5),
        (0.25, 2.0, 0.977250),
        (0.5, 2.0, 0.5),
        (0.75, 1.5, 0.158655),
        (1.0, 9.0, 0),
    ],
)
def test_the_chance_is_against_the_best_that_is_as_cheap(
    cost: float, mean: float, chance: float
) -> None:
    """The front is 2 from a cost of 0.5 on, and the reference, 1, below; a deviation of 0.5."""
    front = Staircase(np.array([[0.5]]), np.array([2.0]), 1.0)
    found = front.chance(np.array([[cost]]), np.array([mean]), np.array([0.5]))
    assert found.item() == pytest.approx(chance, abs=1e-6)


def test_two_costs_by_hand() -> None:
    """A point at the corner covers the square but for what the front covers better."""
    front = Staircase(np.array([[0.5, 0.2]]), np.array([2.0]), 1.0)
    sure = front.expected(np.array([[0.0, 0.0]]), np.array([1.5]), np.array([0.0]))
    assert sure[0] == pytest.approx(0.5 * (1 - 0.5 * 0.8))


def test_without_a_front_it_is_the_improvement_over_the_reference() -> None:
    front = Staircase(np.zeros((0, 1)), np.zeros(0), 0.3)
    found = front.expected(np.array([[0.4]]), np.array([0.5]), np.array([0.1]))
    assert found[0] == pytest.approx(0.6 * (0.2 * 0.97725 + 0.1 * 0.05399), rel=1e-4)
    assert front.hypervolume == 0


def test_of_a_long_front_those_points_are_kept_that_add_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(MOST, 1, 2)
    costs, scores = np.array([[0.1], [0.2], [0.9]]), np.array([0.01, 1.0, 1.05])
    assert Staircase(costs, scores, 0.0).hypervolume == pytest.approx(0.8 * 1 + 0.1 * 0.05)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(UNIT, UNIT, UNIT), max_size=8), UNIT, UNIT, UNIT)
def test_cheaper_better_and_less_known_all_promise_more(
    rows: list[tuple[float, float, float]], cost: float, mean: float, deviation: float
) -> None:
    data = np.array(rows).reshape(-1, 3)
    front = Staircase(data[:, :2], data[:, 2], 0.2)

    def gain(cost: float, mean: float, deviation: float) -> float:
        own = front.expected(np.array([[cost, 0.5]]), np.array([mean]), np.array([deviation]))
        return float(own[0])

    here = gain(cost, mean, deviation + 0.01) + 1e-9
    assert gain(cost * 0.5, mean, deviation + 0.01) >= here - 2e-9
    assert gain(cost, mean + 0.1, deviation + 0.01) >= here - 2e-9
    assert gain(cost, mean, deviation + 0.2) >= here - 2e-9


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(UNIT, UNIT, UNIT), max_size=8), st.sampled_from([1, 2]))
def test_hypervolume_of_the_front(rows: list[tuple[float, float, float]], count: int) -> None:
    data = np.array(rows).reshape(-1, 3)
    costs, scores = data[:, :count], data[:, 2]
    expected = hypervolume(costs, scores, 0.2) if len(data) else 0.0
    assert Staircase(costs, scores, 0.2).hypervolume == pytest.approx(expected, abs=1e-9)


def test_hopeless_candidates_are_worth_nothing_and_never_less() -> None:
    found = expected_improvement(np.array(-50.0), np.array(1.0), np.linspace(0, 100, 50))
    assert (found >= 0).all() and found.max() < 1e-12
