"""The surrogate: the score of an architecture as a Gaussian process over the space's parameters.

The kernel of two points x, y, where d_i is how far apart they are in parameter i, from 0 to 1 (of
choices: whether they differ; of numbers: by how many places):

    k(x, y) = interaction * exp(-sum_i theta_i d_i) + sum_i main_i (1 - d_i) + noise [x is y]

The first term is Hamming's (every parameter may interact with every other), the second is linear in
one-hot features. Scores are standardised; the logarithms of all factors are found at the maximum of
the marginal likelihood times a wide prior. Rasmussen and Williams (2006), sections 2.2 and 5.4.

n: scored points; N: points to predict; d: parameters.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nas.architecture.fields import Value
from nas.two_way import ROUNDING

Codes = NDArray[np.integer]
"""Places of values in their domains: (n, d); the place after the last one for inactive."""
Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Prior = Mapping[str, tuple[float, float, float]]

FIT_POINTS = 200
FIT_STEPS = 40
PRIOR: Prior = {
    "interaction": (0.5, 1.0, 0.0),
    "noise": (0.1, 1.0, 0.0),
    "theta": (2.0, 1.0, 0.5),
    "main": (0.7, 1.0, 0.5),
}
"""Median, and standard deviations of the logarithm: shared by all parameters, and of each alone.

theta and main are shared out among the d parameters: their medians are of the sums.
"""


def distance_table(values: Sequence[Value]) -> Floats:
    """How far apart the values of one parameter are: (k + 1, k + 1), the last one for inactive.

    0 to 1: places between numbers over the most there are; 1 between different choices.
    """
    size = len(values) + 1
    table = 1.0 - np.eye(size)
    numbers = [v for v in values if isinstance(v, (int, float))]
    if len(numbers) == len(values) > 2:
        rank = np.argsort(np.argsort(np.array(numbers)))
        table[:-1, :-1] = np.abs(rank[:, None] - rank) / (len(values) - 1)
    return table


@dataclass(frozen=True)
class Factors:
    """The kernel's factors, for standardised scores. theta, main: (d,)."""

    interaction: float
    noise: float
    theta: Floats
    main: Floats


class Surrogate:
    """A fit to codes (n, d) and scores (n,), all finite.

    tables: of `distance_table`, one for each parameter. running (m, d): points under evaluation;
    their posterior mean is imagined as observed, which changes no mean and narrows deviations.
    prior: of the factors that are fitted.
    """

    def __init__(
        self,
        tables: Sequence[Floats],
        codes: Codes,
        scores: Floats,
        running: Codes | None = None,
        factors: Factors | None = None,
        prior: Prior = PRIOR,
    ) -> None:
        from scipy import linalg

        self.tables = tables
        self.centre = float(np.mean(scores))
        self.scale = float(np.std(scores))
        if self.scale <= ROUNDING * float(np.abs(scores).max()):
            self.scale = 1.0  # all alike
        standard = (scores - self.centre) / self.scale
        # mean and scale are estimates themselves: the variance of Student's t
        freedom = len(scores) - 1
        self.spread = self.scale * math.sqrt(freedom / max(1, freedom - 2))
        if factors is None:
            chosen = np.unique(np.linspace(0, len(codes) - 1, FIT_POINTS).round().astype(int))
            factors = fit(distances(tables, codes[chosen]), standard[chosen], prior)
        self.factors = factors
        both = codes if running is None else np.concatenate([codes, running])
        self._apart, self._alike = self._by_feature(both)
        self._rows: Ints = np.arange(len(both))
        hot = one_hot(tables, both)
        self._matrix = (self._near(hot) + hot @ self._alike).astype(np.float64)
        self._matrix[np.diag_indices_from(self._matrix)] += factors.noise
        known = linalg.cho_factor(self._matrix[: len(codes), : len(codes)], lower=True)
        self._weights = linalg.cho_solve(known, standard).astype(np.float32)

    def narrowed(self, rows: Ints) -> Surrogate:
        """The same means; deviations as if these rows of (codes, running) were the only ones.

        That is never less than what it is with all of them, and takes less time.
        """
        found = copy.copy(self)
        found._rows = np.sort(rows)
        found.__dict__.pop("_inverse", None)
        return found

    @cached_property
    def _inverse(self) -> Floats:
        """Of the lower Cholesky factor of what the deviations are by."""
        from scipy.linalg import lapack

        lower = np.linalg.cholesky(self._matrix[np.ix_(self._rows, self._rows)])
        inverse, _ = lapack.dtrtri(lower, lower=1)
        found: Floats = np.tril(inverse).astype(np.float32)
        return found

    def _by_feature(self, codes: Codes) -> tuple[Floats, Floats]:
        """theta_i d_i and main_i (1 - d_i) from each one-hot feature (rows) to these points."""
        columns = [own[:, codes[:, i]] for i, own in enumerate(self.tables)]
        theta, main = self.factors.theta.tolist(), self.factors.main.tolist()
        apart = [by * own for by, own in zip(theta, columns, strict=True)]
        alike = [by * (1 - own) for by, own in zip(main, columns, strict=True)]
        return np.concatenate(apart).astype(np.float32), np.concatenate(alike).astype(np.float32)

    def _near(self, hot: Floats) -> Floats:
        """The first term of the kernel between these points and those that the fit is to."""
        near = hot @ self._apart
        np.negative(near, out=near)
        np.exp(near, out=near)
        near *= np.float32(self.factors.interaction)
        return near

    def predict(self, codes: Codes) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the score without its noise, at (N, d): (N,) each."""
        return self.predict_hot(one_hot(self.tables, codes))

    def predict_hot(self, hot: Floats) -> tuple[Floats, Floats]:
        """The same, of codes that are `one_hot` already."""
        near = self._near(hot)
        mean = self._mean(hot, near)
        if len(self._rows) < near.shape[1]:
            near = near.take(self._rows, axis=1)
        near += hot @ self._alike[:, self._rows]
        explained = near @ self._inverse.T
        prior = self.factors.interaction + self.factors.main.sum()
        variance = prior - np.einsum("ij,ij->i", explained, explained)
        return mean, self.spread * np.sqrt(np.maximum(variance, 1e-9))

    def mean_hot(self, hot: Floats) -> Floats:
        """The mean alone, which takes less time."""
        return self._mean(hot, self._near(hot))

    def _mean(self, hot: Floats, near: Floats) -> Floats:
        count = len(self._weights)
        with np.errstate(invalid="ignore"):  # OpenBLAS says so at times of finite numbers
            mean: Floats = near[:, :count] @ self._weights
        mean += hot @ (self._alike[:, :count] @ self._weights)
        return mean.astype(np.float64) * self.scale + self.centre

    @property
    def noise(self) -> float:
        """The standard deviation of a score about its mean over seeds."""
        return self.spread * math.sqrt(self.factors.noise)


def one_hot(tables: Sequence[Floats], codes: Codes) -> NDArray[np.float32]:
    """(n, d) codes to (n, sum of the tables' sizes) of 0 and 1."""
    sizes = [len(table) for table in tables]
    starts = np.cumsum([0, *sizes[:-1]])
    found = np.zeros((len(codes), sum(sizes)), dtype=np.float32)
    np.put_along_axis(found, codes.astype(np.int64) + starts, 1.0, axis=1)
    return found


def distances(tables: Sequence[Floats], codes: Codes) -> Floats:
    """d_i of every pair of points: (d, n, n)."""
    return np.stack([own[np.ix_(codes[:, i], codes[:, i])] for i, own in enumerate(tables)])


def fit(apart: Floats, standard: Floats, prior: Prior = PRIOR) -> Factors:
    """The factors of largest posterior density. apart: (d, n, n); standard: (n,) scores."""
    from scipy.optimize import minimize

    count = len(apart)
    flat = apart.reshape(count, -1)
    middle, precision = _prior(count, prior)

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, slope = _evidence(logs, flat, standard)
        away = precision @ (logs - middle)
        return value + 0.5 * float((logs - middle) @ away), slope + away

    found = minimize(
        loss, middle, jac=True, method="L-BFGS-B", bounds=[(m - 4, m + 4) for m in middle],
        options={"maxiter": FIT_STEPS},
    ).x  # fmt: skip
    return _factors(found, count)


def _prior(count: int, prior: Prior) -> tuple[Floats, Floats]:
    """Mean (2 + 2d,) and precision of the factors' logarithms."""
    names = ["interaction", "noise", *["theta"] * count, *["main"] * count]
    sizes = [count if name in ("theta", "main") else 1 for name in names]
    middle = np.log([prior[name][0] / size for name, size in zip(names, sizes, strict=True)])
    shared = np.array([prior[name][1] for name in names])
    own = np.array([prior[name][2] for name in names])
    same = np.array(names)[:, None] == np.array(names)
    return middle, np.linalg.inv(same * np.outer(shared, shared) + np.diag(own**2))


def _factors(logs: Floats, count: int) -> Factors:
    own = np.exp(logs)
    return Factors(float(own[0]), float(own[1]), own[2 : 2 + count], own[2 + count :])


def _evidence(logs: Floats, flat: Floats, standard: Floats) -> tuple[float, Floats]:
    """Minus the log marginal likelihood, but for a constant, and its slope in the logarithms."""
    from scipy.linalg import lapack

    size, count = len(standard), len(flat)
    own = _factors(logs, count)
    together = own.interaction * np.exp(-(own.theta @ flat))
    matrix = (together + own.main.sum() - own.main @ flat).reshape(size, size)
    matrix[np.diag_indices(size)] += own.noise
    lower = np.linalg.cholesky(matrix)
    inverse, _ = lapack.dpotri(lower, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = inverse @ standard
    value = 0.5 * float(standard @ weights) + float(np.log(np.diag(lower)).sum())
    change = 0.5 * (inverse - np.outer(weights, weights)).ravel()
    on_theta = -own.theta * (flat @ (change * together))
    on_main = own.main * (change.sum() - flat @ change)
    on_noise = own.noise * change[:: size + 1].sum()
    return value, np.array([change @ together, on_noise, *on_theta, *on_main])
