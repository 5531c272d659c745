"""What runs there are, and how each of them stands: by aggregates, without reading the trials.

A record of tens of thousands of trials is told in well under a second.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.arguments import a_path
from nas.errors import UserError
from nas.lock import in_use
from nas.search.budget import TRAINING, Budget
from nas.search.record import FAILED, REUSED, VERSION, open_to_read
from nas.search.session import last_session

FINISHED, GOING_ON, INTERRUPTED, DAMAGED = "finished", "going on", "interrupted", "damaged"
BEST = """
SELECT max(json_extract(jobs.scores, '$.score')) FROM jobs JOIN trials ON number = trial
WHERE trials.state = 'complete' AND replicate = 0 AND epoch = ? AND json_valid(jobs.scores)
"""
OWN = """
SELECT count(*) FROM trials WHERE state <> 'baseline' AND json_extract(note, '$.from') IS NULL
"""
SPENT = f"""
SELECT count(*), coalesce(sum((epoch - from_epoch) * (jobs.reason <> '{REUSED}')), 0),
    coalesce(sum({TRAINING}.0 * images * json_extract(costs, '$.macs')), 0),
    sum(outcome = 'done' AND epoch = ?), max(finished_at)
FROM jobs JOIN trials ON number = trial
"""


@dataclass(frozen=True)
class Overview:
    """A run in short. kind: search, audit, ablation (its trials are rows) or training (one trial).

    space: searched, or the key of the architecture that is trained. trials: how many, by state.
    best: the largest score at full length; None where there is none. spent: seconds, trials,
    epochs, macs of training, and replicates at full length. budget: of the last session; None where
    it is not known. state: finished, going on (a living driver holds it), interrupted, or damaged,
    for the reason `problem`. changed: seconds since 1970.
    """

    path: Path
    kind: str
    space: str = ""
    data: str = ""
    recipe: str = ""
    trials: dict[str, int] = field(default_factory=dict)
    best: float | None = None
    spent: dict[str, float] = field(default_factory=dict)
    budget: Budget | None = None
    state: str = DAMAGED
    changed: float = 0.0
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with names that stay."""
        budget = self.budget and {"kind": self.budget.kind, "amount": self.budget.amount}
        return vars(self) | {"path": str(self.path), "budget": budget, "left": self.left}

    @property
    def left(self) -> float | None:
        """Of the budget, in its own unit; None where it is not known."""
        if self.budget is None or self.kind == "training":
            return None
        return max(0.0, self.budget.amount - self.spent[_unit(self.budget)])

    def spent_in_words(self) -> str:
        """`4m58s of 5m00s`, in the unit of the budget; time where that is not known."""
        if not self.spent:
            return ""
        budget = self.budget or Budget("time", 0.0)
        words = budget.words(self.spent[_unit(budget)])
        return f"{words} of {budget}" if self.budget else words


def _unit(budget: Budget) -> str:
    return "seconds" if budget.kind == "time" else budget.kind


def list_runs(folder: str | Path = "results") -> list[Overview]:
    """Every search, ablation, audit and training under the folder, the last one changed last.

    UserError where there is no such folder. What is damaged is listed as that.
    """
    root = a_path("folder", folder)
    if not root.is_dir():
        raise UserError(f"{root} is not a directory: runs lie where they were begun, in results/")
    return sorted(map(overview, _directories(root)), key=lambda own: (own.changed, str(own.path)))


def overview(path: Path) -> Overview:
    """One run; UserError where the directory is none."""
    kind = "training" if (path / "train.json").is_file() else "search"
    if kind == "search" and not (path / "run.json").is_file():
        raise UserError(f"{path} is not a run: it has no run.json or train.json")
    try:
        return _training(path) if kind == "training" else _searched(path)
    except (UserError, OSError, ValueError, KeyError, TypeError, sqlite3.Error) as error:
        return Overview(path, kind, problem=str(error), changed=path.stat().st_mtime)


def _directories(root: Path) -> Iterator[Path]:
    """Directories of runs; what is below one is not looked at."""
    for name, folders, files in os.walk(root):
        if "run.json" in files or "train.json" in files:
            folders.clear()
            yield Path(name)
        folders[:] = [folder for folder in folders if not folder.startswith(".")]


def _searched(path: Path) -> Overview:
    from nas.search.run import read_asked

    asked = read_asked(path)
    full = asked["recipe"]["epochs"]
    file = path / "record.db"
    if not file.is_file():  # killed before its first trial, or about to begin
        counts, best, row, seconds, seen = {}, None, (0, 0, 0.0, 0, None), 0.0, None
        own = 0
    else:
        db = open_to_read(file)
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise ValueError(f"record.db is of version {version}, and this reads {VERSION}")
            counts = dict(db.execute("SELECT state, count(*) FROM trials GROUP BY state"))
            (own,) = db.execute(OWN).fetchone()
            (best,) = db.execute(BEST, (full,)).fetchone()
            row = db.execute(SPENT, (full,)).fetchone()
            seconds, seen = db.execute(
                "SELECT coalesce(sum(seen - started), 0), max(seen) FROM sessions"
            ).fetchone()
        finally:
            db.close()
    _, epochs, macs, replicates, finished = row
    counts.pop("baseline", None)
    spent = {
        "seconds": seconds, "trials": own, "epochs": epochs, "macs": macs,
        "replicates": replicates or 0,
    }  # fmt: skip
    session = last_session(path)
    unended = not session.ended if session else counts.get("running", 0) or not counts
    times = [t for t in (seen, finished) if t] or [(path / "run.json").stat().st_mtime]
    return Overview(
        path=path,
        kind="audit" if "audit" in asked else "ablation" if "design" in asked else "search",
        space=asked["space"],
        data=asked["data"],
        recipe=str(asked["recipe"]["name"]),
        trials=counts,
        best=best,
        spent=spent,
        budget=session.budget if session else None,
        state=GOING_ON if in_use(path) else INTERRUPTED if unended else FINISHED,
        changed=max(times),
    )


def _training(path: Path) -> Overview:
    from nas.data import written
    from nas.training.asked import KIND

    asked = KIND.read(path)
    rows: list[dict[str, str]] = []
    if (path / "metrics.csv").is_file():
        with open(path / "metrics.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    scores: Any = {}
    if (path / "scores.json").is_file():
        found = json.loads((path / "scores.json").read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("scores.json is damaged")
        trained = written(asked["data"])  # it may have gone on with the same, written otherwise
        scores = next((own for spec, own in found.items() if written(spec) == trained), {})
        if not isinstance(scores, dict):
            raise ValueError("scores.json is damaged")
    ended = bool(scores)
    files = [file.stat().st_mtime for file in path.iterdir()]
    return Overview(
        path=path,
        kind="training",
        space=asked["key"],
        data=asked["data"],
        recipe=str(asked["recipe"]["name"]),
        trials={"complete" if ended else "running": 1},
        best=scores.get("score"),
        spent={"epochs": len(rows), "seconds": sum(float(row["seconds"]) for row in rows)},
        budget=Budget("epochs", asked["recipe"]["epochs"]),
        state=GOING_ON if in_use(path) else FINISHED if ended else INTERRUPTED,
        changed=max(files),
    )


def failed(counts: dict[str, int]) -> int:
    """Of trials by state, those that failed or were infeasible."""
    return sum(counts.get(state, 0) for state in FAILED)
