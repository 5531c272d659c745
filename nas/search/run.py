"""A run: the directory that holds everything about one search, and can resume it."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """Make the run's directory, or check that the one there asks for the same.

    Raises UserError for a directory that can not be written, that is something else, or whose
    search differs, naming what differs.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"--out: {path} is a file, not a directory")
    if path.is_dir() and not (path / "run.json").exists():
        begun = (*FOLDERS, ".run.json.")  # what a run that was killed while it was made leaves
        if not all(x.name.startswith(begun) for x in path.iterdir()):
            raise UserError(f"--out: {path} is a directory with other things in it")
    if fresh:
        _remove(path)
    if (path / "run.json").exists():
        _refuse_difference(path, asked)
        return
    try:
        for name in FOLDERS:
            (path / name).mkdir(parents=True, exist_ok=True)
        about = {
            "asked": dict(asked),
            "command": " ".join(sys.argv),
            "versions": {name: _version(name) for name in LIBRARIES}
            | {"python": sys.version.split()[0]},
            "machine": machine(),
            "git": _git_state(),
        }
        write_atomically(path / "run.json", json.dumps(about, indent=2) + "\n")
    except OSError as error:
        raise UserError(f"--out: {path} can not be written ({error.strerror})") from None


def _remove(path: Path) -> None:
    """Delete the run, run.json last: what a kill leaves half-way is still known as a run."""
    try:
        for item in (
            sorted(path.iterdir(), key=lambda x: x.name == "run.json") if path.exists() else ()
        ):
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
    except OSError as error:
        raise UserError(f"--fresh: {path} can not be removed ({error.strerror})") from None


def check_writable(path: Path) -> None:
    """UserError where a run's directory could not be made; makes nothing."""
    place = path
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
    except OSError as error:
        raise UserError(f"--out: {str(path)[:80]} can not be written ({error.strerror})") from None
    if not place.is_dir():
        raise UserError(f"--out: {place} is a file, not a directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"--out: {path} can not be written (no permission in {place})")


def _refuse_difference(path: Path, asked: Mapping[str, Any]) -> None:
    before, now = _flat(read_asked(path)), _flat(json.loads(json.dumps(asked)))
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise UserError(
                f"{path} holds a search that differs in {name}: {before.get(name)} there, "
                f"{now.get(name)} now; choose another --out, or --fresh to start over"
            )


def _flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Nested entries by their path: recipe.lr."""
    found: dict[str, Any] = {}
    for name, value in asked.items():
        inner = _flat(value) if isinstance(value, Mapping) else {}
        found |= {f"{name}.{n}": v for n, v in inner.items()} or {name: value}
    return found


def machine() -> dict[str, Any]:
    """What the numbers of a run were measured on."""
    import torch

    found: dict[str, Any] = {
        "system": platform.platform(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name(0)
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git_state() -> str:
    """The commit of the code, with a + where it was changed; empty where there is none."""
    folder = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
        return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
