"""A run: the directory that holds everything about one search, and can resume it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.directory import Kind, make_directory
from nas.errors import UserError
from nas.files import write_atomically
from nas.search.objectives import front_mask, values
from nas.search.record import Record, Trial

if TYPE_CHECKING:
    import pandas as pd

FOLDERS = ("checkpoints", "outbox")
COLUMNS = ["trial", "state", "score", "macs", "params", "activation_bytes", "seconds", "key"]
LIBRARIES = ("torch", "optuna", "fvcore", "thop", "numpy", "pandas")


class Run:
    """A run that can be read: its trials, its front, and what was asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked = read_asked(path)
        self.objectives: tuple[str, ...] = tuple(self.asked["objectives"])

    def all_trials(self) -> list[Trial]:
        """Every trial of the record, by number."""
        record = Record(self.path / "record.db", read_only=True)
        try:
            return record.trials()
        finally:
            record.close()

    def trials(self) -> pd.DataFrame:
        """One row a trial: number, state, scores, costs, parameters; `front` marks the front."""
        import pandas as pd

        trials = self.all_trials()
        frame = pd.DataFrame([trial.row() for trial in trials], columns=None if trials else COLUMNS)
        members = {trial.number for trial in front(trials, self.objectives)}
        frame["front"] = pd.array([trial.number in members for trial in trials], dtype=bool)
        return frame

    def front(self) -> pd.DataFrame:
        """The non-dominated trials, cheapest first (by the first cost among the objectives)."""
        return self._front_of(self.trials())

    def _front_of(self, frame: pd.DataFrame) -> pd.DataFrame:
        costs = [name for name in self.objectives if name != "score"]
        return frame[frame["front"]].drop(columns="front").sort_values(costs).reset_index(drop=True)

    def write_tables(self) -> None:
        """Write trials.csv and front.csv."""
        frame = self.trials()
        write_atomically(self.path / "trials.csv", frame.to_csv(index=False))
        write_atomically(self.path / "front.csv", self._front_of(frame).to_csv(index=False))


def front(trials: Sequence[Trial], objectives: Sequence[str]) -> list[Trial]:
    """The complete trials that no other one beats in every objective."""
    complete = [trial for trial in trials if trial.state == "complete"]
    points = [values(trial.scores | trial.costs, objectives) for trial in complete]
    mask = front_mask(points, objectives)
    return [trial for trial, member in zip(complete, mask, strict=True) if member]


def open_run(path: str | Path) -> Run:
    """Open a run's directory; UserError where it is none."""
    folder = Path(path)
    if not (folder / "run.json").is_file() or not (folder / "record.db").is_file():
        raise UserError(f"{folder} is not a run: it has no run.json with a record.db beside it")
    return Run(folder)


def read_asked(path: Path) -> dict[str, Any]:
    """What a run's directory says was asked for; UserError where its run.json is damaged."""
    file = path / "run.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        asked: dict[str, Any] = found["asked"]
        for name, kind in (("space", str), ("data", str), ("objectives", list), ("recipe", dict)):
            if not isinstance(asked[name], kind):
                raise ValueError(f"{name} is not a {kind.__name__}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is damaged ({type(error).__name__}: {error})") from None
    return asked


def default_path(asked: Mapping[str, Any]) -> Path:
    """`results/<space>-<data>-s<seed>`, and a hash where something else than these was asked."""
    plain = {"objectives": ["score", "macs"], "sampler": "tpe", "recipe": "quick"}
    rest = {k: v for k, v in asked.items() if k in plain and _name(v) != _name(plain[k])}
    data = asked["data"]
    parts = [
        re.sub(r"[^\w.]+", "-", asked["space"]).strip("-.")[:60] or "space",
        re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")[:40],
    ]
    if rest or ":" in data:
        hashed = blake2b(json.dumps([data, rest], sort_keys=True).encode(), digest_size=3)
        parts.append(hashed.hexdigest())
    return Path("results") / "-".join([*parts, f"s{asked['seed']}"])


def _name(value: Any) -> Any:
    return value["name"] if isinstance(value, dict) else value


def prepare(path: Path, asked: Mapping[str, Any], *, fresh: bool) -> None:
    """Make the run's directory, or check that the one there asks for the same."""
    make_directory(path, asked, SEARCH, fresh=fresh)


SEARCH = Kind("search", "run.json", FOLDERS, LIBRARIES, read_asked)
