"""Comparisons against scipy, statsmodels and cases worked by hand."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from nas.ablation import compare
from nas.ablation.statistics import hedges, holm, pair_correlation, pays_above
from nas.errors import UserError

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(size=(5, 6)) + RANDOM.normal(size=6)
NAN = float("nan")


def test_paired_results_are_those_of_scipy() -> None:
    found = compare(SCORES)
    for i in range(1, 5):
        known = scipy.stats.ttest_rel(SCORES[i], SCORES[0])
        low, high = known.confidence_interval(0.95)
        assert found.paired.p[i] == pytest.approx(known.pvalue)
        assert (found.paired.low[i], found.paired.high[i]) == pytest.approx((low, high))
        assert found.correlation[i] == pytest.approx(np.corrcoef(SCORES[i], SCORES[0])[0, 1])
    assert np.isnan(found.paired.p[0])


def test_unpaired_results_are_those_of_scipy() -> None:
    found = compare(SCORES)
    for i in range(1, 5):
        known = scipy.stats.ttest_ind(SCORES[i], SCORES[0], equal_var=False)
        low, high = known.confidence_interval(0.95)
        assert found.unpaired.p[i] == pytest.approx(known.pvalue)
        assert (found.unpaired.low[i], found.unpaired.high[i]) == pytest.approx((low, high))


def test_holm_is_that_of_statsmodels_and_of_the_hand() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_what_was_not_tested_is_not_counted_by_holm() -> None:
    assert holm([NAN, 0.01, 0.04]) == pytest.approx([NAN, 0.02, 0.04], nan_ok=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_p_values_and_bonferroni_and_keeps_their_order(p) -> None:
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-12).all() or len(p) > 1
    assert adjusted.min() == pytest.approx(min(1, len(p) * min(p)))
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_a_case_by_hand() -> None:
    """Differences 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3) with 2 degrees of freedom."""
    found = compare([[10, 20, 30], [11, 22, 33]])
    assert found.paired.estimate[1] == 2
    reach = 4.302653 / np.sqrt(3)
    assert (found.paired.low[1], found.paired.high[1]) == pytest.approx((2 - reach, 2 + reach))
    # p = 1 - t / sqrt(2 + t^2) for two degrees of freedom
    assert found.paired.p[1] == pytest.approx(1 - 2 * np.sqrt(3) / np.sqrt(14))
    # Hedges' factor at 2: gamma(1) / (sqrt(1) gamma(1/2)) = 1 / sqrt(pi)
    assert found.effect[1] == pytest.approx(2 / np.sqrt(np.pi))
    assert found.verdict == ("baseline", "no difference shown")


def test_the_effect_size_has_no_bias() -> None:
    samples = np.random.default_rng(1).normal(0.7, 1, size=(200_000, 5))
    standard = samples.mean(axis=1) / samples.std(axis=1, ddof=1)
    assert hedges(standard, 4).mean() == pytest.approx(0.7, abs=0.006)
    assert standard.mean() > 0.8
    assert np.isnan(hedges(1.0, 1))


def test_verdicts_are_words_for_adjusted_p_values() -> None:
    noise = 0.001 * np.random.default_rng(2).normal(size=(4, 5))
    found = compare(0.5 + noise + np.array([[0.0], [0.05], [-0.05], [0.0]]))
    assert found.verdict == ("baseline", "better", "worse", "no difference shown")


def test_missing_scores_take_their_pair_with_them() -> None:
    scores = SCORES.copy()
    scores[1, 2] = scores[0, 4] = scores[2, 0] = NAN
    scores[3, 1:] = NAN
    scores[4, :] = NAN
    found = compare(scores)
    assert found.pairs.tolist() == [0, 4, 4, 1, 0]
    assert found.count.tolist() == [5, 5, 5, 1, 0]
    kept = [0, 1, 3, 5]
    known = scipy.stats.ttest_rel(scores[1, kept], scores[0, kept])
    assert found.paired.p[1] == pytest.approx(known.pvalue)
    known = scipy.stats.ttest_ind(
        scores[1], scores[0], equal_var=False, nan_policy="omit"
    )  # of all scores that there are
    assert found.unpaired.p[1] == pytest.approx(known.pvalue)
    assert found.verdict[3:] == ("not compared", "not compared")
    assert np.isnan(found.holm[3:]).all() and np.isnan(found.paired.estimate[3:]).all()


def test_six_equal_differences_are_sure_and_no_difference_is_none() -> None:
    first = np.array([0.5, 0.25, 0.75, 0.5, 0.25, 0.75])
    found = compare([first, first + 0.125, first])
    assert found.paired.p[1:].tolist() == [0.0, 1.0]
    assert found.paired.low[1] == found.paired.high[1] == 0.125
    assert found.verdict == ("baseline", "better", "no difference shown")


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_few_equal_differences_are_not_compared(seeds: int) -> None:
    """Accuracies of a hundred images often differ by the same step each time."""
    first = np.array([0.5, 0.25, 0.75, 0.5, 0.125])[:seeds]
    found = compare([first, first + 0.125, first, first * 1.5])
    assert found.verdict[1:3] == ("not compared", "no difference shown")
    assert np.isnan([found.holm[1], found.paired.low[1], found.effect[1]]).all()
    assert not np.isnan(found.holm[3])


def test_differences_that_are_equal_but_for_rounding_are_equal() -> None:
    first = np.array([0.2, 0.3, 0.6])
    second = np.array([0.3, 0.4, 0.7])
    assert len(set(second - first)) > 1  # as such numbers are stored
    assert compare([first, second]).verdict[1] == "not compared"


def test_two_pairs_have_no_correlation() -> None:
    """It would be 1 or -1, whatever they are."""
    found = compare([[0.1, 0.3, np.nan], [0.2, 0.5, 0.1]])
    assert np.isnan(found.correlation[1])


def test_scores_in_steps_make_no_more_false_verdicts() -> None:
    """Of a hundred images, with a deviation of a step: a t test alone has them in 18% of tables."""
    random, false = np.random.default_rng(0), 0
    for _ in range(400):
        scores = 70 + random.normal(size=(8, 3)) / np.sqrt(2) + random.normal(size=3)
        false += bool((compare(scores.round() / 100).holm <= 0.05).any())
    assert false / 400 < 0.06


@given(st.integers(0, 1000), st.permutations(range(6)))
def test_neither_the_order_of_seeds_nor_what_a_seed_does_to_all_matters(seed, order) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(3, 6))
    one = compare(scores)
    other = compare(scores[:, order] + random.normal(size=6))
    assert other.holm == pytest.approx(one.holm, nan_ok=True)
    assert other.effect == pytest.approx(one.effect, nan_ok=True)
    mirrored = compare(-scores)
    assert mirrored.paired.low == pytest.approx(-one.paired.high, nan_ok=True)


def test_the_pooled_correlation_is_that_of_the_simulation() -> None:
    random = np.random.default_rng(3)
    rows = np.arange(4)[:, None]
    for share in (0.0, 0.3, 0.8):
        for missing in (0.0, 0.2):
            seeds = np.sqrt(share) * random.normal(size=(200, 1, 100))
            own = np.sqrt(1 - share) * random.normal(size=(200, 4, 100))
            scores = rows + seeds + own
            scores[random.random(scores.shape) < missing] = np.nan
            found = np.mean([pair_correlation(table) for table in scores])
            assert found == pytest.approx(share, abs=0.015)


def test_few_scores_that_do_not_vary_are_not_compared_unpaired_either() -> None:
    """Of 3 and 3 scores 2 of 20 orders part the rows, of 4 and 4 2 of 70."""
    found = compare([[0.5, 0.5], [0.6, 0.6], [0.5, 0.7], [0.5, 0.5]])
    assert found.verdict[1] == "not compared" and np.isnan(found.unpaired.p[1])
    assert found.unpaired.p[3] == 1
    assert np.isfinite(found.unpaired_holm).sum() == 2
    assert np.isnan(compare([[0.5] * 3, [0.6] * 3]).unpaired.p[1])
    assert compare([[0.5] * 4, [0.6] * 4]).unpaired.p[1] == 0  # of four it is no chance


def test_pairs_pay_by_how_many_there_are() -> None:
    scores = np.random.default_rng(5).normal(size=(3, 5))
    scores[:, 2:] = np.nan
    assert compare(scores).pays_above == pays_above(2)
    scores[1:, 1] = np.nan
    assert np.isnan(compare(scores).pays_above)


def test_the_pooled_correlation_of_two_rows_by_hand() -> None:
    # differences 0, 0, 2: what remains is +-1/3, +-1/3, +-2/3; squares 4/3, over 2: 2/3
    # means of seeds 0, 1, 3: variance 7/3, twice: 14/3; (14/3 - 2/3) / (14/3 + 2/3)
    assert pair_correlation([[0, 1, 2], [0, 1, 4]]) == pytest.approx(0.75)
    assert np.isnan(pair_correlation([[1, 1, 1], [2, 2, 2]]))
    assert np.isnan(pair_correlation([[1, 2, 3]]))


def test_pairs_pay_where_their_interval_is_shorter() -> None:
    threshold = pays_above(5)
    assert threshold == pytest.approx(1 - (2.306004 / 2.776445) ** 2, abs=1e-6)
    paired = scipy.stats.t.ppf(0.975, 4) * np.sqrt(2 * (1 - threshold) / 5)
    assert paired == pytest.approx(scipy.stats.t.ppf(0.975, 8) * np.sqrt(2 / 5))


def test_the_unpaired_result_stands_beside_where_pairs_are_not_alike() -> None:
    random = np.random.default_rng(4)
    own, seeds = random.normal(size=(4, 5)), 3 * random.normal(size=5)
    assert compare(own).shows_unpaired
    assert not compare(own + seeds).shows_unpaired


def test_one_row_or_one_seed_is_refused() -> None:
    for scores in ([[1.0, 2.0]], [[1.0], [2.0]], [1.0, 2.0]):
        with pytest.raises(UserError, match="two rows and two seeds are needed"):
            compare(scores)
