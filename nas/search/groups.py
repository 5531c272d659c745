"""Searches that differ by their seed alone, as one: what such a search finds, over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.data import written
from nas.directory import flat
from nas.search.run import Run
from nas.search.session import last_session

Floats = NDArray[np.floating]
LEAST = 2  # seeds that have an interval
NONE: tuple[Any, ...] = (None, [], {}, "")  # as what a run of another version does not say


@dataclass(frozen=True)
class Group:
    """name: what tells it from the other groups. runs: their places. seeds: how many they have;
    runs of one seed count once, by their mean. mean, deviation: of their hypervolumes; low, high:
    the 95% interval of the mean, by Student's t; NaN of a single seed. difference: of the mean to
    that of the first group, with its 95% interval; None of the first, and where one has a single
    seed. paired: by how many seeds that is, which both have; 0 where
    neither has all seeds of the other, and it is Welch's of independent means.
    """

    name: str
    runs: tuple[int, ...]
    seeds: int
    mean: float
    deviation: float
    low: float
    high: float
    difference: tuple[float, float, float] | None
    paired: int


def groups_of(runs: Sequence[Run], areas: Sequence[float]) -> tuple[Group, ...]:
    """The runs with these hypervolumes, together where they were asked for alike but for the seed;
    empty where no two seeds were."""
    asked = [_asked(run) for run in runs]
    alike: dict[str, list[int]] = {}
    for place, what in enumerate(asked):
        alike.setdefault(repr(sorted(what.items())), []).append(place)
    members = list(alike.values())
    scored = [_by_seed([(runs[i].asked["seed"], areas[i]) for i in own]) for own in members]
    if max(map(len, scored)) < LEAST:
        return ()
    names = _names([asked[places[0]] for places in members])
    found: list[Group] = []
    for name, places, own in zip(names, members, scored, strict=True):
        values = np.array([*own.values()])
        deviation, low, high, difference, paired = math.nan, math.nan, math.nan, None, 0
        if len(own) >= LEAST:
            deviation = float(values.std(ddof=1))
            low, high = _interval(values)
            if found and len(scored[0]) >= LEAST:
                difference, paired = _difference(scored[0], own)
        found.append(
            Group(
                name,
                tuple(places),
                len(own),
                float(values.mean()),
                deviation,
                low,
                high,
                difference,
                paired,
            )
        )
    return tuple(found)


def _by_seed(found: Sequence[tuple[int, float]]) -> dict[int, float]:
    """Of (seed, hypervolume) the mean of each seed: what is asked for again is no other search."""
    every: dict[int, list[float]] = {}
    for seed, area in found:
        every.setdefault(seed, []).append(area)
    return {seed: fmean(own) for seed, own in every.items()}


def _difference(
    first: Mapping[int, float], other: Mapping[int, float]
) -> tuple[tuple[float, float, float], int]:
    """That of the means of hypervolumes by seed, with its interval, and by how many pairs it is."""
    shared = sorted(first.keys() & other.keys())
    if len(shared) == min(len(first), len(other)):
        apart = np.array([other[seed] - first[seed] for seed in shared])
        return (float(apart.mean()), *_interval(apart)), len(shared)
    return _welch(*(np.array([*own.values()]) for own in (first, other))), 0


def _asked(run: Run) -> dict[str, Any]:
    """What was asked but for the seed, and the budget: what makes a search another one."""
    same = ("seed", "cost_range")  # which follows from the space
    own = {name: value for name, value in run.asked.items() if name not in same}
    own["recipe"] = {n: v for n, v in own["recipe"].items() if n not in ("name", "about")}
    session = last_session(run.path)
    budget = f"{session.budget.amount:g} {session.budget.kind}" if session else ""
    told = flat(own | {"data": written(own["data"]), "budget": budget})
    return {name: value for name, value in told.items() if value not in NONE}


def _names(asked: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each of these has that not all have alike, in words, or numbered; the space of one."""
    if len(asked) == 1:
        return [str(asked[0]["space"])]
    every = dict.fromkeys(name for own in asked for name in own if name != "space_hash")
    told = [n for n in every if len({repr(own.get(n)) for own in asked}) > 1]
    words = [
        ", ".join(f"{n.rpartition('.')[2]} {_word(own.get(n))}" for n in told) for own in asked
    ]
    if len(set(words)) == len(words):
        return words
    return [f"search {number}" for number in range(1, len(asked) + 1)]


def _word(value: Any) -> str:
    if value in NONE:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _interval(values: Floats) -> tuple[float, float]:
    """Of the mean, by Student's t."""
    from scipy.special import stdtrit

    reach = stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean() - reach), float(values.mean() + reach)


def _welch(first: Floats, other: Floats) -> tuple[float, float, float]:
    """The difference of independent means, with its interval."""
    from scipy.stats import ttest_ind

    more = float(other.mean() - first.mean())
    if first.std() == other.std() == 0:
        return more, more, more
    low, high = ttest_ind(other, first, equal_var=False).confidence_interval(0.95)
    return more, float(low), float(high)
