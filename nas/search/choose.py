"""The best trials that cost no more than is allowed, or the cheapest that are good enough."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path

from nas.arguments import real, whole
from nas.cost import LATENCY, MEASURED
from nas.cost.parts import PartTable, read_table
from nas.errors import UserError, brief
from nas.search.confirm import confirmed
from nas.search.objectives import SCORE
from nas.search.record import Trial
from nas.search.run import Run, open_run


def best_trials(
    run: str | Path | Run,
    limits: Mapping[str, float] | None = None,
    count: int = 1,
    latency_table: str | Path | PartTable | None = None,
    score_min: float | None = None,
) -> list[Trial]:
    """The `count` best complete trials within the limits, the best first; fewer where there are.

    All meet the constraints of the space: a baseline that does not is none of them.

    limits: the largest value of a cost, by its name. latency_table: of parts that were measured on
    a device (`cli.py latency SPACE`), by which latency_ms is of that device. A trial counts by the
    mean of its fresh seeds; one that was not confirmed by its score, less what those that were
    confirmed have lost by fresh seeds on average: the luck by which a score is chosen. score_min:
    those that count for so much at least, the cheapest first, by the run's first cost, or by
    latency where there is a table. UserError where none is within.
    """
    try:
        limits = {} if limits is None else dict(limits)
    except (TypeError, ValueError):
        raise UserError(
            f"limits: {brief(limits)} has no numbers by the names of costs, as {{'macs': 5e6}}"
        ) from None
    count = whole("--count", count, 1)
    least = None if score_min is None else real("--score-min", score_min)
    for name, most in limits.items():
        if not (isinstance(most, Real) and most > 0):
            raise UserError(f"{name}: at most {most!r} is not a number above 0")
    opened = open_run(run)
    trials = _to_choose_from(opened)
    if latency_table is not None:
        trials = _on_device(trials, latency_table)
    if not trials:
        raise UserError(f"{opened.path}: no trial is complete yet")
    for name in limits:
        if not any(name in trial.costs for trial in trials):
            known = ", ".join(dict.fromkeys(own for trial in trials for own in trial.costs))
            hint = " (give a --latency-table, or search by it)" if name in MEASURED else ""
            raise UserError(f"{opened.path} has no {name}{hint}; it has {known}")
    within = [t for t in trials if all(_cost(t, name) <= most for name, most in limits.items())]
    if not within:
        raise UserError(_none_within(opened.path, trials, limits))
    worth = expected(trials)
    best = sorted(within, key=lambda t: (-worth[t.number], t.costs["macs"], t.number))
    if least is None:
        return best[:count]
    enough = [trial for trial in best if worth[trial.number] >= least]
    if not enough:
        raise UserError(
            f"{opened.path}: no trial{' within the limits' if limits else ''} has a score of at "
            f"least {least:g}; the best is #{best[0].number} with {worth[best[0].number]:.4f}"
        )
    cost = LATENCY if latency_table is not None else opened.costs[0]
    return sorted(enough, key=lambda t: _cost(t, cost))[:count]


def not_in_table(run: str | Path | Run, latency_table: str | Path | PartTable) -> list[int]:
    """The trials that no limit of latency can be met by, as the table has not all their parts."""
    table = read_table(latency_table)
    trials = _to_choose_from(open_run(run))
    return [trial.number for trial in trials if not table.has(trial.architecture)]


def _to_choose_from(opened: Run) -> list[Trial]:
    trials = [t for t in opened.all_trials() if t.state == "complete" or confirmed(t)]
    return [trial for trial in trials if not trial.outside]


def _on_device(trials: Sequence[Trial], latency: str | Path | PartTable) -> list[Trial]:
    """The trials with the latency of that device; UserError where the table lacks parts of all."""
    table = read_table(latency)
    found = []
    for trial in trials:
        costs = {name: own for name, own in trial.costs.items() if name != LATENCY}
        if table.has(trial.architecture):
            costs[LATENCY] = table.latency(trial.architecture)
        found.append(replace(trial, costs=costs))
    if trials and not any(LATENCY in trial.costs for trial in found):
        raise UserError("--latency-table: it has not all parts of any of the trials")
    return found


def expected(trials: Sequence[Trial]) -> dict[int, float]:
    """What fresh seeds say of each trial, or would be expected to say, by its number."""
    means = {trial.number: found.mean for trial in trials if (found := confirmed(trial))}
    both = [t.scores[SCORE] - means[t.number] for t in trials if t.number in means and t.scores]
    luck = max(0.0, statistics.fmean(both)) if both else 0.0
    return {t.number: means.get(t.number, t.scores.get(SCORE, 0.0) - luck) for t in trials}


def _cost(trial: Trial, name: str) -> float:
    return trial.costs.get(name, float("inf"))


def _none_within(path: Path, trials: Sequence[Trial], limits: Mapping[str, float]) -> str:
    cheapest = min(trials, key=lambda t: max(_cost(t, n) / most for n, most in limits.items()))
    asked = " and ".join(f"{name} of at most {most:,.12g}" for name, most in limits.items())
    has = ", ".join(f"{name} {_cost(cheapest, name):,.12g}" for name in limits)
    return f"{path}: no trial has {asked}; the cheapest is #{cheapest.number} with {has}"
