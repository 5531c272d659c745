"""The Gaussian process against the textbook's formulas, and its word about itself."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from nas.search.samplers.surrogate import (
    PRIOR,
    Factors,
    Floats,
    Ints,
    Surrogate,
    _evidence,
    _prior,
    distance_table,
    distances,
    fit,
)

DOMAINS = [[0.125, 0.25, 0.5], [1, 2, 3, 4], ["none", "fixed", "unified"], ["add", "concat"]]
TABLES = [distance_table(values) for values in DOMAINS]
FACTORS = Factors(0.7, 0.05, np.array([0.5, 1.0, 0.2, 0.8]), np.array([0.3, 0.1, 0.2, 0.05]))


def drawn(count: int, seed: int) -> Ints:
    random = np.random.default_rng(seed)
    return np.stack([random.integers(len(v), size=count) for v in DOMAINS], axis=1)


def apart(axis: int, one: int, other: int) -> float:
    """d_i, from the words of the module."""
    size = len(DOMAINS[axis])
    if one == other:
        return 0.0
    return abs(one - other) / (size - 1) if axis < 2 else 1.0


def kernel(one: Ints, other: Ints) -> float:
    d = [apart(axis, int(one[axis]), int(other[axis])) for axis in range(4)]
    far = sum(theta * own for theta, own in zip(FACTORS.theta, d, strict=True))
    alike = sum(main * (1 - own) for main, own in zip(FACTORS.main, d, strict=True))
    return float(FACTORS.interaction * math.exp(-far) + alike)


def matrix(left: Ints, right: Ints) -> Floats:
    return np.array([[kernel(a, b) for b in right] for a in left])


def posterior(codes: Ints, scores: Floats, new: Ints) -> tuple[Floats, Floats]:
    """Rasmussen and Williams, equations 2.25 and 2.26, with the variance of Student's t."""
    centre, scale = scores.mean(), scores.std()
    noisy = matrix(codes, codes) + FACTORS.noise * np.eye(len(codes))
    cross = matrix(new, codes)
    mean = cross @ np.linalg.solve(noisy, (scores - centre) / scale)
    variance = matrix(new, new) - cross @ np.linalg.solve(noisy, cross.T)
    wider = (len(scores) - 1) / (len(scores) - 3)
    return centre + scale * mean, scale * np.sqrt(wider * np.diag(variance))


@pytest.fixture
def scores() -> NDArray[np.float64]:
    return np.random.default_rng(5).normal(0.6, 0.1, size=9)


def test_predictions_are_the_textbooks(scores: NDArray[np.float64]) -> None:
    codes, new = drawn(9, 0), drawn(6, 1)
    mean, deviation = Surrogate(TABLES, codes, scores, factors=FACTORS).predict(new)
    expected = posterior(codes, scores, new)
    assert mean == pytest.approx(expected[0], rel=1e-4)
    assert deviation == pytest.approx(expected[1], rel=1e-3)


def test_running_points_change_no_mean_and_narrow_as_observations_would(
    scores: NDArray[np.float64],
) -> None:
    codes, running, new = drawn(9, 0), drawn(3, 2), drawn(6, 1)
    alone = Surrogate(TABLES, codes, scores, factors=FACTORS).predict(new)
    found = Surrogate(TABLES, codes, scores, running, FACTORS).predict(new)
    believed = np.append(scores, posterior(codes, scores, running)[0])
    together = posterior(np.concatenate([codes, running]), believed, new)[1]
    assert found[0] == pytest.approx(alone[0])
    spread = scores.std() * math.sqrt(8 / 6)
    assert found[1] == pytest.approx(together * spread / (believed.std() * math.sqrt(11 / 9)), 1e-3)


def test_deviations_by_fewer_points_are_larger(scores: NDArray[np.float64]) -> None:
    surrogate = Surrogate(TABLES, drawn(9, 0), scores, factors=FACTORS)
    every = surrogate.predict(drawn(20, 1))
    few = surrogate.narrowed(np.array([1, 4])).predict(drawn(20, 1))
    assert few[0] == pytest.approx(every[0])
    assert (few[1] > every[1]).all()
    again = surrogate.narrowed(np.arange(9)[::-1]).predict(drawn(20, 1))  # all, in any order
    assert again[1] == pytest.approx(every[1])


def test_the_slope_of_the_evidence_is_its_derivative() -> None:
    from scipy.optimize import approx_fprime

    codes, y = drawn(15, 3), np.random.default_rng(0).normal(size=15)
    flat = distances(TABLES, codes).reshape(4, -1)
    logs = np.random.default_rng(1).normal(-1, 0.5, size=10)
    numeric = approx_fprime(logs, lambda x: _evidence(x, flat, y)[0], 1e-6)
    assert _evidence(logs, flat, y)[1] == pytest.approx(numeric, abs=1e-4)


def test_parameters_that_matter_are_told_from_those_that_do_not() -> None:
    codes = drawn(60, 4)
    y = np.where(codes[:, 2] == 1, 1.0, -1.0) * np.where(codes[:, 3] == 1, 1.0, -1.0)
    factors = fit(distances(TABLES, codes), y)
    assert factors.theta[2:].min() > 3 * factors.theta[:2].max()


def test_standardised_residuals_have_variance_one() -> None:
    """On scores that are drawn from a made-up function, with noise, over several seeds."""
    squares, noises = [], []
    for seed in range(8):
        random = np.random.default_rng(seed)
        pair = random.normal(size=(4, 3)) * 0.03
        ends = random.uniform(0, 0.1, size=3)

        def truth(c: Ints, pair: Floats = pair, ends: Floats = ends) -> Floats:
            return ends[0] * c[:, 0] + ends[1] * np.sqrt(c[:, 1]) + pair[c[:, 1], c[:, 2]]

        codes, new = drawn(45, seed), drawn(200, 100 + seed)
        surrogate = Surrogate(TABLES, codes, truth(codes) + 0.02 * random.normal(size=45))
        mean, deviation = surrogate.predict(new)
        observed = truth(new) + 0.02 * random.normal(size=200)
        squares.append((observed - mean) ** 2 / (deviation**2 + surrogate.noise**2))
        noises.append(surrogate.noise)
    assert 0.8 < np.mean(squares) < 1.25
    assert 0.01 < np.median(noises) < 0.03


@pytest.mark.parametrize("count", [5, 6])  # six have a deviation, by rounding
def test_equal_scores_do_not_divide_by_zero(count: int) -> None:
    surrogate = Surrogate(TABLES, drawn(count, 0), np.full(count, 0.4))
    mean, deviation = surrogate.predict(drawn(4, 1))
    assert mean == pytest.approx(0.4) and (deviation > 1e-3).all()


def test_the_prior_is_of_what_parameters_are_worth_together() -> None:
    middle, precision = _prior(4, PRIOR)
    for name, first in (("theta", 2), ("main", 6)):
        median, shared, own = PRIOR[name]
        rows = slice(first, first + 4)
        assert np.exp(middle[rows]).sum() == pytest.approx(median)
        spread = np.linalg.inv(precision)[rows, rows]
        assert spread == pytest.approx(np.full((4, 4), shared**2) + own**2 * np.eye(4))


def test_numbers_have_places_and_choices_only_differ() -> None:
    assert distance_table([4, 8, 16])[0].tolist() == [0, 0.5, 1, 1]
    assert distance_table(["a", "b", "c"])[0].tolist() == [0, 1, 1, 1]
    assert distance_table([True, False])[0].tolist() == [0, 1, 1]
