"""Confirmation: the front is trained again with fresh seeds, and the baselines beside it.

Of many trials the best have been lucky too. What is on the front by the score that chose it is
scored again by replicates that chose nothing; their mean has no winner's curse. What is then the
best of several such means has a little of it again, of the noise of a mean.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from nas.search.objectives import SCORE, front_mask, values
from nas.search.record import Trial
from nas.two_way import TwoWay, two_way

LEAST, MOST = 2, 4
"""Replicates with fresh seeds: fewer say nothing of their noise, more are not needed."""


@dataclass(frozen=True)
class Confirmed:
    """What the replicates of a trial say. low, high: the 95% interval of the mean, within 0 and 1
    as every score is."""

    mean: float
    low: float
    high: float
    replicates: int

    @property
    def reach(self) -> float:
        """How far the interval goes to either side; to the longer one where it ends at 0 or 1."""
        return max(self.high - self.mean, self.mean - self.low)


@dataclass(frozen=True)
class Spread:
    """The standard deviation of a score over seeds, and its degrees of freedom."""

    deviation: float
    freedom: float


def spread(trials: Sequence[Trial]) -> Spread | None:
    """That of all confirmed trials together, as if it were the same for each; None without any.

    Two replicates alone know next to nothing of it: by Student's t with one degree of freedom the
    interval reaches 12.7 standard errors to either side, with twenty 2.1. But replicates of one
    number have seen the same split and order: what a seed does to all trials alike is known by the
    seeds alone, however many trials there are. So the degrees of freedom are Satterthwaite's
    (Biometrics, 1946) of the two parts. With two seeds and a noise that is nearly all of seeds
    (0.8 of the variance and more; it is 0.06 to 0.63 in the tables of benchmarks/) the second part
    is one number squared, and intervals cover 0.87 to 0.93 where they say 0.95.
    """
    own = [scores for trial in trials if len(scores := finite(trial)) >= LEAST]
    freedom = sum(len(scores) - 1 for scores in own)
    if not freedom:
        return None
    squares = sum((len(scores) - 1) * statistics.variance(scores) for scores in own)
    return Spread(math.sqrt(squares / freedom), freedom * _independent(_fitted(trials)))


def _independent(found: TwoWay) -> float:
    """Degrees of freedom of the variance within trials, as a share of those of independent scores.

    1 where there is one trial, down to 1 / trials where seeds do all.
    """
    trials = len(found.rows)
    if trials < 2 or not found.freedom:
        return 1.0
    alike = max(0.0, found.between + found.variance / trials)
    alone = found.variance * (1 - 1 / trials)
    if not alike + alone:
        return 1.0
    effective = (alike + alone) ** 2 / (alike**2 + alone**2 / (trials - 1))
    return float(effective / trials)


def confirmed(trial: Trial, known: Spread | None = None) -> Confirmed | None:
    """The trial's score by its fresh replicates; None where there are fewer than two.

    known: the `spread` of the run's trials, for the interval by Student's t; else the trial's own.
    """
    own = known or spread([trial])
    scores = finite(trial)
    if len(scores) < LEAST or own is None:
        return None
    from scipy.special import stdtrit

    mean, count = statistics.fmean(scores), len(scores)
    reach = float(stdtrit(own.freedom, 0.975)) * own.deviation / math.sqrt(count)
    return Confirmed(mean, max(0.0, mean - reach), min(1.0, mean + reach), count)


def finite(trial: Trial) -> list[float]:
    """The scores of its fresh replicates that did not fail."""
    return [score for score in trial.fresh.values() if math.isfinite(score)]


def first_due(trials: Sequence[Trial], objectives: Sequence[str]) -> list[tuple[int, int]]:
    """(trial, replicate) of what has to be trained for the front to be confirmed at all.

    Two fresh replicates of each baseline and each member of the front, as far as not there yet.
    """
    return _missing(_chosen(trials, objectives), LEAST)


def then_due(trials: Sequence[Trial], objectives: Sequence[str]) -> list[tuple[int, int]]:
    """What is trained after `first_due` while the budget lasts: the trials within noise of the
    front, one by one, as one replicate alone counts for nothing, and then more of all."""
    chosen = _chosen(trials, objectives)
    near = leaders(trials, objectives, noise=noise(trials))
    close = [trial for trial in near if all(trial.number != own.number for own in chosen)]
    found = [due for trial in close for due in _missing([trial], LEAST)]
    for count in range(LEAST + 1, MOST + 1):
        found += _missing([*chosen, *close], count)
    return list(dict.fromkeys(found))


def _missing(trials: Sequence[Trial], count: int) -> list[tuple[int, int]]:
    """Replicate by replicate, so that those of one number, which share a split, come together; for
    each that failed there is one more, up to MOST."""
    return [
        (trial.number, replicate)
        for replicate in range(1, MOST + 1)
        for trial in trials
        if replicate not in trial.fresh
        and replicate <= count + len(trial.fresh) - len(finite(trial))
    ]


def _chosen(trials: Sequence[Trial], objectives: Sequence[str]) -> list[Trial]:
    named = baselines(trials)
    numbers = {trial.number for trial in named}
    return [*named, *(t for t in leaders(trials, objectives) if t.number not in numbers)]


def baselines(trials: Sequence[Trial]) -> list[Trial]:
    """What the front is seen beside. One that the search trained to full length itself is one of
    them, unless it was trained as a baseline before that."""
    beside = {trial.key for trial in trials if trial.state == "baseline"}
    return [
        trial
        for trial in trials
        if trial.is_baseline and (trial.state == "baseline" or trial.key not in beside)
    ]


def leaders(trials: Sequence[Trial], objectives: Sequence[str], noise: float = 0.0) -> list[Trial]:
    """The complete trials that would be on the front if they had scored higher by `noise`."""
    complete = [trial for trial in trials if trial.state == "complete"]
    points = [values(trial.scores | trial.costs, objectives) for trial in complete]
    mask = front_mask(points, objectives)
    if not noise:
        return [trial for trial, own in zip(complete, mask, strict=True) if own]
    on_front = [point for point, own in zip(points, mask, strict=True) if own]
    where = list(objectives).index(SCORE)
    found = []
    for trial, point in zip(complete, points, strict=True):
        raised = list(point)
        raised[where] += noise
        if front_mask([raised, *on_front], objectives)[0]:
            found.append(trial)
    return found


def is_confirmed(trials: Sequence[Trial], objectives: Sequence[str]) -> bool:
    """Whether half of those that lead by their scores have the mean of fresh replicates."""
    by_score = leaders(trials, objectives)
    return bool(by_score) and 2 * sum(map(bool, map(confirmed, by_score))) >= len(by_score)


def noise(trials: Sequence[Trial]) -> float:
    """The standard deviation of a score over seeds, without what a seed does to all alike.

    From the fresh replicates of all confirmed trials; 0 where that is fewer than two trials. A
    trial that has only its first one yet is not confirmed.
    """
    found = _fitted(trials)
    return math.sqrt(found.variance) if found.freedom else 0.0


def _fitted(trials: Sequence[Trial]) -> TwoWay:
    """The fresh scores of confirmed trials, by trial and seed."""
    own = [trial.fresh for trial in trials if len(finite(trial)) >= LEAST]
    seeds = sorted(set[int]().union(*own))
    return two_way([[fresh.get(seed, math.nan) for seed in seeds] for fresh in own] or [[]])
