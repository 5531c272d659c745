"""The record of a run: what every trial and every finished job was, in SQLite.

Written by the driver alone, one transaction a change: whatever was recorded survives a kill.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nas.architecture import Architecture, from_document, to_document
from nas.architecture.fields import Value
from nas.errors import Unwritable, UserError
from nas.plugins import maybe_missing
from nas.training.job import Job, Result

SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, point TEXT NOT NULL,
    architecture TEXT NOT NULL, costs TEXT NOT NULL, note TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', baseline TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS searched ON trials (key) WHERE state <> 'baseline';
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, trial INTEGER NOT NULL REFERENCES trials (number),
    replicate INTEGER NOT NULL, from_epoch INTEGER NOT NULL, epoch INTEGER NOT NULL,
    outcome TEXT NOT NULL, reason TEXT NOT NULL, scores TEXT NOT NULL, digest TEXT NOT NULL,
    train_seconds REAL NOT NULL, eval_seconds REAL NOT NULL,
    images INTEGER NOT NULL, finished_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (started REAL PRIMARY KEY, seen REAL NOT NULL);
PRAGMA user_version = 2;
"""
VERSION = 2
KEYS_ONCE = "SELECT 1 FROM sqlite_master WHERE name = 'trials' AND sql LIKE '%UNIQUE%'"
"""Whether the file is of when a baseline could not be recorded beside a trial of the same key."""
KEYS_TWICE = f"""
BEGIN;
ALTER TABLE trials RENAME TO former;
{SCHEMA}
INSERT INTO trials SELECT * FROM former;
DROP TABLE former;
COMMIT;
"""
FAILED = ("failed", "infeasible")
REUSED = "reused"
"""The reason of a job that another run has trained: it took nothing here."""
NO_TRIAL = -1
"""Of a record that is opened for its jobs alone: the number of the trial to read."""
DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


@dataclass(frozen=True)
class Trial:
    """One architecture under evaluation, with all that is known of it.

    state: running (a job of it is, or was when the driver ended); stopped (it stands on a rung and
    may be promoted); complete (trained at full length); failed, or infeasible (out of memory);
    baseline (it is only trained beside the front).

    point: its parameters. costs: exact ones, and measured ones once its first job has ended. note:
    what its sampler wants to find again; `from` is the trial that it was taken over from.
    baseline: the name of the baseline whose architecture it has, if of one. reason: why it failed;
    of a baseline, which constraint of the space it breaks.
    rungs: its score after each epoch in which it was scored, of replicate 0; `scores` is all that
    was scored at the last of them, and its `score` is maximised. digests: of the checkpoint there.
    fresh: the scores at full length of the replicates from 1, which chose nothing; NaN where one
    failed.
    seconds, images and epochs: what its jobs took here, and trained on.
    """

    number: int
    key: str
    point: dict[str, Value]
    architecture: Architecture
    costs: dict[str, float]
    note: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    reason: str = ""
    baseline: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    rungs: dict[int, float] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    fresh: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    images: int = 0
    epochs: int = 0

    @property
    def epoch(self) -> int:
        """The epoch in which it was last scored; 0 before."""
        return max(self.rungs, default=0)

    @property
    def is_baseline(self) -> bool:
        """Whether it stands for a baseline: trained as one, or by the search to full length."""
        return bool(self.baseline) and self.state in ("baseline", "complete")

    @property
    def outside(self) -> str:
        """How it breaks the space's constraints, as a baseline may: it is seen beside the front and
        never on it; empty where it does not."""
        return self.reason if self.state == "baseline" else ""

    @property
    def imported(self) -> bool:
        """Whether it was taken over from an earlier run."""
        return "from" in self.note

    def row(self) -> dict[str, Any]:
        """The trial as one flat row: number, state, scores, costs, parameters, key."""
        return {
            "trial": self.number,
            "state": self.state,
            "epoch": self.epoch,
            **self.scores,
            **self.costs,
            **self.point,
            "seconds": round(self.seconds, 2),
            "key": self.key,
            "baseline": self.baseline,
            "reason": self.reason,
        }


class Record:
    """The record in the file `path`; made where there is none.

    What can not be written is not there afterwards, in the file or here, and is Unwritable. only:
    the number of a trial, to read that one alone; such a record changes nothing.
    """

    def __init__(self, path: Path, *, read_only: bool = False, only: int | None = None) -> None:
        self.path = path
        if read_only and not path.exists():  # a relative path may be read from elsewhere now
            raise UserError(f"{path.absolute()} is not there")
        try:
            if read_only:
                self.db = open_to_read(path)
            else:
                self.db = sqlite3.connect(path)
                self.db.execute("PRAGMA journal_mode = WAL")
                self.db.execute("PRAGMA synchronous = FULL")
            (version,) = self.db.execute("PRAGMA user_version").fetchone()
            if version not in ((VERSION,) if read_only else (0, VERSION)):
                raise ValueError(f"it is of version {version}, and this reads {VERSION}")
            if not read_only:
                self.db.execute("PRAGMA legacy_alter_table = ON")  # what refers to it stays
                former = self.db.execute(KEYS_ONCE).fetchone()
                self.db.executescript(KEYS_TWICE if former else SCHEMA)
            self._trials = self._read() if only is None else self._read(only, only)
            self.seconds_spent()
        except UserError as error:  # an architecture that is not known: a plug-in's
            raise UserError(f"{path}: {error}{maybe_missing(path.parent)}") from None
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in DISK:
                raise Unwritable(f"{path} can not be written ({error})") from None
            raise UserError(f"{path}: not a readable record of a run ({error})") from None

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self.db:
                yield
        except sqlite3.OperationalError as error:
            raise Unwritable(f"{self.path} can not be written ({error})") from None

    def trials(self) -> list[Trial]:
        """All trials, by number: as they stood when the file was opened, and as changed here."""
        return list(self._trials)

    def _read(self, first: int = 0, last: int = 2**62) -> list[Trial]:
        """The trials from number `first` to `last`, from the file."""
        done: dict[int, dict[str, Any]] = {}
        for trial, replicate, epoch, outcome, scores, digest, *spent in self.db.execute(
            "SELECT trial, replicate, epoch, outcome, scores, digest, "
            "train_seconds + eval_seconds, images, (epoch - from_epoch) * (reason <> ?) FROM jobs "
            "WHERE trial BETWEEN ? AND ? ORDER BY finished_at, id",
            (REUSED, first, last),
        ):
            own = done.setdefault(trial, {"rungs": {}, "digests": {}, "fresh": {}})
            for name, value in zip(("seconds", "images", "epochs"), spent, strict=True):
                own[name] = own.get(name, 0) + value
            found = json.loads(scores)
            if replicate:
                own["fresh"][replicate] = found.get("score", math.nan)
            elif outcome == "done":
                if epoch > max(own["rungs"], default=0):  # clocks are set back at times
                    own["scores"] = found
                own["rungs"][epoch], own["digests"][epoch] = found["score"], digest
        trials = []
        for number, key, point, architecture, costs, note, *plain in self.db.execute(
            "SELECT number, key, point, architecture, costs, note, state, reason, baseline "
            "FROM trials WHERE number BETWEEN ? AND ? ORDER BY number",
            (first, last),
        ):
            network = from_document(json.loads(architecture))
            documents = (json.loads(text) for text in (costs, note))
            own = done.get(number, {})
            trials.append(Trial(number, key, json.loads(point), network, *documents, *plain, **own))
        return trials

    def add(self, trial: Trial) -> None:
        """Record a trial that is about to run."""
        with self._transaction():
            self.db.execute(
                "INSERT INTO trials "
                "(number, key, point, architecture, costs, note, state, reason, baseline) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    trial.number,
                    trial.key,
                    json.dumps(trial.point),
                    json.dumps(to_document(trial.architecture)),
                    json.dumps(trial.costs),
                    json.dumps(trial.note),
                    trial.state,
                    trial.reason,
                    trial.baseline,
                ),
            )
        self._trials += self._read(trial.number, trial.number)

    def change(self, number: int, **columns: str) -> Trial:
        """Record another state, reason or baseline of a trial, which is returned."""
        names = ", ".join(f"{name} = ?" for name in columns)
        with self._transaction():
            self.db.execute(
                f"UPDATE trials SET {names} WHERE number = ?", (*columns.values(), number)
            )
        return self._again(number)

    def name_baselines(self, names: Mapping[str, str], outside: Mapping[str, str]) -> None:
        """Record which of the trials that the search tried have the architecture of a baseline, and
        what those break that were only trained beside it: earlier versions did not.

        names: of the baselines, by key; outside: what they break, of those that do.
        """
        for trial in self.trials():
            if trial.state == "baseline" and trial.key in outside and not trial.reason:
                self.change(trial.number, reason=outside[trial.key])
        for trial in searched(self.trials()):
            name = names.get(trial.key, "")
            if trial.baseline != name:
                self.change(trial.number, baseline=name)

    def finish(self, job: Job, result: Result) -> Trial:
        """Record what became of a job, and with it of its trial, which is returned.

        A replicate is one more score of its trial, or none, and changes nothing else, but for what
        was not measured yet.
        """
        with self._transaction():
            self.db.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job.id,
                    job.trial,
                    job.replicate,
                    job.from_epoch,
                    job.to_epoch,
                    result.outcome,
                    result.reason,
                    json.dumps(result.scores),
                    digest(result.state),
                    result.train_seconds,
                    result.eval_seconds,
                    result.images,
                    time.time(),
                ),
            )
            if result.measured:
                costs = self._trials[job.trial].costs | result.measured
                self.db.execute(
                    "UPDATE trials SET costs = ? WHERE number = ?", (json.dumps(costs), job.trial)
                )
            if not job.replicate:
                ended = "complete" if job.to_epoch == job.recipe.epochs else "stopped"
                state = ended if result.outcome == "done" else result.outcome
                self.db.execute(
                    "UPDATE trials SET state = ?, reason = ? WHERE number = ?",
                    (state, result.reason, job.trial),
                )
        return self._again(job.trial)

    def scores(self, trial: int, replicate: int, epoch: int) -> dict[str, float] | None:
        """What a finished job has scored; None where it is not done."""
        row = self.db.execute(
            "SELECT scores FROM jobs WHERE trial = ? AND replicate = ? AND epoch = ? "
            "AND outcome = 'done'",
            (trial, replicate, epoch),
        ).fetchone()
        return json.loads(row[0]) if row else None

    def history(self, trial: int | None = None) -> list[dict[str, Any]]:
        """Every finished job, or those of one trial, in the order in which they ended.

        at: seconds of wall-clock time that drivers had been at work by then; the rest is as it was
        recorded.
        """
        names = (
            "trial", "replicate", "from_epoch", "epoch", "outcome", "reason", "scores",
            "train_seconds", "eval_seconds", "images", "finished_at",
        )  # fmt: skip
        sessions = self.db.execute("SELECT started, seen FROM sessions").fetchall()
        rows = []
        for values in self.db.execute(
            f"SELECT {', '.join(names)} FROM jobs WHERE ? IS NULL OR trial = ? "
            "ORDER BY finished_at, id",
            (trial, trial),
        ):
            row = dict(zip(names, values, strict=True))
            ended = row["finished_at"]
            at = sum(max(0.0, min(seen, ended) - started) for started, seen in sessions)
            rows.append(row | {"scores": json.loads(row["scores"]), "at": at})
        return rows

    def count(self) -> int:
        """How many trials the file has."""
        (found,) = self.db.execute("SELECT count(*) FROM trials").fetchone()
        return int(found)

    def jobs(self) -> list[tuple[str, str, str]]:
        """Every finished job: its id, outcome and reason, in the order in which they ended."""
        return self.db.execute(
            "SELECT id, outcome, reason FROM jobs ORDER BY finished_at, id"
        ).fetchall()

    def _again(self, number: int) -> Trial:
        (self._trials[number],) = self._read(number, number)
        return self._trials[number]

    def session(self, started: float, seconds: float) -> None:
        """Note that a driver has been at work from `started` (a time.time()), for so long."""
        with self._transaction():
            self.db.execute(
                "INSERT INTO sessions VALUES (?, ?) "
                "ON CONFLICT (started) DO UPDATE SET seen = excluded.seen",
                (started, started + seconds),
            )

    def seconds_spent(self) -> float:
        """Wall-clock seconds over all sessions."""
        (total,) = self.db.execute(
            "SELECT coalesce(sum(seen - started), 0) FROM sessions"
        ).fetchone()
        return float(total)


def open_to_read(path: Path) -> sqlite3.Connection:
    """The file, for queries alone.

    SQLite writes beside it to read it. Where it may not, and there is no log of one who writes, the
    file is one that does not change. An empty log is what a reader leaves.
    """
    file = path.resolve()
    log = file.with_name(f"{file.name}-wal")
    still = not os.access(file.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    return sqlite3.connect(f"{file.as_uri()}?mode=ro{'&immutable=1' * still}", uri=True)


def searched(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that a sampler proposed: without baselines, which may lie outside of the space."""
    return [trial for trial in trials if trial.state != "baseline"]


def proposed_here(trials: Sequence[Trial]) -> list[Trial]:
    """Those of them that were not taken over from an earlier run."""
    return [trial for trial in searched(trials) if not trial.imported]


def digest(state: bytes) -> str:
    """What tells a checkpoint from a damaged one; empty for none."""
    return blake2b(state, digest_size=8).hexdigest() if state else ""
