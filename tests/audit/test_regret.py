"""Regret against cases worked by hand, loops, and the hypervolume that searches have."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.audit.ranking import resample
from nas.audit.regret import first_rung, regret, taken
from nas.search.samplers.staircase import Staircase

COST = np.array([1.0, 10, 100, 1000])


def lost(score, truth, cost=COST, full=None):
    one = np.array(score, dtype=float)[None, :, None]
    best = np.array(truth if full is None else full, dtype=float)[:, None]
    found = regret(one, best, np.array(truth, dtype=float)[:, None], cost, np.ones((1, len(cost))))
    return found.lost.estimate[0], found.share.estimate[0]


def test_a_case_by_hand() -> None:
    """Log cost in thirds. Full length takes 1, 3, 3; the score takes 1, 1, 2; blind 1, 2, 2."""
    assert lost([5, 4, 6, 0], [1, 3, 2, 9]) == pytest.approx((1, 1.5))


def test_the_order_of_full_length_loses_nothing() -> None:
    assert lost([1, 3, 2, 4], [1, 3, 2, 4]) == (0, 0)


def test_what_has_no_score_is_taken_last() -> None:
    assert lost([np.nan, 2, 3, 4], [1, 2, 3, 4]) == (0, 0)
    assert lost([1, 2, np.nan, 4], [1, 2, 3, 4]) == lost([1, 2, -9, 4], [1, 2, 3, 4])


def test_full_length_itself_is_judged_by_other_seeds() -> None:
    """It is misled by its own seed, and a rung may do better."""
    own, _ = lost([1, 2, 3, 4], [1, 2, 3, 4], full=[4, 3, 2, 1])
    assert own == pytest.approx(1 - 2)


@given(st.integers(0, 1000))
def test_it_is_the_loop_over_levels_of_cost(seed) -> None:
    random = np.random.default_rng(seed)
    cost = random.integers(1, 6, size=8).astype(float)
    score, truth = random.integers(4, size=8).astype(float), random.normal(size=8)
    levels = np.unique(cost)
    if len(levels) < 2:
        return
    total = blind = best = 0.0
    for low, high in pairwise(levels):
        known = np.flatnonzero(cost <= low)
        chosen = min(known, key=lambda i: (-score[i], cost[i], i))
        width = np.log(high / low) / np.log(levels[-1] / levels[0])
        total += width * truth[chosen]
        blind += width * truth[known].mean()
        best += width * truth[known].max()
    found = lost(score, truth, cost)
    assert found[0] == pytest.approx(best - total)
    if best - blind > 1e-9:
        assert found[1] == pytest.approx((best - total) / (best - blind))


def test_with_the_true_score_it_is_the_hypervolume_of_the_front() -> None:
    random = np.random.default_rng(0)
    cost, truth = np.sort(random.uniform(1, 50, 30)), random.normal(size=30)
    scaled = np.log(cost / cost[0]) / np.log(cost[-1] / cost[0])
    widths = np.append(np.diff(scaled), 0.0)
    reference = truth[0]  # the cheapest is the worst that is taken
    area = Staircase(scaled[:, None], truth, reference).hypervolume
    found = taken(truth, truth, widths, np.ones((1, 30)))[0]
    assert found - reference == pytest.approx(area)


def test_a_resample_takes_only_what_was_drawn() -> None:
    random = np.random.default_rng(1)
    score, truth, cost = random.normal(size=(3, 12))
    cost = np.exp(cost)
    weights = resample(12, seed=0, resamples=20)
    weights[:, np.argmax(cost)] = 1  # the range of costs ends there, drawn or not
    scores = score[None, :, None]
    found = regret(scores, truth[:, None], truth[:, None], cost, weights)
    single = []
    for drawn in weights[1:]:
        rows = np.repeat(np.arange(12), drawn.astype(int))
        single.append(lost(score[rows], truth[rows], cost[rows]))
    (low, least), (high, most) = np.percentile(single, [2.5, 97.5], axis=0)
    assert (found.lost.low[0], found.lost.high[0]) == pytest.approx((low, high))
    assert (found.share.low[0], found.share.high[0]) == pytest.approx((least, most))


def test_there_is_no_share_of_a_gain_that_is_not_there() -> None:
    """Full length takes the worst at each cost, which a blind choice does not."""
    own, share = lost([1, 2, 3, 4], [4, 3, 2, 1], full=[1, 2, 3, 4])
    assert own == 0 and np.isnan(share)


def test_equal_costs_all_are_affordable() -> None:
    assert lost([3, 2, 1], [1, 2, 3], np.ones(3))[0] == pytest.approx(2)


def test_the_first_rung_is_the_shortest_that_reaches_its_share_beyond_chance() -> None:
    share = np.array([0.4, 0.61, 0.9])
    assert first_rung([1, 3, 6], share, np.array([0.1, 0.1, 0.1])) == 3
    assert first_rung([1, 3, 6], share, np.array([0.1, -0.1, 0.1])) == 6
    assert first_rung([1, 3, 6], share / 2, np.array([0.1, 0.1, 0.1])) is None
    assert first_rung([1], np.array([np.nan]), np.array([np.nan])) is None
