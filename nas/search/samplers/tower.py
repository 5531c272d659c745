"""What is known from rungs of the score at full length: a surrogate on a surrogate.

The first one is fitted to the scores on the lowest rung, which all trials have, but for those that
were taken over from runs with other rungs. Each further one to what the scores on its rung are
beside a multiple of the prediction from below:

    f_r(x) = rho_r f_{r-1}(x) + delta_r(x)

Kennedy and O'Hagan (Biometrika, 2000), fitted rung by rung (Le Gratiet and Garnier, 2014). What was
promoted was chosen by scores below, and these are in the model: the choice does not bias it.

A training that was lucky up to one rung mostly is so up to the next. So before delta_r is fitted, a
share of what the score below was beside its prediction is taken off: a control variate, without
which luck would look like the network's own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas.search.samplers.surrogate import PRIOR, Codes, Floats, Ints, Surrogate, one_hot

LEAST = 4  # results without which a rung says nothing of those above
TRUST = 4.0  # results' worth of belief that a rung differs from the one below by a constant
LUCK = 0.5  # and that this share of a score's luck is there on the next rung
ON_RUNGS = {**PRIOR, "noise": (0.3, 0.5, 0.0)}  # where there are rungs, noise is more of a score


@dataclass(frozen=True)
class Level:
    """What is known of one rung. rows (m,): which trials, of all; scores (m,), after `epoch`."""

    rows: Ints
    scores: Floats
    epoch: int

    def beside(self, predicted: Floats, rows: Ints) -> Floats:
        """What the scores of these trials are beside the predicted ones of all; 0 where none is."""
        apart = np.zeros(len(predicted))
        apart[self.rows] = self.scores - predicted[self.rows]
        found: Floats = apart[rows]
        return found


class Tower:
    """A surrogate of the score on the highest level, after `epoch`; levels with too few results are
    left out.

    tables: as of `Surrogate`. codes (n, d): of all trials. levels: from the lowest; a trial may be
    on one without the ones below, where it was taken over from a run with other rungs. running:
    trials (rows) that have no score yet.
    """

    def __init__(
        self, tables: Sequence[Floats], codes: Codes, levels: Sequence[Level], running: Ints
    ) -> None:
        self.floors: list[Surrogate] = []
        self.rows: list[Ints] = []
        self.slopes: list[float] = []
        prior = ON_RUNGS if len(levels) > 1 else PRIOR
        enough = [level for level in levels if len(level.rows) >= LEAST] or levels[:1]
        self.epoch = enough[-1].epoch
        for lower, level in zip([None, *enough], enough, strict=False):
            scores, slope, awaited = level.scores, 0.0, running[:0]
            if lower is not None:
                below = self.means(codes)
                slope = _slope(below[level.rows], scores, float(below.var()), 1.0)
                scores = scores - slope * below[level.rows]
                luck = lower.beside(below, level.rows)
                scores = scores - _slope(luck, scores, float(luck.var()), LUCK) * luck
            else:
                awaited = running
            floor = Surrogate(tables, codes[level.rows], scores, codes[awaited], prior=prior)
            self.floors.append(floor)
            self.rows.append(np.concatenate([level.rows, awaited]))
            self.slopes.append(slope)

    def predict(self, codes: Codes) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the score without its noise, at (N, d): (N,) each."""
        hot = one_hot(self.floors[0].tables, codes)
        mean, variance = np.zeros(len(codes)), np.zeros(len(codes))
        for floor, slope in zip(self.floors, self.slopes, strict=True):
            own, deviation = floor.predict_hot(hot)
            mean = slope * mean + own
            variance = slope**2 * variance + deviation**2
        return mean, np.sqrt(variance)

    def means(self, codes: Codes) -> Floats:
        """The mean alone, which takes less time."""
        hot, mean = one_hot(self.floors[0].tables, codes), np.zeros(len(codes))
        for floor, slope in zip(self.floors, self.slopes, strict=True):
            mean = slope * mean + floor.mean_hot(hot)
        return mean

    def narrowed(self, rows: Ints, count: int) -> Tower:
        """The same means; deviations as if each floor had no other trials: never too small.

        rows: from the most important; the first `count` that a floor has.
        """
        found = copy.copy(self)
        found.floors = []
        for floor, own in zip(self.floors, self.rows, strict=True):
            place = {row: at for at, row in enumerate(own.tolist())}
            chosen = [place[row] for row in rows.tolist() if row in place][:count]
            found.floors.append(floor.narrowed(np.array(chosen, dtype=np.int64)))
        return found

    @property
    def noise(self) -> float:
        """The standard deviation of a score on the highest level about its mean over seeds."""
        return self.floors[-1].noise


def _slope(below: Floats, scores: Floats, variance: float, usual: float) -> float:
    """Of the scores on what is known from below, drawn towards the usual one."""
    belief = TRUST * variance
    apart = below - below.mean()
    return float((apart @ scores + belief * usual) / (apart @ apart + belief)) if belief else usual
