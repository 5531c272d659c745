"""An audit's judgement: all cheap scores of the same architectures, by the same measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nas.architecture.fields import Value
from nas.arguments import check_one_of
from nas.audit.evidence import Evidence, Floats
from nas.audit.importance import RESAMPLES, Importance, importance
from nas.audit.ranking import Agreement, Ints, agreement, cost_bands, resample
from nas.audit.regret import Regret, first_rung, regret
from nas.errors import UserError
from nas.progress import Tell, untold

OVER_ALL, WITHIN = "over all", "within bands"
BESIDE = "macs"


@dataclass(frozen=True)
class Judgement:
    """What was found for P cheap scores: the rungs, ascending, then what needs no training.

    evidence: of the architectures that are compared. names, epochs: (P,), epochs 0 where nothing is
    trained. bands: indices of the architectures, by `cost`. over_all, within, regret: ranges of
    (P,). importance: by OVER_ALL and WITHIN; empty where no parameter is known to vary.
    """

    evidence: Evidence
    cost: str
    bands: tuple[Ints, ...]
    names: tuple[str, ...]
    epochs: tuple[int, ...]
    over_all: Agreement
    within: Agreement
    regret: Regret
    importance: Mapping[str, Importance]

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs below full length."""
        return self.evidence.epochs[:-1]

    @property
    def first_rung(self) -> int | None:
        """The advised one (`nas.audit.regret.first_rung`); None where no rung is good enough.

        And where the noise ceiling is not shown to be above 0: a share of it would mean nothing.
        """
        count = len(self.rungs)
        found = self.within
        if not found.ceiling.low > 0:
            return None
        return first_rung(self.rungs, found.share.estimate[:count], found.tau.low[:count])


def judge(
    evidence: Evidence,
    zero_cost: Mapping[str, Floats] | None = None,
    *,
    cost: str = BESIDE,
    bands: int | None = None,
    seed: int = 0,
    tick: Tell = untold,
    weigh: bool = True,
) -> Judgement:
    """Judge the rungs, what else is given by name (n,), and params and macs.

    evidence: as it is; what lacks a score is left out of the ranking. zero_cost: of the
    architectures that are compared, `evidence.usable()`. cost: what the bands are of. bands: how
    many, by default what `cost_bands` takes. weigh: whether importance is computed. UserError
    where there is too little.
    """
    own = evidence.usable()
    check_one_of("--cost", cost, own.costs)
    if bands is not None and not 1 <= bands <= len(own) // 2:
        raise UserError(f"--bands: {bands} is not a number from 1 to {len(own) // 2}")
    rest = dict(zero_cost or {}) | {name: own.costs[name] for name in ("params", BESIDE)}
    count = len(own.epochs) - 1
    shape = own.truth.shape
    scores = np.array(
        [own.rungs[:, :, rung] for rung in range(count)]
        + [np.broadcast_to(values[:, None], shape) for values in rest.values()]
    )
    full, weights = own.rungs[:, :, -1], resample(len(own), seed)
    groups = tuple(cost_bands(own.costs[cost], bands))
    everything = (np.arange(len(own)),)
    last = len(scores) - 1
    return Judgement(
        evidence=own,
        cost=cost,
        bands=groups,
        names=(*(f"epoch {epoch}" for epoch in own.epochs[:-1]), *rest),
        epochs=(*own.epochs[:-1], *(0 for _ in rest)),
        over_all=agreement(scores, full, own.truth, everything, weights, last),
        within=agreement(scores, full, own.truth, groups, weights, last),
        regret=regret(scores, full, own.truth, own.costs[cost], weights),
        importance=_importance(evidence, cost, bands, seed, tick) if weigh else {},
    )


def _importance(
    evidence: Evidence, cost: str, bands: int | None, seed: int, tick: Tell
) -> dict[str, Importance]:
    """Of all with a score at full length, ranked or not, and a point: presets have none."""
    placed = np.array([bool(point) for point in evidence.points], dtype=bool)
    scored = np.flatnonzero(np.isfinite(evidence.mean) & placed)
    points = [evidence.points[row] for row in scored]
    if not points:
        return {}
    costs = evidence.costs[cost][scored]
    return importance_both(points, evidence.mean[scored], costs, bands, seed=seed, tick=tick)


def importance_both(
    points: Sequence[Mapping[str, Value]],
    scores: Floats,
    costs: ArrayLike,
    bands: int | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    tick: Tell = untold,
) -> dict[str, Importance]:
    """`importance` by OVER_ALL and WITHIN bands of the costs (n,); empty where nothing varies."""
    groups = {OVER_ALL: [np.arange(len(scores))], WITHIN: cost_bands(costs, bands)}
    found = {}
    for turn, (name, own) in enumerate(groups.items()):

        def told(done: int, total: int, turn: int = turn) -> None:
            tick(done + turn * total, len(groups) * total)

        one = importance(points, scores, own, seed, resamples, told)
        if one is not None:
            found[name] = one
    return found
