"""The benchmark's simulations, fewer of them: bars are wider by three binomial errors."""

from math import sqrt

import pytest

from benchmarks.ablation import detected, factorial, intervals, piloted

COUNT = 300


def allowed(share: float) -> float:
    return 3 * sqrt(share * (1 - share) / COUNT)


def check(figures) -> None:
    for figure in figures:
        low, high = figure.bar
        nominal = 0.05 if low == 0 else (low + high) / 2
        assert low - allowed(nominal) <= figure.value <= high + allowed(nominal), figure


@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_intervals_cover_and_families_of_tests_keep_their_level(lost: float) -> None:
    check(intervals(COUNT, 5, 0.5, lost))


def test_the_minimum_detectable_effect_is_detected_with_its_power() -> None:
    check([detected(COUNT, 5, 0.5)])


def test_a_pilots_bound_holds_as_often_as_it_says() -> None:
    check([piloted(COUNT, 5, 0.5)])


@pytest.mark.parametrize("collapsed", [False, True])
def test_effects_of_factors_are_covered(collapsed: bool) -> None:
    check(factorial(COUNT, 5, collapsed=collapsed))
