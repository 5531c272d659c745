"""Scores on rungs: what they say of the score at full length."""

import numpy as np
import pytest

from nas.search.samplers.surrogate import Surrogate, distance_table
from nas.search.samplers.tower import LEAST, Level, Tower

TABLES = [distance_table([1, 2, 3, 4]), distance_table(["a", "b", "c"]), distance_table([0, 1, 2])]
NOBODY = np.array([], dtype=np.int64)


def everything() -> np.ndarray:
    return np.stack(np.meshgrid(range(4), range(3), range(3), indexing="ij"), -1).reshape(-1, 3)


def truth(codes: np.ndarray) -> np.ndarray:
    return 0.1 * codes[:, 0] + 0.15 * (codes[:, 1] == 1) + 0.05 * codes[:, 2]


def test_one_level_is_the_surrogate_itself() -> None:
    codes = everything()[::2]
    scores = truth(codes)
    tower = Tower(TABLES, codes, [Level(np.arange(len(codes)), scores, 4)], NOBODY)
    own = Surrogate(TABLES, codes, scores)
    for found, expected in zip(tower.predict(everything()), own.predict(everything()), strict=True):
        np.testing.assert_allclose(found, expected)
    assert tower.noise == own.noise


def test_short_runs_tell_of_long_ones_that_were_never_trained() -> None:
    """All have the low score; the six best have the high one, which is 0.3 more and half again."""
    random = np.random.default_rng(0)
    codes = everything()
    low = truth(codes) + random.normal(0, 0.005, len(codes))
    best = np.argsort(-low)[:6]
    high = 0.3 + 1.5 * truth(codes) + random.normal(0, 0.005, len(codes))
    both = Tower(
        TABLES, codes, [Level(np.arange(len(codes)), low, 4), Level(best, high[best], 9)], NOBODY
    )
    alone = Surrogate(TABLES, codes[best], high[best])
    expected = 0.3 + 1.5 * truth(codes)
    error = np.abs(both.predict(codes)[0] - expected).mean()
    assert error < 0.5 * np.abs(alone.predict(codes)[0] - expected).mean()
    assert np.corrcoef(both.predict(codes)[0], expected)[0, 1] > 0.98
    assert both.predict(codes[best])[0].mean() == pytest.approx(high[best].mean(), abs=0.01)


def test_what_is_not_known_below_is_not_known_above_by_as_much_as_scores_rise() -> None:
    """The variance of rho f + delta is rho^2 times that of f, and that of delta."""
    random = np.random.default_rng(0)
    codes = everything()
    low, noise = truth(codes), random.normal(0, 0.05, len(codes))
    rows = np.arange(len(codes))
    levels = [Level(rows[::2], (low + noise)[::2], 4), Level(rows[::4], 0.3 + 3 * low[::4], 9)]
    tower = Tower(TABLES, codes, levels, NOBODY)
    rho = tower.slopes[1]
    assert 1.5 < rho < 3  # towards 1, as the noise below hides some of it
    below, beside = (floor.predict(codes) for floor in tower.floors)
    mean, deviation = tower.predict(codes)
    np.testing.assert_allclose(mean, rho * below[0] + beside[0])
    np.testing.assert_allclose(deviation, np.hypot(rho * below[1], beside[1]))
    assert tower.noise == tower.floors[1].noise != tower.floors[0].noise


def test_the_luck_of_a_training_on_the_rung_below_is_no_merit_of_the_network() -> None:
    """Half of the luck is there on the next rung, which the luckiest reach."""
    codes, error = everything(), {0.0: 0.0, 0.5: 0.0}
    for seed in range(30):
        random = np.random.default_rng(seed)
        luck = random.normal(0, 0.05, len(codes))
        low = truth(codes) + luck
        best = np.argsort(-low)[:12]
        for share in error:
            high = truth(codes) + share * luck + random.normal(0, 0.01, len(codes))
            levels = [Level(np.arange(len(codes)), low, 4), Level(best[::-1], high[best[::-1]], 9)]
            found = Tower(TABLES, codes, levels, NOBODY).predict(codes)[0]
            error[share] += np.abs(found - truth(codes)).mean()
    assert error[0.5] < 1.1 * error[0.0]


def test_more_noise_is_expected_where_there_are_rungs() -> None:
    """Few scores without any noise do not show that there is none."""
    codes, rows = everything(), np.arange(6)
    one = Level(rows, truth(codes)[:6], 4)
    alone, below = (Tower(TABLES, codes, levels, NOBODY) for levels in ([one], [one, one]))
    assert below.floors[0].noise > 1.5 * alone.noise


def test_a_rung_with_too_few_results_is_left_out() -> None:
    codes = everything()
    levels = [
        Level(np.arange(len(codes)), truth(codes), 4),
        Level(np.arange(LEAST - 1), np.ones(3), 9),
    ]
    tower = Tower(TABLES, codes, levels, NOBODY)
    assert len(tower.floors) == 1
    levels[1] = Level(np.arange(LEAST), np.ones(LEAST), 9)
    assert len(Tower(TABLES, codes, levels, NOBODY).floors) == 2


def test_what_is_known_at_full_length_alone_counts_whatever_the_rungs_below_have() -> None:
    """Taken over from a run without rungs: above a rung with few results, and beside others."""
    codes, rows = everything(), np.arange(36)
    full = Level(rows[::2], 0.3 + truth(codes)[::2], 4)
    few = Level(rows[1:4:2], truth(codes)[1:4:2], 9)
    other = Level(rows[1::4], truth(codes)[1::4], 4)
    tops = [
        Level(rows[1 : 4 * count : 4], 0.3 + truth(codes)[1 : 4 * count : 4], 4) for count in (2, 5)
    ]
    for levels in ([few, full], [other, tops[0], full], [other, tops[1], full]):
        found = Tower(TABLES, codes, levels, NOBODY).predict(codes[rows[::2]])[0]
        assert np.abs(found - full.scores).mean() < 0.015


def test_the_narrowed_tower_has_the_same_means_and_no_smaller_deviations() -> None:
    codes = everything()
    rows = np.arange(len(codes))
    levels = [
        Level(rows[::2], truth(codes)[::2], 4),
        Level(rows[:12:2], 2 * truth(codes)[:12:2], 9),
    ]
    tower = Tower(TABLES, codes, levels, rows[1:4:2])
    mean, deviation = tower.predict(codes)
    near, wider = tower.narrowed(rows[::-1], 6).predict(codes)
    np.testing.assert_allclose(near, mean)
    np.testing.assert_allclose(tower.means(codes), mean)
    assert (wider >= deviation - 1e-6).all() and wider.mean() > 1.1 * deviation.mean()
