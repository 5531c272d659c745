"""Which parameter of a space moves the score: PED-ANOVA, with intervals over trials.

Watanabe, Bansal and Hutter, PED-ANOVA: Efficiently quantifying hyperparameter importance in
arbitrary subspaces (IJCAI 2023), as Optuna computes it: how differently the values of a parameter
are spread among the best trials and among all. Within bands of cost, the best are those of each
band: over all, what makes a network large comes first, and that is known beforehand.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nas.architecture.fields import Value
from nas.audit.ranking import Floats, Ints, Range
from nas.progress import Tell, untold
from nas.space.optuna import quietly, to_distribution

if TYPE_CHECKING:
    import optuna

RESAMPLES = 100
BEST = 0.25
"""The share of trials that are the best: of few, or they would be no more than lucky ones."""
CHANCE = "(chance)"


@dataclass(frozen=True)
class Importance:
    """names: of p parameters, the most important first. share: Range of (p,), of the sum over all.

    chance: the share of a parameter that does nothing, with as many values as any: (), a Range.
    above_chance: (p,), in what share of the resamples it was above that.
    """

    names: tuple[str, ...]
    share: Range
    chance: Range
    above_chance: Floats


def importance(
    points: Sequence[Mapping[str, Value]],
    scores: Floats,
    bands: Sequence[Ints],
    seed: int = 0,
    resamples: int = RESAMPLES,
    tick: Tell = untold,
) -> Importance | None:
    """Of what n points vary in, for their scores (n,), larger is better; None where they do not.

    bands: [all indices], or those of `cost_bands`; a trial counts by its place in its band.
    Intervals are percentiles of a bootstrap over trials, and reach to the estimate: resampled
    trials are noisier, which draws all shares together. tick: is told how many of how many
    resamples are done.
    """
    every = dict.fromkeys(name for point in points for name in point)
    names = [name for name in every if len({point.get(name) for point in points}) > 1]
    if not names:
        return None
    values = {name: _values(points, name) for name in names}
    levels = max(map(len, values.values()))
    values[CHANCE] = tuple(f"v{level}" for level in range(levels))
    known = {name: to_distribution(own) for name, own in values.items()}
    places = _places(scores, bands)
    random = np.random.default_rng(seed)
    found = []
    for turn in range(1 + resamples):
        chance = [values[CHANCE][level] for level in random.integers(levels, size=len(points))]
        rows = random.integers(len(points), size=len(points)) if turn else np.arange(len(points))
        drawn = [{**points[row], CHANCE: chance[row]} for row in rows]
        found.append(_shares(drawn, places[rows], known))
        tick(turn, resamples)
    table = np.array(found)
    order = np.argsort(-table[0, :-1], kind="stable")
    own, idle = table[:, :-1][:, order], table[:, -1].copy()
    idle[0] = np.median(idle[1:]) if resamples else idle[0]  # one draw says little
    above = (own[1:] > idle[1:, None]).mean(axis=0) if resamples else np.full(len(order), np.nan)
    share = Range.of(own)
    ends = np.fmin(share.low, share.estimate), np.fmax(share.high, share.estimate)
    names = [names[i] for i in order]
    return Importance(tuple(names), Range(share.estimate, *ends), Range.of(idle), above)


def _places(scores: Floats, bands: Sequence[Ints]) -> Floats:
    """Where each stands in its band, from 0 to 1; equal scores stand equally. (n,)"""
    places = np.full(len(scores), np.nan)
    for rows in bands:
        own = scores[rows]
        below = (own[:, None] > own).sum(axis=1) + 0.5 * ((own[:, None] == own).sum(axis=1) - 1)
        places[rows] = below / max(1, len(rows) - 1)
    return np.where(np.isnan(places), 0.5, places)  # alone in its band


def _values(points: Sequence[Mapping[str, Value]], name: str) -> tuple[Value, ...]:
    """All that the parameter is in any point, numbers in rising order."""
    found = list({point[name]: None for point in points if name in point})
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in found)
    return tuple(sorted(found, key=float) if numbers else found)


def _shares(
    points: Sequence[Mapping[str, Value]],
    places: Floats,
    known: Mapping[str, optuna.distributions.BaseDistribution],
) -> Floats:
    """Importance of each name of `known`, as a share of the sum of all but the last: (names,)."""
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    # it maximises, so that the best are the largest: with a target they would be the smallest
    with quietly():
        study = optuna.create_study(direction="maximize")
    study.add_trials([
        create_trial(
            params={name: point[name] for name in known if name in point},
            distributions={name: known[name] for name in known if name in point},
            value=float(place),
        )
        for point, place in zip(points, places, strict=True)
    ])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that few trials are in some regime
        evaluator = PedAnovaImportanceEvaluator(target_quantile=BEST)
        raw = get_param_importances(study, evaluator=evaluator, normalize=False)
    found = np.array([raw.get(name, 0.0) for name in known])
    total = found[:-1].sum()
    return found / total if total > 0 else np.zeros(len(known))
