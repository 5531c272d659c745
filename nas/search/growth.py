"""How a search's hypervolume grew while its budget was spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas.search.budget import TRAINING
from nas.search.hypervolume import Scale
from nas.search.objectives import SCORE
from nas.search.record import Trial

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("trials", "epochs", "macs", "seconds", "hypervolume", "best")


def growth(
    trials: Sequence[Trial],
    history: Sequence[Mapping[str, Any]],
    objectives: Sequence[str],
    scale: Scale,
) -> pd.DataFrame:
    """One row for each time at which a trial joined the front, and one for the end.

    history: of `Record.history`. trials: that had ended a job; epochs, macs: of training, spent in
    all jobs; seconds: of wall-clock time; hypervolume: of what had come to full length, by the
    scores that the search saw; best: the largest of these.
    """
    import pandas as pd

    by_number = {trial.number: trial for trial in trials}
    complete = {t.number: t.epoch for t in trials if t.state == "complete"}
    costs = [name for name in objectives if name != SCORE]
    members: list[tuple[tuple[float, ...], Trial]] = []
    rows: list[dict[str, float]] = []
    begun: set[int] = set()
    row = dict.fromkeys(COLUMNS, 0.0)
    for job in history:
        trial = by_number[job["trial"]]
        if trial.state != "baseline":
            begun.add(trial.number)
        row["trials"], row["seconds"] = len(begun), job["at"]
        row["epochs"] += job["epoch"] - job["from_epoch"]
        row["macs"] += TRAINING * trial.costs["macs"] * job["images"]
        if job["replicate"] or complete.get(trial.number) != job["epoch"]:
            continue
        own = (-trial.scores[SCORE], *(trial.costs[name] for name in costs))
        if any(_as_good(other, own) for other, _ in members):
            continue
        members = [pair for pair in members if not _as_good(own, pair[0])] + [(own, trial)]
        row["best"] = max(member.scores[SCORE] for _, member in members)
        row["hypervolume"] = scale.hypervolume(
            [member.costs for _, member in members], [-values[0] for values, _ in members]
        )
        rows.append(dict(row))
    rows.append(dict(row))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _as_good(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether one is at least as good in every objective (smaller is better)."""
    return all(a <= b for a, b in zip(one, other, strict=True))
