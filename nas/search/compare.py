"""Runs beside each other: hypervolume above one reference, and the front of all of them together.

The hypervolume is that of (score, costs), each cost as log10 scaled to [0, 1] over its range
in the spaces that were searched (see `Space.cost_range`), and the score above a reference: the
least of the runs' own (see `hypervolume`). So all runs are measured alike, and larger is better.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas.arguments import real, several
from nas.data import written
from nas.directory import flat
from nas.errors import UserError
from nas.search.about import trial_row
from nas.search.confirm import LEAST, Spread, confirmed, is_confirmed, spread
from nas.search.groups import Group, groups_of
from nas.search.hypervolume import Scale, reference_score
from nas.search.objectives import SCORE, front_mask
from nas.search.record import Trial, searched
from nas.search.run import Run, open_run

FREE = ("name", "about", "rungs")
"""Of a recipe, what does not change the score at full length."""


@dataclass(frozen=True)
class Compared:
    """One run. hypervolume: by the scores that its search saw; confirmed: by the means of fresh
    seeds, None where its front was not confirmed; low, high: the 95% interval of that, within what
    a hypervolume may be, None where the fresh seeds that all confirmed trials have are fewer than
    two. difference: that to the first run's, with its 95% interval, by the fresh seeds that all
    confirmed trials of both have; None of the first, and where the runs have other seeds. on_front:
    how many of its trials are on the front of all runs. spread: of its trials' scores over seeds.
    """

    run: Run
    trials: int
    hypervolume: float
    confirmed: float | None
    low: float | None
    high: float | None
    difference: tuple[float, float, float] | None
    on_front: int
    spread: Spread | None = None


@dataclass(frozen=True)
class Comparison:
    """front: members of the front of all runs, cheapest first, each with its run's place in `runs`
    and the score that it counts by. by: what that is, `fresh seeds` where all runs are confirmed,
    else `search scores`. ranges: least and largest of each cost. notes: what a reader has to know.
    groups: runs that differ by their seed alone, by that same hypervolume.
    """

    objectives: tuple[str, ...]
    reference: float
    ranges: dict[str, tuple[float, float]]
    by: str
    runs: tuple[Compared, ...]
    front: tuple[tuple[int, Trial, float], ...]
    notes: tuple[str, ...]
    groups: tuple[Group, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with names that stay."""
        rows = [
            {name: value for name, value in vars(own).items() if name != "spread"}
            | {"run": str(own.run.path)}
            for own in self.runs
        ]
        members = [
            {"run": str(self.runs[place].run.path), "worth": worth}
            | trial_row(trial, self.runs[place].spread)
            for place, trial, worth in self.front
        ]
        return vars(self) | {
            "runs": rows, "front": members, "groups": [vars(own) for own in self.groups],
        }  # fmt: skip


def compare_runs(paths: Sequence[str | Path | Run], reference: float | None = None) -> Comparison:
    """Compare two or more runs; UserError where what they were scored by differs.

    Baselines that a search trained beside its front are not its own, and are left out.
    reference: the score above which the hypervolume counts. The interval is by the jackknife over
    fresh seeds: each is left out in turn, of all trials at once, so what a seed does to all alike
    is in it; Student's t with one degree of freedom less than there are seeds. That of a difference
    is narrower where both runs gain by the same seeds.
    """
    runs = [open_run(path).snapshot() for path in several(paths)]
    reference = None if reference is None else real("--reference", reference)
    if len(runs) < 2:
        raise UserError(f"{len(runs)} run; give two at least to compare")
    for other in runs[1:]:
        _refuse_difference(runs[0], other)
    objectives, notes = _objectives(runs)
    costs = [name for name in objectives if name != SCORE]
    own = [
        [t for t in searched(run.all_trials()) if t.state == "complete" or confirmed(t)]
        for run in runs
    ]
    bars = [reference_score(trials) for trials in own]
    if None in bars:
        early = [str(run.path) for run, bar in zip(runs, bars, strict=True) if bar is None]
        raise UserError(f"{', '.join(early)}: no trial is complete yet")
    if reference is None:
        reference = min(bar for bar in bars if bar is not None)
    ranges = {name: _range(name, runs, own) for name in costs}
    scale = Scale(ranges, reference)
    sure = [is_confirmed(trials, objectives) for trials in own]
    by_seeds = all(sure)
    points = [_worth(trials, fresh=by_seeds) for trials in own]
    everything = [(i, t, worth) for i, pairs in enumerate(points) for t, worth in pairs]
    rows = [[worth if n == SCORE else t.costs[n] for n in objectives] for _, t, worth in everything]
    mask = front_mask(rows, objectives)
    members = [member for member, on in zip(everything, mask, strict=True) if on]
    found = []
    for place, (run, trials) in enumerate(zip(runs, own, strict=True)):
        mean, low, high = _confirmed(trials, scale) if sure[place] else (None, None, None)
        alike = run.asked["seed"] == runs[0].asked["seed"]
        paired = place > 0 and sure[0] and sure[place] and alike
        found.append(
            Compared(
                run=run,
                trials=len(trials),
                hypervolume=_area(scale, _worth(trials, fresh=False)),
                confirmed=mean,
                low=low,
                high=high,
                difference=_difference(own[0], trials, scale) if paired else None,
                on_front=sum(i == place for i, _, _ in members),
                spread=spread(trials),
            )
        )
    if any(sure) and not by_seeds:
        notes.append("not every run is confirmed: the front of all goes by search scores")
    areas = [
        own.confirmed if by_seeds and own.confirmed is not None else own.hypervolume
        for own in found
    ]
    return Comparison(
        objectives,
        reference,
        ranges,
        "fresh seeds" if by_seeds else "search scores",
        tuple(found),
        tuple(sorted(members, key=lambda own: (own[1].costs[costs[0]], own[0]))),
        tuple(notes),
        groups_of(runs, areas),
    )


def _area(scale: Scale, pairs: Sequence[tuple[Trial, float]]) -> float:
    """The hypervolume of trials, each with the score that it counts by."""
    return scale.hypervolume([t.costs for t, _ in pairs], [worth for _, worth in pairs])


def _worth(trials: Sequence[Trial], *, fresh: bool) -> list[tuple[Trial, float]]:
    """Trials with what they count by: the mean of fresh seeds, or the score of the search."""
    if not fresh:
        return [(t, t.scores[SCORE]) for t in trials if t.state == "complete"]
    return [(t, found.mean) for t in trials if (found := confirmed(t))]


def _confirmed(trials: Sequence[Trial], scale: Scale) -> tuple[float, float | None, float | None]:
    """The hypervolume by fresh seeds, and its interval where that is known."""
    mean, reach = _by_seeds([trials], lambda areas: areas[0], scale)
    if reach is None:
        return mean, None, None
    most = max(0.0, 1.0 - scale.reference)  # no score is above 1
    return mean, max(0.0, mean - reach), min(most, mean + reach)


def _difference(
    first: Sequence[Trial], other: Sequence[Trial], scale: Scale
) -> tuple[float, float, float] | None:
    """How much more hypervolume the other run has, with its interval; None where that is not
    known."""
    more, reach = _by_seeds([first, other], lambda areas: areas[1] - areas[0], scale)
    return None if reach is None else (more, more - reach, more + reach)


def _by_seeds(
    runs: Sequence[Sequence[Trial]], of: Callable[[list[float]], float], scale: Scale
) -> tuple[float, float | None]:
    """What `of` makes of the runs' hypervolumes by fresh seeds, and half of its 95% interval.

    Of several runs by the seeds that all their trials have: what another one does to some of them
    alone would be in the difference, and not in its interval.
    """
    from scipy.special import stdtrit

    own = [[trial for trial in trials if confirmed(trial)] for trials in runs]
    finite = [
        {seed for seed, score in trial.fresh.items() if math.isfinite(score)}
        for trials in own
        for trial in trials
    ]
    shared = sorted(set.intersection(*finite))
    count = len(shared)

    def by(seeds: Sequence[int]) -> float:
        return of([
            _area(scale, [(t, statistics.fmean(t.fresh[seed] for seed in seeds)) for t in trials])
            for trials in own
        ])  # fmt: skip

    whole = of([_area(scale, _worth(trials, fresh=True)) for trials in own])
    if count < LEAST:
        return whole, None
    if len(runs) > 1:
        whole = by(shared)
    without = np.array([by([seed for seed in shared if seed != out]) for out in shared])
    error = math.sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
    return whole, float(stdtrit(count - 1, 0.975)) * error


def _refuse_difference(first: Run, other: Run) -> None:
    """Scores can be compared where data, split and training at full length are the same."""
    one, two = (
        {"data": written(run.asked["data"]), "split": run.asked.get("split")}
        | flat({"recipe": {n: v for n, v in run.asked["recipe"].items() if n not in FREE}})
        for run in (first, other)
    )
    for name in sorted({*one, *two}):
        if one.get(name) != two.get(name):
            raise UserError(
                f"{first.path} and {other.path} can not be compared: {name} is {one.get(name)} "
                f"and {two.get(name)}"
            )


def _objectives(runs: Sequence[Run]) -> tuple[tuple[str, ...], list[str]]:
    """What is compared by, and what is to be said of how the runs differ."""
    notes = []
    objectives = runs[0].objectives
    if any(run.objectives != objectives for run in runs):
        objectives = (SCORE, "macs")
        notes.append("the runs have other objectives: compared by score and macs")
    elif any(run.asked.get("latency") != runs[0].asked.get("latency") for run in runs):
        objectives = (SCORE, "macs")
        notes.append("latency is of other settings or devices: compared by score and macs")
    seeds = list(dict.fromkeys(run.asked["seed"] for run in runs))
    if len(seeds) > 1:
        notes.append(
            f"other seeds ({', '.join(map(str, seeds))}) hold out other identities or images: "
            "scores differ by that too"
        )
    spaces = list(dict.fromkeys(run.asked["space"] for run in runs))
    if len(spaces) > 1:
        notes.append(f"other spaces ({', '.join(spaces)}): costs are scaled over all of them")
    return objectives, notes


def _range(
    name: str, runs: Sequence[Run], trials: Sequence[Sequence[Trial]]
) -> tuple[float, float]:
    """Least and largest of a cost: exact over the spaces; of the trials where it was measured."""
    ends: list[float] = []
    for run, own in zip(runs, trials, strict=True):
        known = run.asked.get("cost_range", {}).get(name)
        ends += known or [trial.costs[name] for trial in own if name in trial.costs]
    return min(ends), max(ends)
