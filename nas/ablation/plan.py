"""What an ablation trains: every row with every seed, seed by seed, so that pairs come early."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nas.search.ledger import Ledger
from nas.search.record import FAILED, Trial
from nas.search.rungs import Ladder
from nas.search.step import Standing, Step


@dataclass
class AblationPlan:
    """rows: trials as they begin, numbered from 0. seeds: replicates of each.

    given: ids of steps whose results lie ready, which cost nothing.
    """

    rows: Sequence[Trial]
    seeds: int
    ladder: Ladder
    ledger: Ledger
    objectives: tuple[str, ...] = ("score", "macs")
    given: frozenset[str] = frozenset()

    def next(self, now: Standing) -> Step | None:
        """The first replicate that is not trained yet, where the budget has room for it.

        What is given comes before, but no row before the one above it has begun: the record numbers
        trials as they begin.
        """
        due = list(self._due(now))
        for step in due:
            if step.id in self.given and step.trial.number <= len(now.trials):
                return step
        return due[0] if due and self.ledger.affords(due[0], now) else None

    def _due(self, now: Standing) -> Iterator[Step]:
        """Seed by seed, what is neither trained nor under way."""
        under_way = {step.id for step in now.running}
        for replicate in range(self.seeds):
            for row in self.rows:
                known = row.number < len(now.trials)
                trial = now.trials[row.number] if known else row
                step = Step(trial, replicate, 0, self.ladder.epochs[-1])
                if not ended(trial, replicate) and step.id not in under_way:
                    yield step

    def left(self, now: Standing) -> float:
        if self.ledger.budget.kind != "replicates":
            return self.ledger.room(now)
        done = sum(ended(t, r) for t in now.trials for r in range(self.seeds))
        return self.ledger.budget.amount - done


def ended(trial: Trial, replicate: int) -> bool:
    """Whether a replicate is trained, or has failed."""
    if replicate:
        return replicate in trial.fresh
    return trial.state in ("complete", *FAILED)


def score(trial: Trial, replicate: int) -> float:
    """What a replicate has scored; NaN where it has not."""
    if replicate:
        return trial.fresh.get(replicate, math.nan)
    return trial.scores.get("score", math.nan) if trial.state == "complete" else math.nan
