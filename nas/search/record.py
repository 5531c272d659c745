"""The record of a run: what every trial and every finished job was, in SQLite.

Written by the driver alone, one transaction a change: whatever was recorded survives a kill.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.architecture import Architecture, from_document, to_document
from nas.architecture.fields import Value
from nas.errors import UserError
from nas.training.job import Job, Result

SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, point TEXT NOT NULL,
    architecture TEXT NOT NULL, costs TEXT NOT NULL, note TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, trial INTEGER NOT NULL REFERENCES trials (number),
    replicate INTEGER NOT NULL, epoch INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
    scores TEXT NOT NULL, train_seconds REAL NOT NULL, eval_seconds REAL NOT NULL,
    images INTEGER NOT NULL, finished_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (started REAL PRIMARY KEY, seen REAL NOT NULL);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True)
class Trial:
    """One architecture under evaluation. state: running, complete or failed.

    point: its parameters. costs: exact ones, and once it is complete measured ones. scores: of its
    last finished job; `score` is maximised. note: what its sampler wants to find again. seconds and
    images: what its jobs took, and trained on.
    """

    number: int
    key: str
    point: dict[str, Value]
    architecture: Architecture
    costs: dict[str, float]
    note: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    reason: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    images: int = 0

    def row(self) -> dict[str, Any]:
        """The trial as one flat row: number, state, scores, costs, parameters, key."""
        return {
            "trial": self.number,
            "state": self.state,
            **self.scores,
            **self.costs,
            **self.point,
            "seconds": round(self.seconds, 2),
            "key": self.key,
            "reason": self.reason,
        }


class Record:
    """The record in the file `path`; made where there is none."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        try:
            if read_only:
                self.db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            else:
                self.db = sqlite3.connect(path)
                self.db.execute("PRAGMA journal_mode = WAL")
                self.db.execute("PRAGMA synchronous = FULL")
                self.db.executescript(SCHEMA)
            self._trials = self._read()
            self.seconds_spent()
        except UserError as error:  # an architecture that is not known: a plug-in's
            raise UserError(f"{path}: {error}; does it need --plugin?") from None
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: not a readable record of a run ({error})") from None

    def close(self) -> None:
        self.db.close()

    def trials(self) -> list[Trial]:
        """All trials, by number: as they stood when the file was opened, and as changed here."""
        return list(self._trials)

    def _read(self, first: int = 0, last: int = 2**62) -> list[Trial]:
        """The trials from number `first` to `last`, from the file."""
        done: dict[int, tuple[dict[str, float], float, int]] = {}
        rows = self.db.execute(
            "SELECT trial, outcome, scores, train_seconds + eval_seconds, images FROM jobs "
            "WHERE trial BETWEEN ? AND ? ORDER BY finished_at",
            (first, last),
        )
        for trial, outcome, scores, seconds, images in rows:
            before = done.get(trial, ({}, 0.0, 0))
            latest = json.loads(scores) if outcome == "done" else before[0]
            done[trial] = (latest, before[1] + seconds, before[2] + images)
        found = []
        for number, key, point, architecture, costs, note, state, reason in self.db.execute(
            "SELECT number, key, point, architecture, costs, note, state, reason FROM trials "
            "WHERE number BETWEEN ? AND ? ORDER BY number",
            (first, last),
        ):
            scores, seconds, images = done.get(number, ({}, 0.0, 0))
            found.append(
                Trial(
                    number,
                    key,
                    json.loads(point),
                    from_document(json.loads(architecture)),
                    json.loads(costs),
                    json.loads(note),
                    state,
                    reason,
                    scores,
                    seconds,
                    images,
                )
            )
        return found

    def add(self, trial: Trial) -> None:
        """Record a trial that is about to run."""
        with self.db:
            self.db.execute(
                "INSERT INTO trials (number, key, point, architecture, costs, note, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    trial.number,
                    trial.key,
                    json.dumps(trial.point),
                    json.dumps(to_document(trial.architecture)),
                    json.dumps(trial.costs),
                    json.dumps(trial.note),
                    trial.state,
                ),
            )
        self._trials += self._read(trial.number, trial.number)

    def finish(self, job: Job, result: Result) -> Trial:
        """Record what became of a job, and with it of its trial, which is returned."""
        state = {"done": "complete", "failed": "failed"}[result.outcome]
        with self.db:
            self.db.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job.id,
                    job.trial,
                    job.replicate,
                    job.to_epoch,
                    result.outcome,
                    result.reason,
                    json.dumps(result.scores),
                    result.train_seconds,
                    result.eval_seconds,
                    result.images,
                    time.time(),
                ),
            )
            costs = self._trials[job.trial].costs | result.measured
            self.db.execute(
                "UPDATE trials SET state = ?, reason = ?, costs = ? WHERE number = ?",
                (state, result.reason, json.dumps(costs), job.trial),
            )
        (self._trials[job.trial],) = self._read(job.trial, job.trial)
        return self._trials[job.trial]

    def session(self, started: float) -> None:
        """Note that a driver has been at work from `started` until now (time.time())."""
        with self.db:
            self.db.execute(
                "INSERT INTO sessions VALUES (?, ?) "
                "ON CONFLICT (started) DO UPDATE SET seen = excluded.seen",
                (started, time.time()),
            )

    def seconds_spent(self) -> float:
        """Wall-clock seconds over all sessions."""
        (total,) = self.db.execute(
            "SELECT coalesce(sum(seen - started), 0) FROM sessions"
        ).fetchone()
        return float(total)
