"""Kendall's tau against scipy and loops over pairs; intervals against simulations."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from nas.audit.evidence import Evidence
from nas.audit.ranking import Range, agreement, cost_bands, kendall, resample

NAN = float("nan")


def all_of(count: int) -> list[np.ndarray]:
    return [np.arange(count)]


def once(count: int) -> np.ndarray:
    return np.ones((1, count))


def slow_tau(x, y, band) -> float:
    """Of pairs in the same band, one by one."""
    both = xs = ys = 0.0
    for i in range(len(x)):
        for j in range(i):
            if band[i] == band[j]:
                a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
                both, xs, ys = both + a * b, xs + a * a, ys + b * b
    return both / np.sqrt(xs * ys)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_over_all_pairs_it_is_that_of_scipy_ties_or_not(seed, levels) -> None:
    random = np.random.default_rng(seed)
    x, y = random.integers(levels, size=(2, 12)).astype(float)
    known = scipy.stats.kendalltau(x, y).statistic
    found, _ = kendall(x, y, all_of(12), once(12))
    assert found[0] == pytest.approx(known, nan_ok=True)


@given(st.integers(0, 1000))
def test_within_bands_pairs_of_all_bands_are_counted_together(seed) -> None:
    random = np.random.default_rng(seed)
    x, y = random.integers(6, size=(2, 15)).astype(float)
    band = random.integers(3, size=15)
    groups = [np.flatnonzero(band == number) for number in range(3)]
    found, within = kendall(x, y, groups, once(15))
    assert found[0] == pytest.approx(slow_tau(x, y, band), nan_ok=True)
    for number, rows in enumerate(groups):
        known = scipy.stats.kendalltau(x[rows], y[rows]).statistic if len(rows) > 1 else NAN
        assert within[0, number] == pytest.approx(known, nan_ok=True)


def test_a_resample_is_tau_of_the_architectures_as_often_as_they_were_drawn() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 10))
    weights = resample(10, seed=1, resamples=5)
    assert weights[0].tolist() == [1] * 10
    assert (weights.sum(axis=1) == 10).all()
    found, _ = kendall(x, y, all_of(10), weights)
    for own, drawn in zip(found, weights.astype(int), strict=True):
        rows = np.repeat(np.arange(10), drawn)
        assert own == pytest.approx(scipy.stats.kendalltau(x[rows], y[rows]).statistic)


def test_infinite_scores_are_ranked_and_equal_to_themselves() -> None:
    found, _ = kendall(
        np.array([-np.inf, -np.inf, 1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0]), all_of(4), once(4)
    )
    known = scipy.stats.kendalltau([0, 0, 1, 2], [1, 2, 3, 4]).statistic
    assert found[0] == pytest.approx(known)


def test_bands_are_of_about_as_many_and_part_no_equals() -> None:
    bands = cost_bands(np.arange(40.0)[::-1])
    assert [len(rows) for rows in bands] == [8] * 5
    assert sorted(bands[0].tolist()) == list(range(32, 40))
    equal = cost_bands(np.array([1, 1, 1, 1, 1, 2, 3, 3, 3, 3.0]), 2)
    assert [sorted(rows.tolist()) for rows in equal] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert len(cost_bands(np.arange(9.0))) == 1
    assert len(cost_bands(np.arange(17.0))) == 2
    assert len(cost_bands(np.ones(40))) == 1
    assert [rows.tolist() for rows in cost_bands(np.array([1, 5, 5, 5.0]), 2)] == [[1, 2, 3]]


def test_macs_look_good_over_all_and_are_worth_nothing_within_bands() -> None:
    """Two bands, each with the order of its scores turned round: 16 of 28 pairs agree over all."""
    macs = np.array([1, 2, 3, 4, 11, 12, 13, 14.0])
    truth = np.array([4, 3, 2, 1, 14, 13, 12, 11.0])
    scores, weights = macs[None, :, None], once(8)
    whole = agreement(scores, truth[:, None], truth[:, None], all_of(8), weights, 0)
    within = agreement(scores, truth[:, None], truth[:, None], cost_bands(macs, 2), weights, 0)
    assert whole.tau.estimate[0] == pytest.approx((16 - 12) / 28)
    assert within.tau.estimate[0] == -1
    assert within.by_band.tolist() == [[-1, -1]]
    assert whole.ceiling.estimate == within.ceiling.estimate == 1


def evidence(scores: np.ndarray) -> Evidence:
    """scores: (n, R, E)."""
    count = len(scores)
    return Evidence(
        tuple(range(1, scores.shape[2] + 1)), scores, (None,) * count, ({},) * count,
        {"macs": np.arange(1.0, count + 1)},
    )  # type: ignore[arg-type]  # fmt: skip


def test_the_truth_is_the_mean_of_all_other_seeds() -> None:
    """Their levels are 3, 2.5 and 6.5, of which 4 is the mean."""
    own = evidence(np.array([[[0, 1.0], [0, 2], [0, 6]], [[0, 5.0], [0, 3], [0, 7]]]))
    assert own.choices == (0, 1, 2)
    np.testing.assert_allclose(own.full, [[2, 3.5, 3.5], [6, 4.5, 4.5]])
    np.testing.assert_allclose(own.truth, [[3.5, 2.75, 2.75], [4.5, 5.25, 5.25]])
    np.testing.assert_allclose(own.mean, [3, 5])


def test_what_a_seed_does_to_all_is_no_difference_between_architectures() -> None:
    """Against least squares with a column for each architecture and each seed."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(9, 4, 1)) + 5 * np.array([0, 1, -1, 3.0])[None, :, None]
    scores[random.random((9, 4, 1)) < 0.4] = NAN
    scores[0] = NAN
    own = evidence(scores)
    row, seed = np.nonzero(np.isfinite(scores[:, :, 0]))
    columns = np.concatenate([np.eye(9)[row], np.eye(4)[seed]], axis=1)
    level = np.linalg.lstsq(columns, scores[row, seed, 0])[0][9:]
    np.testing.assert_allclose(own.full, scores[:, :, 0] - (level - level.mean()), atol=1e-12)


def test_what_was_chosen_for_its_first_score_says_nothing_of_that_seed() -> None:
    """Of 60 alike the best quarter has others, which are as good on average as those of all."""
    random = np.random.default_rng(1)
    scores = random.normal(size=(60, 3, 1))
    scores[scores[:, 0, 0] < np.quantile(scores[:, 0], 0.75), 1:] = NAN
    lucky, own = evidence(scores), replace(evidence(scores), chosen=True)
    assert np.nanmean(lucky.full[:, 0]) < -0.4  # the luck of the best, taken off all
    np.testing.assert_array_equal(own.full[:, 0], scores[:, 0, 0])
    level = np.nanmean(scores[:, 1:, 0], axis=0)
    apart = scores[:, 1:, 0] - (level - level.mean())
    np.testing.assert_allclose(own.full[:, 1:], apart, atol=1e-12)


def test_only_the_seed_that_climbed_is_judged() -> None:
    scores = np.full((9, 3, 2), NAN)
    scores[:, 0] = np.random.default_rng(0).normal(size=(9, 2))
    scores[:, 1:, 1] = np.random.default_rng(1).normal(size=(9, 2))
    own = evidence(scores)
    assert own.choices == (0,)
    apart = own.truth[:, 0] - scores[:, 1:, 1].mean(axis=1)
    np.testing.assert_allclose(apart, apart[0])
    assert own.usable().truth.shape == (9, 1)


def test_what_lacks_a_score_is_left_out() -> None:
    scores = np.random.default_rng(0).normal(size=(10, 2, 2))
    scores[3, 0, 0] = NAN
    own = evidence(scores)
    assert len(own.usable()) == 9
    assert own.usable().costs["macs"].tolist() == [1, 2, 3, 5, 6, 7, 8, 9, 10]


def test_luck_that_a_rung_shares_with_its_own_seed_is_no_skill() -> None:
    """All scores are noise; a rung foretells its own training to the digit, and no other."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(200, 2))
    own = evidence(np.stack([noise, noise], axis=2))
    found = agreement(
        own.rungs[None, :, :, 0], own.rungs[:, :, 1], own.truth, all_of(200), resample(200)
    )
    assert abs(found.tau.estimate[0]) < 0.1
    assert found.tau.low[0] < 0 < found.tau.high[0]


def test_the_ceiling_is_the_tau_of_one_training_and_shares_are_of_it() -> None:
    """Three architectures by hand: seed 0 orders them a < b < c, seed 1 a < c < b."""
    full = np.array([[1, 1], [2, 3], [3, 2.0]])
    truth = full[:, ::-1]
    rung = np.array([[1, 1], [2, 2], [0, 0.0]])
    found = agreement(rung[None], full, truth, all_of(3), once(3))
    # full: 2 of 3 pairs agree; rung against seed 1 (pairs ab +, ac -, bc +): 1/3; seed 0: -1/3
    assert found.ceiling.estimate == pytest.approx(1 / 3)
    assert found.tau.estimate[0] == pytest.approx((1 / 3 - 1 / 3) / 2)
    assert found.share.estimate[0] == pytest.approx(0)


def test_there_is_no_share_of_a_ceiling_that_is_not_there() -> None:
    full = np.array([[1, 3], [2, 2], [3, 1.0]])
    found = agreement(full[None], full, full[:, ::-1], all_of(3), once(3))
    assert found.ceiling.estimate == -1
    assert np.isnan(found.share.estimate[0])


def test_an_interval_is_of_what_is_known_or_not_at_all() -> None:
    drawn = np.array([5.0, *range(99), NAN])[:, None]
    found = Range.of(drawn)
    assert found.estimate[0] == 5
    assert (found.low[0], found.high[0]) == pytest.approx((0.025 * 98, 0.975 * 98))
    drawn[50:, 0] = NAN
    assert np.isnan(Range.of(drawn).low[0])


def draw(random, count: int, fidelity: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs, rung scores and full scores (n, 2) of two seeds."""
    cost = random.uniform(size=count)
    own = 1.5 * cost + 0.7 * random.normal(size=count)
    early = fidelity * own + 0.7 * np.sqrt(1 - fidelity**2) * random.normal(size=count)
    noise = 0.3 * random.normal(size=(2, count, 2))
    return cost, early[:, None] + noise[0], own[:, None] + noise[1]


@pytest.mark.parametrize(("count", "fidelity"), [(24, 0.6), (40, 0.9)])
def test_intervals_cover_what_they_say(count, fidelity) -> None:
    """True values are those of many architectures; 100 audits: 95% +-4.3% would be chance."""
    random = np.random.default_rng(0)
    bands = 3 if count < 40 else 5

    def measured(size: int, weights: np.ndarray):
        cost, rung, full = draw(random, size, fidelity)
        return agreement(rung[None], full, full[:, ::-1], cost_bands(cost, bands), weights)

    known = [measured(1500, once(1500)) for _ in range(4)]
    tau = np.mean([own.tau.estimate[0] for own in known])
    ceiling = np.mean([own.ceiling.estimate for own in known])
    true = {"tau": tau, "ceiling": ceiling, "share": tau / ceiling}
    hits = dict.fromkeys(true, 0)
    for turn in range(100):
        found = measured(count, resample(count, turn, 150))
        for name, value in true.items():
            own = getattr(found, name)
            hits[name] += bool(np.ravel(own.low)[0] <= value <= np.ravel(own.high)[0])
    for name, hit in hits.items():
        assert hit >= 0.91 * 100, name
