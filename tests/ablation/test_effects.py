"""Factorial effects, against an analysis of variance by hand, and models of statsmodels."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from nas.ablation import Cell, contrast_scales, factorial_effects
from nas.errors import UserError

LEVELS = list(product(["x", "y", "z"], [0, 1]))
CELLS = [Cell({"a": a, "b": b}, i) for i, (a, b) in enumerate(LEVELS)]
RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(size=(6, 5)) + 2 * RANDOM.normal(size=5)
NAN = float("nan")


def long(scores: np.ndarray) -> pd.DataFrame:
    rows = [
        {"a": a, "b": str(b), "seed": s, "score": scores[i, s]}
        for i, (a, b) in enumerate(LEVELS)
        for s in range(scores.shape[1])
    ]
    return pd.DataFrame(rows).dropna()


def test_two_by_two_by_hand() -> None:
    """Cells 0, 1, 2, 5 on average: effects of a and b 3 and 2, interaction 5 - 2 - 1 + 0 = 2."""
    cells = [Cell({"a": a, "b": b}, i) for i, (a, b) in enumerate(product([0, 1], [0, 1]))]
    means = np.array([0.0, 1.0, 2.0, 5.0])
    noise = np.array([[1, -1], [-1, 1], [-1, 1], [1, -1]]) * 0.1  # no row's or seed's mean
    terms, contrasts = factorial_effects(cells, means[:, None] + [10, 20] + noise)
    assert [c.estimate for c in contrasts] == pytest.approx([3, 2, 2])
    # the rest: 8 squares of 0.01 over 3 degrees of freedom; the error of a: sqrt(rest / 2)
    rest = 0.08 / 3
    reach = stats.t.ppf(0.975, 3) * np.sqrt(rest / 2)
    assert contrasts[0].low == pytest.approx(3 - reach)
    assert contrasts[2].high == pytest.approx(2 + 2 * reach)
    assert terms[0].f == pytest.approx(9 / (rest / 2))
    assert [t.factors for t in terms] == [("a",), ("b",), ("a", "b")]
    assert [t.freedom for t in terms] == [(1, 3)] * 3


def test_f_tests_are_those_of_a_blocked_analysis_of_variance() -> None:
    terms, _ = factorial_effects(CELLS, SCORES)
    model = smf.ols("score ~ C(a, Sum) * C(b, Sum) + C(seed)", long(SCORES)).fit()
    known = sm.stats.anova_lm(model, typ=3).loc[["C(a, Sum)", "C(b, Sum)", "C(a, Sum):C(b, Sum)"]]
    assert [t.f for t in terms] == pytest.approx(known["F"].tolist())
    assert [t.p for t in terms] == pytest.approx(known["PR(>F)"].tolist())


def test_estimates_and_errors_are_those_of_the_mixed_model() -> None:
    _, contrasts = factorial_effects(CELLS, SCORES)
    model = smf.mixedlm("score ~ C(a) * C(b)", long(SCORES), groups="seed").fit(reml=True)
    quantile = stats.t.ppf(0.975, 20)
    for own, name in zip(contrasts[3:], ["C(a)[T.y]:C(b)[T.1]", "C(a)[T.z]:C(b)[T.1]"],
                         strict=True):  # fmt: skip
        assert own.estimate == pytest.approx(model.fe_params[name], rel=1e-6)
        error = (own.high - own.low) / 2 / quantile
        assert error == pytest.approx(model.bse_fe[name], rel=1e-3)


def test_the_normal_tests_of_mixed_models_are_wrong_as_often_as_is_said() -> None:
    assert 2 * stats.t.sf(1.96, 3 * 4) == pytest.approx(0.07, abs=0.005)


def test_with_missing_scores_they_are_those_of_the_blocked_model() -> None:
    scores = SCORES.copy()
    scores[0, 1] = scores[4, 2] = scores[4, 3] = NAN
    terms, contrasts = factorial_effects(CELLS, scores)
    model = smf.ols("score ~ C(a) * C(b) + C(seed)", long(scores)).fit()
    name = "C(a)[T.z]:C(b)[T.1]"
    assert contrasts[4].estimate == pytest.approx(model.params[name])
    assert (contrasts[4].low, contrasts[4].high) == pytest.approx(tuple(model.conf_int().loc[name]))
    known = sm.stats.anova_lm(
        smf.ols("score ~ C(a, Sum) * C(b, Sum) + C(seed)", long(scores)).fit(), typ=3
    )
    assert terms[0].f == pytest.approx(known.loc["C(a, Sum)", "F"])
    assert terms[0].freedom == (2, 17)


def test_a_cell_without_scores_takes_only_the_contrasts_that_need_it() -> None:
    scores = SCORES.copy()
    scores[5] = NAN  # z, 1
    left_out = [*CELLS[:5], Cell({"a": "z", "b": 1}, None)]
    for cells, table in ((CELLS, scores), (left_out, SCORES[:5])):
        terms, contrasts = factorial_effects(cells, table)
        known = {(c.factors, c.levels): np.isfinite(c.low) for c in contrasts}
        assert known == {
            (("a",), ("y",)): True, (("a",), ("z",)): False, (("b",), (1,)): False,
            (("a", "b"), ("y", 1)): True, (("a", "b"), ("z", 1)): False,
        }  # fmt: skip
        assert all(np.isnan(term.f) for term in terms)
        assert contrasts[1].verdict == "not compared"


def test_cells_of_one_network_count_its_noise_once() -> None:
    """At x both levels of b are one network: b's effect is that at y, by half."""
    cells = [Cell({"a": a, "b": b}, r) for (a, b), r in
             zip(product("xy", [0, 1]), [0, 0, 1, 2], strict=True)]  # fmt: skip
    scores = SCORES[:3]
    _, contrasts = factorial_effects(cells, scores)
    means = scores.mean(axis=1)
    assert contrasts[1].factors == ("b",)
    assert contrasts[1].estimate == pytest.approx((means[2] - means[1]) / 2)
    assert contrasts[2].estimate == pytest.approx(means[2] - means[1])
    assert contrasts[2].p == pytest.approx(contrasts[1].p)


def test_two_levels_that_are_one_network_are_one_in_the_f_test() -> None:
    cells = [Cell({"a": a}, row) for a, row in (("x", 0), ("y", 1), ("z", 1))]
    (term,), contrasts = factorial_effects(cells, SCORES[:2])
    assert term.freedom == (1, 4)
    assert term.p == pytest.approx(contrasts[0].p)  # F of one contrast is the square of its t


def test_a_factor_that_changes_no_network_has_no_test() -> None:
    cells = [Cell({"a": a, "b": b}, "xyz".index(a)) for a, b in LEVELS]
    terms, contrasts = factorial_effects(cells, SCORES[:3])
    assert np.isnan(terms[1].f) and terms[1].freedom[0] == 0
    assert contrasts[2].estimate == contrasts[2].high == 0
    assert np.isnan(contrasts[2].p) and contrasts[2].verdict == "not compared"
    alone = [Cell({"a": a}, "xyz".index(a)) for a in "xyz"]
    others = factorial_effects(alone, SCORES[:3])[1]
    assert [c.holm for c in contrasts[:2]] == pytest.approx([c.holm for c in others])


@pytest.mark.parametrize("score", [1.0, 0.9, 1 / 3])
def test_scores_that_are_all_alike_show_nothing(score: float) -> None:
    """However they are rounded, and whatever a seed does to all of them."""
    scores = np.full((len(CELLS), 5), score)
    for table in (scores, scores + np.array([0.1, 0.0, 0.3, 0.7, 0.05])):
        terms, contrasts = factorial_effects(CELLS, table)
        assert {c.verdict for c in contrasts} == {"no difference shown"}
        assert {(c.estimate, c.p) for c in contrasts} == {(0.0, 1.0)}
        assert {(t.f, t.p) for t in terms} == {(0.0, 1.0)}


def test_scales_are_errors_over_that_of_two_rows() -> None:
    """A level of a is a mean of 2 cells: half the variance. An interaction of 4: twice."""
    assert contrast_scales(CELLS) == pytest.approx(
        {("a",): np.sqrt(1 / 2), ("b",): np.sqrt(1 / 3), ("a", "b"): np.sqrt(2)}
    )


@pytest.mark.parametrize("order", ["xyz", "xzy"])
def test_the_scale_of_a_factor_is_that_of_its_worst_level(order: str) -> None:
    """But for y both levels of b are one network, whose noise is not averaged."""
    rows = {("x", 0): 0, ("x", 1): 0, ("y", 0): 1, ("y", 1): 2, ("z", 0): 3, ("z", 1): 3}
    cells = [Cell({"a": a, "b": b}, rows[a, b]) for a, b in product(order, [0, 1])]
    y, z = np.sqrt([(1 + 1 / 2) / 2, (1 + 1) / 2])
    assert z > y
    assert contrast_scales(cells)["a",] == pytest.approx(z)


def test_one_seed_is_refused() -> None:
    with pytest.raises(UserError, match="two rows with scores of two seeds are needed"):
        factorial_effects(CELLS, SCORES[:, :1])
