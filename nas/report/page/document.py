"""What a report tells of a run, as plain data: columns of trials, fronts, and what made it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nas.cost import ALL_COSTS
from nas.lock import in_use
from nas.report.kinds import kinds
from nas.report.published import SOURCE, published
from nas.report.words import varying_names
from nas.search import Run, Trial, front
from nas.search.objectives import SCORE, metric_of
from nas.search.run import shown_by
from nas.space.paths import short

DIGITS = 9  # more than are shown: what was rounded twice would differ from other tables


def document(run: Run, trials: Sequence[Trial]) -> dict[str, Any]:
    """Columns, one value a trial, None where there is none; fronts by cost, as trials' numbers.

    kind: as `kinds` has it, and interrupted where it was running; the front is that of the run's
    objectives, and members are all on it, baselines too. height: the mean of fresh
    replicates, where there are any, else the score.
    """
    costs = [name for name in ALL_COSTS if any(name in t.costs for t in trials)]
    costs = costs or list(run.costs)  # where no trial has begun
    members = {t.number for t in front(trials, run.objectives)}
    fronts = {
        cost: [t.number for t in _by_cost(front(trials, run.objectives, cost), cost)]
        for cost in costs
    }
    heights = shown_by(trials, run.objectives)
    shown_as = [heights.get(trial.number, (None, None)) for trial in trials]
    sure = [found for _, found in shown_as]
    known_as = kinds(trials, run.objectives, members)
    left = {} if in_use(run.path) else {"running": "interrupted"}
    scores = list(dict.fromkeys(n for t in trials for n in t.scores if n != SCORE))
    columns: dict[str, list[Any]] = {
        "trial": [trial.number for trial in trials],
        "kind": [left.get(known_as[t.number], known_as[t.number]) for t in trials],
        "epoch": [trial.epoch for trial in trials],
        "height": [_round(height) for height, _ in shown_as],
        "low": [_round(found.low) if found else None for found in sure],
        "high": [_round(found.high) if found else None for found in sure],
        "replicates": [found.replicates if found else 0 for found in sure],
        **{name: [_round(trial.scores.get(name)) for trial in trials] for name in scores},
        **{name: [_plain(trial.costs.get(name)) for trial in trials] for name in costs},
        "seconds": [round(trial.seconds) for trial in trials],
        "name": [trial.baseline or trial.note.get("row", "") for trial in trials],
        "reason": [trial.reason for trial in trials],
        "key": [trial.key for trial in trials],
    }
    main = metric_of(scores)
    return {
        "path": str(run.path), "space": run.asked["space"], "data": run.asked["data"],
        "score": {"top1": "top-1"}.get(main, main),
        "main": main, "scores": scores, "costs": costs, "cost": run.costs[0],
        "published": [vars(own) for own in published(run.asked["data"])], "source": SOURCE,
        "columns": columns, "parameters": _parameters(trials),
        "fronts": fronts, "members": sorted(members),
    }  # fmt: skip


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that may stand in a script element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def about(run: Run) -> dict[str, str]:
    """What made the run: the command, versions, machine, the state of git; in words."""
    found = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    rows = {"command": found.get("command", "")}
    recipe = run.asked["recipe"]
    for name in ("space_hash", "sampler", "score_min", "seed", "eta"):
        if name in run.asked:
            rows[name.replace("_", " ")] = str(run.asked[name])
    rows["constraints"] = "; ".join(run.asked.get("constraints", ()))
    rows["objectives"] = ", ".join(run.objectives)
    rows["recipe"] = ", ".join(f"{name} {value}" for name, value in recipe.items() if value != "")
    for name in ("versions", "machine", "git"):
        own = found.get(name) or {}
        words = (f"{key} {value}" for key, value in own.items()) if isinstance(own, dict) else [own]
        rows[name] = ", ".join(map(str, words))
    rows["warning"] = "; ".join(found.get("changes") or ())
    return {name: text for name, text in rows.items() if text}


def _parameters(trials: Sequence[Trial]) -> dict[str, dict[str, Any]]:
    """Those that vary: their values, and of each trial which one, -1 where it has none."""
    points = [trial.point for trial in trials]
    found = {}
    for name in varying_names([point for point in points if point]):
        values = list(dict.fromkeys(point[name] for point in points if name in point))
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            values.sort(key=float)
        place = {value: code for code, value in enumerate(values)}
        codes = [place[point[name]] if name in point else -1 for point in points]
        found[short(name)] = {"values": values, "codes": codes}
    return found


def _by_cost(trials: Sequence[Trial], cost: str) -> list[Trial]:
    return sorted(trials, key=lambda trial: trial.costs[cost])


def _round(value: float | None) -> float | None:
    return round(value, DIGITS) if value is not None and math.isfinite(value) else None


def _plain(value: float | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if value == int(value) else _round(value)
