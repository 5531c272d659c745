"""The hypervolume of a front: what a search has found, as one number; larger is better.

Costs are on a log10 axis scaled to [0, 1] over the space; a score counts above a reference. So the
hypervolume is the score above the reference, averaged over (log) budgets of cost.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nas.search.objectives import SCORE
from nas.search.record import Trial

START = 12  # trials at full length of whose scores the median is the reference


@dataclass(frozen=True)
class Scale:
    """How hypervolume is measured. ranges: of each cost, the least and the largest."""

    ranges: Mapping[str, tuple[float, float]]
    reference: float

    @classmethod
    def of(
        cls,
        trials: Sequence[Trial],
        objectives: Sequence[str],
        known: Mapping[str, Sequence[float]],
    ) -> Scale | None:
        """That of a search: the space's `known` ranges, and for what was measured the trials' own.

        None before a trial is at full length.
        """
        reference = reference_score(trials)
        if reference is None:
            return None
        ranges: dict[str, tuple[float, float]] = {}
        for name in objectives:
            if name == SCORE:
                continue
            own = known.get(name) or [t.costs[name] for t in trials if name in t.costs]
            ranges[name] = (min(own), max(own))
        return cls(ranges, reference)

    def hypervolume(self, costs: Sequence[Mapping[str, float]], scores: Sequence[float]) -> float:
        """Of n points: 0 where none is above the reference."""
        import moocore

        points = [
            [*(self._scaled(name, own[name]) for name in self.ranges), -score]
            for own, score in zip(costs, scores, strict=True)
            if score > self.reference
        ]
        if not points:
            return 0.0
        reference = [1.0] * len(self.ranges) + [-self.reference]
        return float(moocore.hypervolume(np.array(points), ref=reference))

    def _scaled(self, name: str, cost: float) -> float:
        low, high = map(math.log10, self.ranges[name])
        return max((math.log10(cost) - low) / max(high - low, 1e-9), 0.0)


def reference_score(trials: Sequence[Trial]) -> float | None:
    """What a search's scores count above: the median of its first ones at full length, if any.

    The first START by number: so no better search makes its own bar higher. With rungs an early
    one that is promoted late moves it still.
    """
    scored = [t for t in trials if t.state == "complete"]
    return statistics.median(t.scores[SCORE] for t in scored[:START]) if scored else None
