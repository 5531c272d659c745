"""What a search does next, as a function of what has happened: no clock, no files, no processes.

The driver carries it out with workers and a record; a replay with numbers from a table.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from nas.architecture import key
from nas.errors import UserError
from nas.search.confirm import LEAST, baselines, confirmed
from nas.search.due import Due, Replicate
from nas.search.ledger import Ledger, epoch_seconds
from nas.search.record import FAILED, Trial, proposed_here, searched
from nas.search.rungs import Ladder, Promote
from nas.search.samplers import Propose, propose_untried
from nas.search.step import Standing, Step
from nas.space import Space

UNCONFIRMED = (
    "two replicates of half of the front do not fit into its share of the budget: the front is not "
    "confirmed"
)
PARTLY = (
    "two replicates of all of the front do not fit into what is left of its share of the budget: "
    "those without them do not count as its members, once half of them have"
)
NO_ROOM = "there is no room in its share for two replicates of {}: not beside the front"
CONFIRMING = "confirming the front with fresh seeds"
EXHAUSTED = "every architecture of the space has been tried"
ENOUGH = "less than {:.3g}% more hypervolume is expected of a new trial: so none is begun"


class Plan(Protocol):
    """What a driver carries out."""

    ledger: Ledger
    ladder: Ladder
    objectives: tuple[str, ...]

    def next(self, now: Standing) -> Step | None:
        """The next step, or None where there is none as things stand."""

    def left(self, now: Standing) -> float:
        """Of the budget, in its own unit."""


@dataclass
class SearchPlan:
    """Trials as the sampler proposes them, on rungs, and then confirmation; within a budget.

    confirm: the share of the budget that may go to confirmation. tell: is given sentences for the
    user, each once. promote: which trial climbs, by default as the ladder says. score_min: the
    score that is looked for, if any. growth_min: the share of the hypervolume that the sampler has
    to expect of a new trial for one to begin.
    """

    space: Space
    propose: Propose
    objectives: tuple[str, ...]
    seed: int
    ladder: Ladder
    confirm: float
    ledger: Ledger
    tell: Callable[[str], None] = lambda text: None
    promote: Promote | None = None
    score_min: float | None = None
    growth_min: float = 0.0
    exhausted: bool = False
    _told: set[str] = field(default_factory=set)
    _enough: tuple[int, int] | None = None
    _refused: dict[bool, tuple[int, int]] = field(default_factory=dict)
    _priced: tuple[tuple[int, int], Callable[[float, int], float]] | None = None

    def next(self, now: Standing) -> Step | None:
        """What was interrupted; a promotion; a new trial; what a rung holds back only while there
        is other work; and confirmation: the first of these that the budget has room for."""
        due = self._due(now) if self.confirm else None
        kept = due.kept if due and not self._counts_trials else 0.0
        found = self._interrupted(now, due) if due else None
        found = found or self._search(now, kept)
        if due and found is None:
            found = self._confirmation(now, due)
        if found is None and kept and not now.running and not _any_complete(now.trials):
            self._refused.clear()  # there is more room: else there would be nothing to confirm
            found = self._search(now, 0.0)
        return found

    def left(self, now: Standing) -> float:
        """Of the budget, in its own unit: seconds, trials, epochs or MACs."""
        if self._counts_trials:
            return self.ledger.budget.amount - len(proposed_here(now.trials))
        return self.ledger.room(now)

    def _search(self, now: Standing, kept: float) -> Step | None:
        room = self.ledger.room(now) - kept
        under_way = {step.trial.number for step in now.running if not step.replicate}
        for trial in now.trials:
            if trial.state == "running" and trial.number not in under_way:
                step = self._climb(trial)
                if self._pricing(now)(trial.costs["macs"], step.epochs) <= room:
                    return step
        least = int(self._all_begun(now))
        found = self._promotion(now, room, least) or self._new_trial(now, room)
        if found is None and room > 0:
            found = self._finish(now, room)
        if found is None and self.exhausted:
            self._say(EXHAUSTED)
        elif found is None and self._has_enough(now) and not now.running:
            self._say(ENOUGH.format(100 * self.growth_min))
        return found

    def _finish(self, now: Standing, room: float) -> Step | None:
        """Where nothing new can be begun: what a rung holds back, as many as are to be complete and
        then all, unless there is enough; and what can not be brought to full length only where
        nothing else is left."""
        every = len(now.trials)
        if self._has_enough(now):
            return self._promotion(now, room, self._complete_at_least(now))
        if self._counts_trials:
            return self._promotion(now, room, every if self.exhausted else 1)
        for least in (self._complete_at_least(now), every):
            found = self._promotion(now, room, least)
            if found is not None:
                return found
        if now.running:
            return None
        found = self._promotion(now, room, whole=False)
        return found or self._new_trial(now, room, whole=False)

    def _complete_at_least(self, now: Standing) -> int:
        """How many trials are to be at full length in the end: one in eta, and one."""
        return max(1, int(len(searched(now.trials)) / self.ladder.eta))

    def _all_begun(self, now: Standing) -> bool:
        """Whether the budget counts trials, and none is left to begin."""
        return self._counts_trials and self.left(now) <= 0

    def _climb(self, trial: Trial) -> Step:
        """From where the trial stands to the next rung."""
        return Step(trial, 0, trial.epoch, self.ladder.above(trial.epoch))

    def _promotion(
        self, now: Standing, room: float, least: int = 0, *, whole: bool = True
    ) -> Step | None:
        """The next rung of the first trial, of those that may climb, that there is budget for; if
        `whole`, to its full length."""
        price, full = self._pricing(now), self.ladder.epochs[-1]

        def fits(trial: Trial) -> bool:
            end = full if whole else self.ladder.above(trial.epoch)
            return price(trial.costs["macs"], end - trial.epoch) <= room

        trial = (self.promote or self.ladder.promotion)(now.trials, least, fits)
        return None if trial is None else self._climb(replace(trial, state="running"))

    def _new_trial(self, now: Standing, room: float, *, whole: bool = True) -> Step | None:
        """The first step of a trial that was not tried yet; if `whole`, of one for whose full
        length there is budget too, and that leaves enough to finish others."""
        if whole:
            room -= self._finishing(now)
        if room <= 0 or self.exhausted or self._refused.get(whole) == _ended(now.trials):
            return None
        if self._all_begun(now):
            return None
        own = proposed_here(now.trials)
        if self.ledger.budget.kind == "time" and own:
            typical = statistics.median(trial.costs["macs"] for trial in own)
            if room < epoch_seconds(typical, now.trials) * self.ladder.above(0):
                return None
        proposed = propose_untried(self.propose, self.space, now.trials, self.seed)
        if proposed is None:
            self.exhausted = True
            return None
        proposal, architecture = proposed
        if proposal.note.get("growth", math.inf) < self.growth_min:
            self._enough = self._refused[whole] = _ended(now.trials)
            return None
        costs = self.space.costs_of(architecture)
        number, name = len(now.trials), key(architecture)
        trial = Trial(
            number, name, proposal.point, architecture, costs, proposal.note,
            baseline=self.space.baseline_names.get(name, ""),
        )  # fmt: skip
        step = self._climb(trial)
        epochs = self.ladder.epochs[-1] if whole else step.to_epoch
        if self._pricing(now)(costs["macs"], epochs) <= room:
            return step
        self._refused[whole] = _ended(now.trials)  # nothing changes until something ends
        return None

    def _has_enough(self, now: Standing) -> bool:
        """Whether too little is expected of a new trial, by what has ended."""
        return self._enough == _ended(now.trials)

    def _finishing(self, now: Standing) -> float:
        """What is kept to bring to full length as many as are to be, and are not on their way."""
        if self._counts_trials:  # they have all the time there is
            return 0.0
        full, price = self.ladder.epochs[-1], self._pricing(now)
        under_way = {step.trial.number for step in now.running if step.to_epoch == full}
        own = searched(now.trials)
        there = [t for t in own if t.state == "complete" or t.number in under_way]
        left = [t for t in own if t.state in ("stopped", "running") and t.number not in under_way]
        missing = min(self._complete_at_least(now) - len(there), len(left))
        if missing <= 0:
            return 0.0
        prices = [price(trial.costs["macs"], full - trial.epoch) for trial in left]
        return self.ledger.together([statistics.mean(prices)] * missing)

    def _interrupted(self, now: Standing, due: Due) -> Step | None:
        """The replicate with which a baseline began that is in the record and has none."""
        began = {t.number for t in now.trials if t.state == "baseline" and not t.fresh}
        began -= {number for number, _ in due.running}
        waiting = [own for own in due.now if own[0] in began] if began else []
        return self._replicate(now, due, waiting)

    def _confirmation(self, now: Standing, due: Due) -> Step | None:
        """What confirmation trains next, if anything; what it can not do is said at the end."""
        if not _any_complete(now.trials):
            return None
        found = self._replicate(now, due, due.now)
        if found is None and not now.running:
            if not due.sure:
                self._say(UNCONFIRMED)
            elif not due.whole:
                self._say(PARTLY)
            bare = [own.baseline for own in baselines(due.trials) if not confirmed(own)]
            if due.sure and bare:
                self._say(NO_ROOM.format(", ".join(bare)))
        return found

    def _replicate(self, now: Standing, due: Due, waiting: Sequence[Replicate]) -> Step | None:
        """The first of these, with fresh seeds, as long as confirmation has its share.

        The front is confirmed when the search has ended; baselines before, by idle workers, but for
        those that the search has tried. What lacks its second replicate gets it as long as there is
        any budget: it would say nothing without.
        """
        tried = {trial.key for trial in searched(now.trials)}
        searching = any(not step.replicate for step in now.running)
        room, free = self.ledger.room(now), self.ledger.workers - len(now.running)
        lacking = sum(due.lacking)
        for number, replicate in waiting:
            trial = due.trials[number]
            if searching and trial.key in tried:
                continue
            own, count = due.price(trial), due.begun[number]
            more = 1 if count else LEAST
            if own * (more if more > free else 1) > room:
                continue
            need = self.ledger.of_all_workers(lacking + more * own)
            if 0 < count < LEAST or need <= due.affordable:
                if not searching:
                    self._say(CONFIRMING)
                if number > len(now.trials):  # of new baselines any may be the first to begin
                    trial = replace(trial, number=len(now.trials))
                return Step(trial, replicate, 0, self.ladder.epochs[-1])
        return None

    def _due(self, now: Standing) -> Due:
        """What there is to confirm; affordable is what is left of its share, and of the budget."""
        price, full = self._pricing(now), self.ladder.epochs[-1]

        def replicate(trial: Trial) -> float:
            return price(trial.costs["macs"], full)

        running = [step for step in now.running if step.replicate]
        under_way = sum(replicate(step.trial) for step in running)
        taken = self.ledger.confirming(now.trials, price) + self.ledger.of_all_workers(under_way)
        return Due(
            trials=[*now.trials, *self._baselines(now.trials)],
            objectives=self.objectives,
            running=[(step.trial.number, step.replicate) for step in running],
            price=replicate,
            together=self.ledger.together,
            affordable=min(self._share(now, price) - taken, self.ledger.room(now)),
            score_min=self.score_min,
        )

    def _baselines(self, trials: Sequence[Trial]) -> list[Trial]:
        """New trials for the baselines that have none, but on a rung."""
        known = {trial.key for trial in trials if trial.state != "stopped"}
        new = [(n, own) for n, own in self.space.baselines if key(own) not in known]
        return [
            Trial(
                number, key(own), {}, own, self.space.costs_of(own), state="baseline",
                reason=self.space.outside.get(key(own), ""), baseline=name,
            )
            for number, (name, own) in enumerate(new, len(trials))
        ]  # fmt: skip

    def _share(self, now: Standing, price: Callable[[float, int], float]) -> float:
        """What confirmation may take: a share of the budget; where that counts trials, of the
        epochs in all."""
        if not self._counts_trials:
            return self.confirm * self.ledger.budget.amount
        confirming = self.ledger.confirming(now.trials, price)
        total = sum(trial.epochs for trial in now.trials) - confirming
        return total * self.confirm / (1 - self.confirm)

    @property
    def _counts_trials(self) -> bool:
        return self.ledger.budget.kind == "trials"

    def _pricing(self, now: Standing) -> Callable[[float, int], float]:
        """`Ledger.pricing`, which changes only when a job has ended."""
        known = _ended(now.trials)
        if self._priced is None or self._priced[0] != known:
            self._priced = known, self.ledger.pricing(now.trials)
        return self._priced[1]

    def _say(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.tell(text)


def check_share(confirm: float) -> None:
    """UserError where it is no share of the budget that can go to confirmation."""
    if not 0 <= confirm <= 0.5:
        raise UserError(f"--confirm: {confirm:g} is not a share from 0 to 0.5")


def check_growth(least: float, sampler: str) -> None:
    """UserError where it is no share of the hypervolume, or the sampler expects nothing."""
    if not 0 <= least < 1:
        raise UserError(f"--growth-min: {least:g} is not a share from 0 to below 1")
    if least and sampler != "ehvi":
        raise UserError(
            f"--growth-min: {sampler} expects nothing, unlike ehvi; leave out one of both"
        )


def _any_complete(trials: Sequence[Trial]) -> bool:
    return any(trial.state == "complete" for trial in trials)


def _ended(trials: Sequence[Trial]) -> tuple[int, int]:
    """What tells two moments apart between which a trial has begun, or a job has ended."""
    jobs = (len(t.rungs) + len(t.fresh) + (t.state in FAILED) for t in trials)
    return len(trials), sum(jobs)
