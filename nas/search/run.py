"""A run: the directory that holds everything about one search, and can resume it."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from copy import copy
from dataclasses import astuple, replace
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.arguments import a_path, whole
from nas.cost.parts import write_table
from nas.data.spec import written
from nas.directory import Kind, make_directory
from nas.errors import UserError
from nas.files import write_atomically
from nas.search.confirm import Confirmed, Spread, confirmed, is_confirmed, spread
from nas.search.objectives import SCORE, front_mask, values
from nas.search.record import NO_TRIAL, Record, Trial
from nas.search.workers import clear, published
from nas.space import Space, load_space, to_yaml
from nas.training.recipe import load_recipe, recipe_for_search

if TYPE_CHECKING:
    import pandas as pd

    from nas.models import Network

FOLDERS = ("checkpoints", "outbox")
SPACE = "space.yaml"
LATENCY_TABLE = "latency.csv"  # of the device by whose latency it was searched
CONFIRMED = ("confirmed", "low", "high", "replicates")
COLUMNS = ["trial", "state", "score", "macs", "params", "activation_bytes", "seconds", "key"]
LIBRARIES = ("torch", "optuna", "fvcore", "thop", "numpy", "pandas")


class Run:
    """A run that can be read: its trials, its front, and what was asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked = read_asked(path)
        self.objectives: tuple[str, ...] = tuple(self.asked["objectives"])
        self.costs = tuple(name for name in self.objectives if name != SCORE)
        self._trials: list[Trial] | None = None

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def space(self) -> Space | None:
        """The space that was searched, as it was then; None where it is not to be had."""
        for source in (self.path / SPACE, self.asked["space"]):
            try:
                found = load_space(source)
            except UserError:
                continue
            device = self.path / LATENCY_TABLE
            found = load_space(
                found,
                constraints=self.asked.get("constraints", ()),
                latency_table=device if device.is_file() else None,
            )
            if found.hash() == self.asked.get("space_hash"):
                return found
        return None

    def trial(self, number: int) -> Trial:
        """One trial, without a look at the others; UserError where it is none of the run's."""
        number = whole("trial", number)
        with self.record(number) as record:
            found = record.trials()
            if not found:
                last = record.count() - 1
                known = f"its trials are 0 to {last}" if last >= 0 else "it has none yet"
                raise UserError(f"{self.path} has no trial {number}; {known}")
            return self._seen(found)[0]

    def network(self, number: int) -> Network:
        """The trained network of a trial, in eval mode, as the search left it.

        A run keeps the weights of baselines and of what leads; UserError names those trials where
        it is another one.
        """
        from nas.search.checkpoints import load_kept

        return load_kept(self.path, self.trial(number))

    def all_trials(self) -> list[Trial]:
        """Every trial of the record, by number."""
        if self._trials is not None:
            return list(self._trials)
        with self.record() as record:
            return self._seen(record.trials())

    def snapshot(self) -> Run:
        """The run with its trials as they stand now, read once: for tables and pictures that are
        made one after the other, while a search may go on."""
        found = copy(self)
        found._trials = self.all_trials()
        return found

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs after which trials are scored, the last of them full length."""
        recipe = self.asked["recipe"]
        return (*recipe.get("rungs", ()), recipe["epochs"])

    @property
    def is_ablation(self) -> bool:
        """Whether its trials are rows of a design, which nobody chose by a score."""
        return "design" in self.asked

    def _seen(self, trials: Sequence[Trial]) -> list[Trial]:
        """In an ablation no replicate chooses anything, so the first one is fresh too."""
        if not self.is_ablation:
            return list(trials)
        return [
            replace(t, fresh={0: t.scores[SCORE]} | t.fresh) if t.state == "complete" else t
            for t in trials
        ]

    def history(self) -> list[dict[str, Any]]:
        """Every finished job in the order in which they ended: see `Record.history`."""
        with self.record(NO_TRIAL) as record:
            return record.history()

    def record(self, only: int | None = None) -> AbstractContextManager[Record]:
        """Its record, of one trial alone or of all, to be read once for several questions."""
        return closing(Record(self.path / "record.db", read_only=True, only=only))

    def trials(self) -> pd.DataFrame:
        """One row a trial: number, state, scores, costs, parameters; `front` marks the front.

        confirmed, low, high, replicates: the mean score of the replicates with fresh seeds, its 95%
        interval, and how many they are, where there are any.
        """
        import pandas as pd

        trials = self.all_trials()
        known = spread(trials)
        rows = [trial.row() | _confirmation(trial, known) for trial in trials]
        frame = pd.DataFrame(rows, columns=None if trials else [*COLUMNS, *CONFIRMED])
        for name in dict.fromkeys(name for trial in trials for name in trial.point):
            whole = all(type(trial.point.get(name, 0)) is int for trial in trials)
            if whole and frame[name].isna().any():
                frame[name] = frame[name].astype("Int64")  # else whole numbers become floats
        unmeasured = [name for name in self.costs if name not in frame]
        frame = frame.reindex(columns=[*frame, *unmeasured])
        members = {trial.number for trial in front(trials, self.objectives)}
        frame["front"] = pd.array([trial.number in members for trial in trials], dtype=bool)
        return frame

    def front(self) -> pd.DataFrame:
        """The front, as `nas.search.front` says; cheapest first, by the run's first cost."""
        return self._front_of(self.trials())

    def _front_of(self, frame: pd.DataFrame) -> pd.DataFrame:
        members = frame[frame["front"]].drop(columns="front")
        return members.sort_values(list(self.costs)).reset_index(drop=True)

    def _repr_html_(self) -> str:
        """What a notebook shows: what was searched, and the front."""
        columns = ["trial", "score", "confirmed", *self.costs]
        members = self.front()
        names = [name for name in columns if name in members]
        about = f"{self.asked['space']} on {self.asked['data']}, {self.path}"
        table: str = members[names].to_html(index=False, float_format="{:.4f}".format)
        return f"<p>{escape(about)}</p>{table}"

    def write_tables(self) -> None:
        """Write trials.csv and front.csv."""
        frame = self.trials()
        write_atomically(self.path / "trials.csv", frame.to_csv(index=False))
        write_atomically(self.path / "front.csv", self._front_of(frame).to_csv(index=False))


def front(
    trials: Sequence[Trial], objectives: Sequence[str], cost: str | None = None
) -> list[Trial]:
    """The front as well as it is known.

    Once it was confirmed, by the means of fresh replicates, among the trials and baselines that
    have them. Before, by the scores that the search has seen. What lacks a cost, as it was not
    measured, is left out, and so is a baseline that breaks the space's constraints. cost: of score
    and this cost alone, though the run had other objectives.
    """
    worth = worths(trials, objectives)
    if cost is not None:
        objectives = (SCORE, cost)
    own = [
        trial
        for trial in trials
        if trial.number in worth
        and not trial.outside
        and all(n in trial.costs for n in objectives if n != SCORE)
    ]
    points = [values(t.costs | {SCORE: worth[t.number]}, objectives) for t in own]
    mask = front_mask(points, objectives)
    return [trial for trial, member in zip(own, mask, strict=True) if member]


def worths(trials: Sequence[Trial], objectives: Sequence[str]) -> dict[int, float]:
    """What each trial counts by that may be on the front, by its number.

    The mean of its fresh replicates where the front `is_confirmed`; what has none does not count
    then. Else the score at full length.
    """
    if is_confirmed(trials, objectives):
        return {trial.number: found.mean for trial in trials if (found := confirmed(trial))}
    return {trial.number: trial.scores[SCORE] for trial in trials if trial.state == "complete"}


def shown_by(
    trials: Sequence[Trial], objectives: Sequence[str]
) -> dict[int, tuple[float, Confirmed | None]]:
    """What each trial that has a score is shown by, by its number, beside the front.

    The mean of fresh replicates with its interval, where the front goes by that and there is one;
    else its last score.
    """
    known = spread(trials) if is_confirmed(trials, objectives) else None
    found: dict[int, tuple[float, Confirmed | None]] = {}
    for trial in trials:
        sure = confirmed(trial, known) if known else None
        if sure:
            found[trial.number] = (sure.mean, sure)
        elif trial.scores:
            found[trial.number] = (trial.scores[SCORE], None)
    return found


def _confirmation(trial: Trial, known: Spread | None) -> dict[str, float]:
    found = confirmed(trial, known)
    values = astuple(found) if found else (math.nan, math.nan, math.nan, 0)
    return dict(zip(CONFIRMED, values, strict=True))


def open_run(run: str | Path | Run) -> Run:
    """Open a run's directory, unless it is open; UserError where it is none."""
    if isinstance(run, Run):
        return run
    folder = a_path("run", run)
    if (folder / "train.json").is_file():
        raise UserError(
            f"{folder} is a training, which has no trials: `show` it, or `evaluate` its network"
        )
    if not (folder / "run.json").is_file() or not (folder / "record.db").is_file():
        above, mark, _ = str(folder).rpartition("#")
        known = mark and (Path(above) / "run.json").is_file()
        hint = f"; {above} is one, without #" if known else ""
        raise UserError(
            f"{folder} is not a run: it has no run.json with a record.db beside it{hint}"
        )
    return Run(folder)


def split_trial(target: str) -> tuple[str, int | None]:
    """`RUN#17` as the run and the trial's number, which is None where there is no #, or a directory
    of that very name."""
    run, mark, number = target.rpartition("#")
    if not mark or os.path.isdir(target):
        return target, None
    if not number.isdecimal() or len(number) > 15:
        raise UserError(f"{target}: {number!r} is not the number of a trial, as in {run}#3")
    return run, int(number)


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
    plain = {
        "objectives": ["score", "macs"], "sampler": "ehvi", "constraints": [], "init": [],
        "warm_start": [], "score_min": None,
        "recipe": load_recipe(recipe_for_search(asked["data"])).model_dump(),
    }  # fmt: skip
    rest = {k: v for k, v in asked.items() if k in plain and v != plain[k]}
    if (table := asked.get("latency", {}).get("parts")) is not None:
        rest["latency"] = table
    data = written(asked["data"])
    parts = [
        re.sub(r"[^\w.]+", "-", asked["space"]).strip("-.")[:60] or "space",
        re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")[:40],
    ]
    if rest or ":" in data:
        hashed = blake2b(json.dumps([data, rest], sort_keys=True).encode(), digest_size=3)
        parts.append(hashed.hexdigest())
    return Path("results") / "-".join([*parts, f"s{asked['seed']}"])


def prepare(path: Path, asked: Mapping[str, Any], space: Space, *, fresh: bool) -> str:
    """Make the run's directory, or check that the one there asks for the same.

    Returns what `make_directory` does.
    """
    changed = make_directory(path, asked, SEARCH, fresh=fresh)
    if not (path / SPACE).exists():
        write_atomically(path / SPACE, to_yaml(space))
    if space.latency and not (path / LATENCY_TABLE).exists():
        write_table(space.latency, path / LATENCY_TABLE)
    if not (path / "record.db").exists():  # results are of its trials, by their numbers
        for name in published(path / "outbox"):
            clear(path / "outbox", name)
    return changed


SEARCH = Kind("a search", "run.json", FOLDERS, LIBRARIES, read_asked)
