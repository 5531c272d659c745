"""The sampler that knows the cost: a surrogate of the score, expected hypervolume improvement.

It starts with points spread over the space's cost; then it proposes the architecture from which the
hypervolume of the front is expected to grow most. The cost of a candidate is exact, so only its
score is predicted, from the scores on all rungs. Running trials count as if they had come out as
predicted, so that proposals made side by side differ; failed ones as if they had scored as low as
the worst.

A trial that waits on a rung is a candidate too, whose score is known better: it is trained on where
more is expected of it than of a new one, each for the epochs that are ahead of it. Of those that
wait one in eta climbs each rung; a new one that is likely to be on the front is likely to take all.
The front is of trials that are at full length, or being trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from nas.architecture import key
from nas.errors import UserError
from nas.search.objectives import SCORE
from nas.search.record import FAILED, Trial, searched
from nas.search.rungs import Fits, Ladder, anything
from nas.search.samplers.candidates import Candidates, Pool
from nas.search.samplers.proposal import Proposal
from nas.search.samplers.staircase import Staircase
from nas.search.samplers.surrogate import Floats, distances
from nas.search.samplers.tower import Level, Tower
from nas.space import Point, Space
from nas.space.columns import Ints

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

START, START_ON_RUNGS = 8, 12
"""Trials of the start-up phase; a score on a rung tells less than one at full length."""
LEAST = 4  # scores without which nothing is predicted
SPREAD = 64  # candidates of a stratum among which the start looks for the farthest
CHUNK = 8192
NEAR = 384  # trials of a rung, next to the front, whose knowledge bounds the deviations first
CLOSER = 1024  # candidates of the largest bound, which are looked at with all trials
STEPS, BEAM = 4, 32  # of the climb from a sample


@contextmanager
def one_thread() -> Iterator[None]:
    """Numpy and scipy multiply matrices on one core: these are small, several take longer."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    """Those that are loaded; looked for once, which takes as long as a proposal of few trials."""
    import scipy.linalg  # noqa: F401 - what was not loaded is not held
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class EhviSampler:
    """Made for a space and its objectives; called with all trials and a seed.

    start: the trials that are spread over the cost, before it predicts. score_min: the score above
    which it counts what is gained; by default the median of those trials.
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[str],
        start: int = START,
        score_min: float | None = None,
    ) -> None:
        self.space, self.start, self.score_min = space, start, score_min
        self.costs = [name for name in objectives if name != SCORE]
        self._last: tuple[object, tuple[_Search, _Found]] | None = None
        self._beside: dict[str, Point | None] = {}

    @cached_property
    def pool(self) -> Pool:
        return Pool(self.space, self.costs)

    @one_thread()
    def __call__(self, trials: Sequence[Trial], seed: int) -> Proposal:
        own = searched(trials)
        if self.starting(own):
            return self._start(own, np.random.Generator(np.random.PCG64(seed)))
        return self._improve(trials, seed)

    @one_thread()
    def promotion(
        self, ladder: Ladder, trials: Sequence[Trial], least: int, seed: int, fits: Fits = anything
    ) -> Trial | None:
        """The trial to train on to its next rung; None where more is expected of a new one.

        While the start is under way trials wait. least: above 0 where nothing new can be started;
        then no more climb than the ladder has due. seed: that of the proposal that would be made.
        fits: whether there is budget for a trial's next rung.
        """
        own = searched(trials)
        if self.starting(own):
            return ladder.promotion(trials, least, fits) if least else None
        if least:
            waiting = ladder.due(trials, least, fits).values()
            due = [trial for on_rung in waiting for trial in on_rung]
        else:
            due = [trial for trial in own if trial.state == "stopped" and fits(trial)]
        if not due or (not least and not all(map(over, own[: self.start]))):
            return None
        search, found = self._looked(trials, seed)
        gains = search.expected(due) / [ladder.ahead(trial.epoch) for trial in due]
        best = int(np.argmax(gains))
        if not least and gains[best] <= search.of_new(found, ladder):
            return None
        return due[best]

    def starting(self, trials: Sequence[Trial]) -> bool:
        """Whether there is too little yet to predict from."""
        return len(trials) < self.start or sum(map(scored, trials)) < LEAST

    def _start(self, trials: Sequence[Trial], random: np.random.Generator) -> Proposal:
        """From the next of `start` strata of the first cost, a point far from those tried."""
        candidates = self.pool.all
        order = np.argsort(candidates.costs[:, 0], kind="stable")
        strata = np.array_split(order, min(self.start, len(order)))
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

    def _improve(self, trials: Sequence[Trial], seed: int) -> Proposal:
        search, found = self._looked(trials, seed)
        tried = {trial.key for trial in trials}
        for row in found.leading(CLOSER):
            point = found.candidates.points.point(int(row))
            if key(self.space.architecture(point)) not in tried:
                note = {
                    "predicted": float(found.mean[row]),
                    "deviation": float(np.hypot(found.deviation[row], search.surrogate.noise)),
                    "epoch": search.surrogate.epoch,
                }
                if search.front.hypervolume > 0:
                    note["growth"] = float(found.gain[row]) / search.front.hypervolume
                return Proposal(point, note)
        return Proposal(searched(trials)[0].point)  # refused: an untried one is drawn, if any

    def _looked(self, trials: Sequence[Trial], seed: int) -> tuple[_Search, _Found]:
        """What is known, and what is expected of new candidates; the last answer is kept."""
        asked = seed, [(trial.number, trial.key, trial.state, trial.rungs) for trial in trials]
        if self._last is None or self._last[0] != asked:
            beside = self._points_beside(trials)
            search = _Search(
                self.pool, searched(trials), beside, start=self.start, score_min=self.score_min
            )
            self._last = asked, (search, search.best(self.pool.drawn(seed)))
        return self._last[1]

    def _points_beside(self, trials: Sequence[Trial]) -> list[Point]:
        """Of what was trained beside the search, as baselines are: it is not tried again."""
        beside = {trial.key: trial for trial in trials if trial.state == "baseline"}
        for name in beside.keys() - self._beside.keys():
            self._beside[name] = None
            with suppress(UserError):
                self._beside[name] = self.space.point_of(beside[name].architecture)
        return [point for name in beside if (point := self._beside[name]) is not None]


def over(trial: Trial) -> bool:
    """Whether the trial's first step has ended."""
    return bool(trial.rungs) or trial.state != "running"


def scored(trial: Trial) -> bool:
    """Whether the trial has a score, and has not failed since."""
    return bool(trial.rungs) and trial.state not in FAILED


def levels_of(trials: Sequence[Trial]) -> list[Level]:
    """The scores on each rung, from the lowest; failed trials are as bad as the worst of all, on
    the rung with the most scores."""
    known = [row for row, trial in enumerate(trials) if scored(trial)]
    epochs = sorted({epoch for row in known for epoch in trials[row].rungs})
    on = {epoch: [row for row in known if epoch in trials[row].rungs] for epoch in epochs}
    worst = min(min(trials[row].rungs.values()) for row in known)
    failed = [row for row, trial in enumerate(trials) if trial.state in FAILED]
    usual = max(epochs, key=lambda epoch: len(on[epoch]))  # the lowest of equal ones
    found = []
    for epoch, rows in on.items():
        scores = [trials[row].rungs[epoch] for row in rows]
        if epoch == usual:
            rows, scores = rows + failed, scores + [worst] * len(failed)
        found.append(Level(np.array(rows), np.array(scores), epoch))
    return found


class _Search:
    """What is known when one proposal is made: the surrogate, and the front of its means.

    beside: points that are no candidates, beside those of the trials. start: so many trials, the
    first ones, say which scores count, unless score_min does.
    """

    def __init__(
        self,
        pool: Pool,
        trials: Sequence[Trial],
        beside: Sequence[Point] = (),
        *,
        start: int = START,
        score_min: float | None = None,
    ) -> None:
        self.pool = pool
        self.codes = pool.codes_of([trial.point for trial in trials])
        bare = [row for row, t in enumerate(trials) if t.state == "running" and not t.rungs]
        self.surrogate = Tower(
            pool.tables, self.codes, levels_of(trials), np.array(bare, dtype=np.int64)
        )
        rows = np.array([row for row, t in enumerate(trials) if t.state not in FAILED])
        costs = pool.costs_of([trials[row].costs for row in rows])
        means = self.surrogate.means(self.codes[rows])
        there = [trials[row].state != "stopped" for row in rows]
        counts = float(np.median(means[:start])) if score_min is None else score_min
        self.front = Staircase(costs[there], means[there], counts)
        as_cheap = (costs[None] <= costs[:, None]).all(axis=2)
        behind = np.where(as_cheap, means[None], -np.inf).max(axis=1) - means
        nearest = rows[np.argsort(behind, kind="stable")]
        self.leaders = nearest[: max(BEAM, int((behind == 0).sum()))]
        self.seen = set(map(bytes, self.codes)) | set(map(bytes, pool.codes_of(beside)))
        self.quick = self.surrogate
        if len(rows) > NEAR:
            self.quick = self.surrogate.narrowed(nearest, NEAR)

    def expected(self, trials: Sequence[Trial]) -> Floats:
        """How much the front's hypervolume is expected to grow by each one at full length: (n,)."""
        mean, deviation = self.surrogate.predict(self.pool.codes_of([t.point for t in trials]))
        costs = self.pool.costs_of([trial.costs for trial in trials])
        return self.front.expected(costs, mean, deviation)

    def of_new(self, found: _Found, ladder: Ladder) -> float:
        """What is expected of the first of these, for each epoch that it is likely to take."""
        first = found.leading(1)
        if not len(first):
            return 0.0
        costs = found.candidates.costs[first]
        chance = self.front.chance(costs, found.mean[first], found.deviation[first])
        return float(found.gain[first[0]]) / ladder.of_new(float(chance[0]))

    def best(self, candidates: Candidates) -> _Found:
        """Of those that were not tried, the ones from which most is expected.

        The candidates, and neighbours where they are a sample, are looked at with deviations that
        may be too large where there are many trials; those that lead, with all that is known.
        """
        found = self.expect(self._new(candidates), self.quick)
        if not self.pool.whole:
            found = self._climbed(found)
        leading = found.candidates.rows(found.leading(CLOSER))
        return self.expect(leading, self.surrogate)

    def _climbed(self, found: _Found) -> _Found:
        """With the neighbours of the front, and the neighbours of the best ones, step by step."""
        points = self.pool.points_of(self.codes[self.leaders])
        for _ in range(STEPS):
            near = self._new(self.pool.neighbours(points))
            found = found.joined(self.expect(near, self.quick))
            points = found.candidates.points.rows(found.leading(BEAM))
        return found

    def _new(self, candidates: Candidates) -> Candidates:
        """Those that were neither tried nor looked at."""
        codes = list(map(bytes, candidates.codes))
        new = [row for row, code in enumerate(codes) if code not in self.seen]
        self.seen.update(codes)
        return candidates.rows(np.array(new, dtype=np.int64))

    def expect(self, candidates: Candidates, surrogate: Tower) -> _Found:
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

    def leading(self, count: int) -> Ints:
        """The rows of the largest gains, from the largest."""
        return np.argsort(-self.gain, kind="stable")[:count]

    def joined(self, other: _Found) -> _Found:
        return _Found(
            self.candidates.joined(other.candidates),
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.deviation, other.deviation]),
            np.concatenate([self.gain, other.gain]),
        )
