"""The sampler that knows the cost: a surrogate of the score, expected hypervolume improvement.

It starts with points spread over the space's cost; then it proposes the architecture from which the
hypervolume of the front is expected to grow most. The cost of a candidate is exact, so only its
score is predicted. Running trials count as if they had come out as predicted, so that proposals
made side by side differ; failed ones as if they had scored as low as the worst.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nas.architecture import key
from nas.search.candidates import Candidates, Pool
from nas.search.ehvi import Staircase
from nas.search.objectives import SCORE
from nas.search.record import Trial
from nas.search.samplers import Proposal
from nas.search.surrogate import Floats, Surrogate, distances
from nas.space import Space

START = 12  # trials of the start-up phase
LEAST = 4  # scores without which nothing is predicted
SPREAD = 64  # candidates of a stratum among which the start looks for the farthest
CHUNK = 8192
NEAR = 128  # trials near the front, whose knowledge bounds the deviations first
CLOSER = 1024  # candidates of the largest bound, which are looked at with all trials
STEPS, BEAM = 4, 8  # of the climb where the space can not be listed


class EhviSampler:
    """Made for a space and its objectives; called with all trials and a seed."""

    def __init__(self, space: Space, objectives: Sequence[str]) -> None:
        self.space = space
        self.costs = [name for name in objectives if name != SCORE]

    @cached_property
    def pool(self) -> Pool:
        return Pool(self.space, self.costs)

    def __call__(self, trials: Sequence[Trial], seed: int) -> Proposal:
        complete = [trial for trial in trials if trial.state == "complete"]
        random = np.random.Generator(np.random.PCG64(seed))
        if len(trials) < START or len(complete) < LEAST:
            return self._start(trials, random)
        return self._improve(trials, complete)

    def _start(self, trials: Sequence[Trial], random: np.random.Generator) -> Proposal:
        """From the next of START strata of the first cost, a point far from those tried."""
        candidates = self.pool.all
        order = np.argsort(candidates.costs[:, 0], kind="stable")
        strata = np.array_split(order, min(START, len(order)))
        # golden-ratio order: any first few strata are spread over the cost
        turn = np.argsort(np.arange(len(strata)) * 0.6180339887 % 1)
        stratum = strata[turn[len(trials) % len(strata)]]
        rows = random.choice(stratum, min(SPREAD, len(stratum)), replace=False)
        if trials and self.pool.tables:
            tried = self.pool.codes_of([trial.point for trial in trials])
            both = np.concatenate([candidates.codes[rows], tried])
            apart = distances(self.pool.tables, both).sum(axis=0)[: len(rows), len(rows) :]
            rows = rows[np.argsort(-apart.min(axis=1), kind="stable")]
        return Proposal(candidates.points.point(int(rows[0])))

    def _improve(self, trials: Sequence[Trial], complete: list[Trial]) -> Proposal:
        search = _Search(self.pool, trials, complete)
        found = search.best()
        tried = {trial.key for trial in trials}
        for row in np.argsort(-found.gain, kind="stable"):
            point = found.candidates.points.point(int(row))
            if key(self.space.architecture(point)) not in tried:
                note = {
                    "predicted": float(found.mean[row]),
                    "deviation": float(np.hypot(found.deviation[row], search.surrogate.noise)),
                }
                return Proposal(point, note)
        return Proposal(complete[0].point)  # refused: an untried one is drawn, if there is any


class _Search:
    """What is known when one proposal is made: the surrogate, and the front of its means."""

    def __init__(self, pool: Pool, trials: Sequence[Trial], complete: list[Trial]) -> None:
        self.pool = pool
        failed = [trial for trial in trials if trial.state == "failed"]
        running = [trial for trial in trials if trial.state == "running"]
        scores = [trial.scores[SCORE] for trial in complete]
        known = len(complete) + len(failed)
        self.codes = pool.codes_of([trial.point for trial in (*complete, *failed, *running)])
        self.surrogate = Surrogate(
            pool.tables,
            self.codes[:known],
            np.array(scores + [min(scores)] * len(failed)),
            self.codes[known:],
        )
        start = [trial.scores[SCORE] for trial in complete if trial.number < START]
        costs = pool.costs_of([trial.costs for trial in (*complete, *running)])
        rows = np.array([*range(len(complete)), *range(known, len(self.codes))])
        means = self.surrogate.predict(self.codes[rows])[0]
        self.front = Staircase(costs, means, statistics.median(start or scores))
        as_cheap = (costs[None] <= costs[:, None]).all(axis=2)
        behind = np.where(as_cheap, means[None], -np.inf).max(axis=1) - means
        nearest = rows[np.argsort(behind, kind="stable")]
        self.leaders = nearest[: max(BEAM, int((behind == 0).sum()))]
        self.quick = self.surrogate
        if len(rows) > NEAR:
            self.quick = self.surrogate.narrowed(nearest[:NEAR])

    def best(self) -> _Found:
        """The candidates from which most is expected, without those that were tried.

        All are looked at, with deviations that may be too large where there are many trials; those
        that lead are looked at again with all that is known.
        """
        everything = self.pool.all
        quick = self.expect(everything, self.quick).gain
        rows = np.argsort(-quick, kind="stable")[: CLOSER + len(self.codes)]
        tried = set(map(bytes, self.codes))
        untried = [row for row in rows if bytes(everything.codes[row]) not in tried]
        found = self.expect(everything.rows(np.array(untried[:CLOSER], dtype=int)), self.surrogate)
        return found if self.pool.whole else self._climbed(found)

    def _climbed(self, found: _Found) -> _Found:
        """With the neighbours of the front, and the neighbours of the best ones, step by step."""
        near = self.pool.neighbours(self.pool.points_of(self.codes[self.leaders]))
        found = found.joined(self.expect(near, self.surrogate))
        for _ in range(STEPS):
            leading = np.argsort(-found.gain, kind="stable")[:BEAM]
            near = self.pool.neighbours(found.candidates.points.rows(leading))
            more = self.expect(near, self.surrogate)
            better = more.gain.max(initial=0.0) > found.gain.max(initial=0.0)
            found = found.joined(more)
            if not better:
                break
        return found

    def expect(self, candidates: Candidates, surrogate: Surrogate) -> _Found:
        parts = []
        for begin in range(0, max(1, len(candidates)), CHUNK):
            rows = slice(begin, begin + CHUNK)
            mean, deviation = surrogate.predict(candidates.codes[rows])
            gain = self.front.expected(candidates.costs[rows], mean, deviation)
            # where nothing can be gained: the least known
            parts.append((mean, deviation, gain + 1e-12 * deviation))
        mean, deviation, gain = (np.concatenate(own) for own in zip(*parts, strict=True))
        return _Found(candidates, mean, deviation, gain)


@dataclass(frozen=True)
class _Found:
    """N candidates; what is expected of each: (N,) arrays."""

    candidates: Candidates
    mean: Floats
    deviation: Floats
    gain: Floats

    def joined(self, other: _Found) -> _Found:
        return _Found(
            self.candidates.joined(other.candidates),
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.deviation, other.deviation]),
            np.concatenate([self.gain, other.gain]),
        )
