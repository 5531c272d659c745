"""The minimum detectable effect, against statsmodels and integrals."""

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.power import TTestPower

from nas.ablation import Pilot, detectable, pilot
from nas.ablation.power import power
from nas.errors import UserError


@pytest.mark.parametrize(("seeds", "comparisons"), [(3, 1), (5, 1), (5, 10), (20, 4)])
def test_the_effect_is_that_of_statsmodels(seeds: int, comparisons: int) -> None:
    found = detectable(seeds, comparisons, 0.02)
    known = TTestPower().solve_power(
        nobs=seeds, alpha=0.05 / comparisons / 2, power=0.8, alternative="larger"
    )
    assert found.effect == pytest.approx(0.02 * known, rel=1e-5)


@pytest.mark.parametrize(("seeds", "alpha"), [(2, 0.05), (2, 0.0005), (5, 0.01)])
def test_power_is_an_integral_over_the_deviation(seeds: int, alpha: float) -> None:
    """P(mean / s > critical), s from chi-squared: with as few seeds as there can be."""
    freedom = seeds - 1
    critical = scipy.stats.t.ppf(1 - alpha / 2, freedom)
    effect = 1.3 * critical / np.sqrt(seeds)
    known = scipy.integrate.quad(
        lambda q: scipy.stats.norm.sf(
            critical * np.sqrt(scipy.stats.chi2.ppf(q, freedom) / freedom) - effect * np.sqrt(seeds)
        ),
        0, 1, limit=200,
    )[0]  # fmt: skip
    assert power(effect, 1 / np.sqrt(seeds), freedom, alpha) == pytest.approx(known, abs=1e-6)


def test_a_contrast_with_twice_the_error_takes_twice_the_effect() -> None:
    one, other = (detectable(5, 3, 0.01, scale=scale, freedom=8) for scale in (1.0, 2.0))
    assert other.effect == pytest.approx(2 * one.effect)


def test_a_pilot_counts_at_its_upper_bound() -> None:
    own = Pilot(0.01, 4)
    assert own.upper(0.8) == pytest.approx(0.01 * np.sqrt(4 / scipy.stats.chi2.ppf(0.2, 4)))
    assert detectable(5, 3, own).effect == pytest.approx(detectable(5, 3, own.upper()).effect)


def test_a_pilot_of_two_rows_is_the_deviation_of_their_differences() -> None:
    scores = np.random.default_rng(0).normal(size=(2, 6))
    found = pilot(scores)
    assert found.deviation == pytest.approx(np.std(scores[1] - scores[0], ddof=1))
    assert (found.freedom, found.paired) == (5, True)


def test_a_pilot_of_several_rows_pools_them() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(size=800) + 0.1 * random.normal(size=(4, 800))
    scores[3, 400:] = np.nan
    found = pilot(scores)
    assert found.deviation == pytest.approx(0.1 * np.sqrt(2), rel=0.05)
    assert found.freedom == 2 * 799 + 399


def test_a_pilot_of_rows_that_lack_different_seeds_is_paired() -> None:
    scores = np.random.default_rng(2).normal(size=(5, 5))
    scores[range(1, 5), range(1, 5)] = np.nan
    assert (pilot(scores).freedom, pilot(scores).paired) == (21 - 5 - 4, True)


def test_a_pilot_of_one_row_is_taken_as_unpaired() -> None:
    found = pilot([0.1, 0.2, 0.3])
    assert found.deviation == pytest.approx(0.1 * np.sqrt(2))
    assert (found.freedom, found.paired) == (2, False)
    several = pilot([[0.1, 0.2, 0.3, np.nan], [np.nan, np.nan, np.nan, 0.9]])
    assert several == found
    assert pilot([[0.1, 0.2, 0.3], [np.nan] * 3]) == found  # all of a row failed
    with pytest.raises(UserError, match="a pilot needs two seeds"):
        pilot([0.1, np.nan])


def test_what_the_effect_rests_on_is_said() -> None:
    words = str(detectable(5, 7, Pilot(0.01, 4)))
    assert words == (
        "5 seeds show an effect of 0.045 with power 80% (two-sided alpha 0.05, by Holm's first "
        "step 0.0071 for each of 7 comparisons; deviation of a paired difference 0.016, the upper "
        "80% bound of 0.01 seen with 4 degrees of freedom)"
    )
    assert "Holm" not in str(detectable(5, 1, 0.01))
    assert "as if seeds were not shared" in str(detectable(5, 1, Pilot(0.01, 4, paired=False)))


def test_nonsense_is_refused() -> None:
    with pytest.raises(UserError, match="two seeds and a comparison are needed: seeds=1"):
        detectable(1, 3, 0.01)
    with pytest.raises(UserError, match="has to be above 0: 0"):
        detectable(5, 3, 0.0)
    for given in ({"wanted": 1.0}, {"wanted": 0.01}, {"alpha": 0.0}, {"bound": float("nan")}):
        with pytest.raises(UserError, match=r"is not between 0(\.05)? and 1"):
            detectable(5, 3, Pilot(0.01, 4), **given)
