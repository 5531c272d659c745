"""What an audit trains: architectures spread over cost, each up all rungs and by other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nas.ablation.plan import ended
from nas.architecture import key
from nas.cost import cost
from nas.search.ledger import Ledger
from nas.search.record import FAILED, Trial
from nas.search.rungs import Ladder
from nas.search.step import Standing, Step
from nas.seeds import derived_seed
from nas.space import Space


@dataclass
class AuditPlan:
    """rows: trials as they begin, numbered from 0. seeds: replicates of each, at full length.

    Replicate 0 is scored at every rung on its way, and nothing is stopped; the others at full
    length only, so that the rungs are judged by seeds that are not theirs. One architecture after
    the other: wherever a budget ends, those before are complete.
    """

    rows: Sequence[Trial]
    seeds: int
    ladder: Ladder
    ledger: Ledger
    objectives: tuple[str, ...] = ("score", "macs")

    def next(self, now: Standing) -> Step | None:
        """The first step that is not done, where the budget has room for it."""
        under_way = {step.id for step in now.running}
        climbing = {step.trial.number for step in now.running if not step.replicate}
        for row in self.rows:
            known = row.number < len(now.trials)
            trial = now.trials[row.number] if known else row
            for replicate in range(self.seeds):
                step = self._step(trial, replicate)
                busy = step is not None and (
                    step.id in under_way or (not replicate and row.number in climbing)
                )
                if step is None or busy:
                    continue
                return step if self.ledger.affords(step, now) else None
        return None

    def _step(self, trial: Trial, replicate: int) -> Step | None:
        """What comes next for a replicate; None where it has ended, or waits for replicate 0."""
        if ended(trial, replicate):
            return None
        if replicate:
            ready = trial.state == "complete"
            return Step(trial, replicate, 0, self.ladder.epochs[-1]) if ready else None
        to_epoch = self.ladder.above(trial.epoch)
        return Step(replace(trial, state="running"), 0, trial.epoch, to_epoch)

    def left(self, now: Standing) -> float:
        if self.ledger.budget.kind != "replicates":
            return self.ledger.room(now)
        done = sum(
            ended(trial, replicate) or trial.state in FAILED
            for trial in now.trials
            for replicate in range(self.seeds)
        )
        return self.ledger.budget.amount - done


def spread_trials(space: Space, count: int, seed: int) -> list[Trial]:
    """`count` architectures of the space, or all, evenly over the order of their macs.

    A larger count begins with those of a smaller one: places follow van der Corput's sequence,
    which is Halton's of one dimension, from a start that is drawn by the seed.
    """
    from scipy.stats.qmc import Halton

    members = space.members()
    order = np.argsort(members.costs["macs"], kind="stable")
    free = list(range(len(order)))  # places in `order`, ascending
    start = derived_seed(seed, "audit") / 2**63
    found: list[Trial] = []
    seen: set[str] = set()
    for turn in Halton(1, scramble=False).random(len(order))[:, 0]:
        if len(found) == count:
            break
        wanted = (turn + start) % 1 * len(order)
        nearest = min(
            range(*_around(free, wanted)), key=lambda place: abs(free[place] + 0.5 - wanted)
        )
        point = members.point(int(order[free.pop(nearest)]))
        architecture = space.architecture(point)
        name = key(architecture)
        if name in seen:
            continue
        seen.add(name)
        costs: dict[str, float] = dict(cost(architecture).as_dict())
        found.append(Trial(len(found), name, point, architecture, costs))
    return found


def _around(free: Sequence[int], wanted: float) -> tuple[int, int]:
    """The one or two of the ascending places that may be nearest, as a range of their indices."""
    above = int(np.searchsorted(free, wanted - 0.5))
    return max(0, above - 1), min(len(free), above + 1)
