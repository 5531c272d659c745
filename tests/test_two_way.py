"""Rows and seeds fitted together, against least squares written out and sums of squares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.two_way import two_way


def some(seed: int, rows: int, seeds: int, missing: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(rows, 1)) + random.normal(size=seeds)
    scores += random.normal(size=(rows, seeds))
    scores[random.random(scores.shape) < missing] = np.nan
    return scores


def written_out(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matrix of 0 and 1, its coefficients, and what they leave."""
    rows, seeds = scores.shape
    row, seed = np.nonzero(np.isfinite(scores))
    matrix = np.hstack([np.eye(rows)[row], np.eye(seeds)[seed]])
    found = np.linalg.lstsq(matrix, scores[row, seed], rcond=None)[0]
    return matrix, found, scores[row, seed] - matrix @ found


@given(st.integers(0, 1000), st.integers(1, 5), st.integers(1, 6), st.sampled_from([0, 0.2, 0.5]))
def test_it_is_least_squares(seed: int, rows: int, seeds: int, missing: float) -> None:
    scores = some(seed, rows, seeds, missing)
    found = two_way(scores)
    matrix, values, rest = written_out(scores)
    freedom = len(rest) - (np.linalg.matrix_rank(matrix) if len(rest) else 0)
    assert found.freedom == freedom
    if freedom:
        assert found.variance == pytest.approx(rest @ rest / freedom)
    else:
        assert np.isnan(found.variance) and np.isnan(found.between)
    assert (np.isnan(found.rows) == ~np.isfinite(scores).any(axis=1)).all()
    assert abs(found.seeds.sum()) < 1e-9
    pairs = np.array([np.eye(rows)[i] - np.eye(rows)[0] for i in range(1, rows)])
    if not len(pairs) or not freedom:
        return
    estimate, error = found.contrasts(pairs)
    wide = np.hstack([pairs, np.zeros((len(pairs), seeds))])
    inverse = np.linalg.pinv(matrix.T @ matrix, hermitian=True)
    told = np.isclose(wide @ inverse @ matrix.T @ matrix, wide, atol=1e-9).all(axis=1)
    assert (np.isfinite(estimate) == told).all()
    assert estimate[told] == pytest.approx((wide @ values)[told])
    variance = np.diag(wide @ inverse @ wide.T)[told] * (rest @ rest) / freedom
    assert error[told] == pytest.approx(np.sqrt(variance))


def test_of_all_scores_the_seeds_have_the_variance_of_the_mean_squares() -> None:
    scores = some(3, 4, 6, 0.0)
    mean = scores.mean(axis=0)
    rest = scores - scores.mean(axis=1, keepdims=True) - mean + scores.mean()
    of_rest, of_seeds = (rest**2).sum() / (3 * 5), 4 * np.var(mean, ddof=1)
    found = two_way(scores)
    assert found.variance == pytest.approx(of_rest)
    assert found.between == pytest.approx((of_seeds - of_rest) / 4)
    assert found.seeds == pytest.approx(mean - mean.mean())
    assert found.rows == pytest.approx(scores.mean(axis=1))


def test_variances_have_no_bias_where_scores_are_missing() -> None:
    random = np.random.default_rng(0)
    known = random.random((5, 8)) < 0.6
    fits = []
    for _ in range(2000):
        scores = 2.0 * random.normal(size=8) + random.normal(size=(5, 8))
        fits.append(two_way(np.where(known, scores, np.nan)))
    assert np.mean([fit.variance for fit in fits]) == pytest.approx(1.0, rel=0.03)
    assert np.mean([fit.between for fit in fits]) == pytest.approx(4.0, rel=0.07)


def test_what_is_left_by_rounding_is_nothing() -> None:
    found = two_way(np.full((9, 5), 0.9) + np.array([0.1, 0.0, 0.3, 0.7, 0.05]))
    assert found.variance == 0
    assert found.contrasts(np.array([[1.0, -1, *[0] * 7]]))[0].tolist() == [0.0]


def test_of_rows_without_scores_no_contrast_is_known() -> None:
    scores = np.vstack([some(0, 2, 4, 0.0), np.full((2, 4), np.nan)])
    estimate, error = two_way(scores).contrasts(np.array([[1.0, -1, 0, 0], [0, 0, 1, -1]]))
    assert np.isfinite([estimate[0], error[0]]).all()
    assert np.isnan([estimate[1], error[1]]).all()


def test_nothing_is_told_of_nothing() -> None:
    found = two_way(np.full((2, 3), np.nan))
    assert np.isnan(found.rows).all() and found.freedom == 0
