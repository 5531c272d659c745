"""The live view of a search: a table that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nas.commands.live import Hushed, Lines, Redrawn
from nas.commands.output import make_console
from nas.report.words import compact, point_in_words, varying_names
from nas.search.budget import duration
from nas.search.record import FAILED

if TYPE_CHECKING:
    from nas.search import Status, Trial


def make_view(quiet: bool = False) -> LinesView:
    """A live table where standard error is a terminal, else plain lines; or nothing."""
    if quiet:
        return QuietView()
    return TableView() if sys.stderr.isatty() else LinesView()


class LinesView(Lines):
    """One line on standard error for each trial that ends."""

    what = "run"

    def update(self, status: Status) -> None: ...

    def finished(self, trial: Trial, status: Status) -> None:
        self.notice(f"{trial_line(trial, status)}  [{budget_line(status)}]")


class QuietView(Hushed, LinesView):
    """Nothing."""


class TableView(Redrawn, LinesView):
    """Trials done and running, the best score, the front, time spent and left; redrawn in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self.live = Live(console=make_console(stderr=True), refresh_per_second=4, transient=True)
        super().__init__(self.live)

    def update(self, status: Status) -> None:
        self.live.update(_picture(status))

    def finished(self, trial: Trial, status: Status) -> None:
        self.notice(trial_line(trial, status))
        self.update(status)


def trial_line(trial: Trial, status: Status) -> str:
    """One trial in one line."""
    words = point_in_words(trial.point, _varying(status))
    if not trial.scores or trial.state in FAILED:
        return f"trial {trial.number} {trial.state}: {trial.reason} ({words})"
    star = "*" if any(member.number == trial.number for member in status.front) else " "
    climbed = f"epoch {trial.epoch:<2} " if len(status.rungs) > 1 else ""
    score = f"{climbed}score {trial.scores['score']:.4f}  {compact(trial.costs['macs'])} macs"
    return f"{star} trial {trial.number:<3} {score}  {trial.seconds:.0f}s  {words}"


def budget_line(status: Status) -> str:
    """What was done, spent and left, in one line."""
    parts = [f"{len(status.complete)} done", f"{len(status.running)} running"]
    stopped = sum(trial.state == "stopped" for trial in status.trials)
    if stopped:
        parts.insert(1, f"{stopped} on rungs")
    if status.complete:
        parts.append(f"best {max(t.scores['score'] for t in status.complete):.4f}")
    parts.append(f"front {len(status.front)}")
    parts.append(f"{duration(status.seconds)} spent")
    parts.append(f"{status.budget.words(max(status.left, 0))} left")
    return ", ".join(parts)


def _varying(status: Status) -> list[str]:
    """Names whose values differ between trials; all of them as long as there is one trial."""
    points = [trial.point for trial in status.trials if trial.point]
    return varying_names(points) or [name for point in points[:1] for name in point]


def _picture(status: Status) -> Any:
    from rich.console import Group
    from rich.text import Text

    from nas.report.formats import bare_table

    running = bare_table()
    for name in ("running", "macs", "for", "architecture"):
        running.add_column(name, overflow="fold")
    varying = _varying(status)
    for number, seconds in sorted(status.running.items()):
        trial = status.trials[number]
        words = point_in_words(trial.point, varying)
        name = trial.baseline or f"trial {number}"
        running.add_row(name, compact(trial.costs["macs"]), duration(seconds), words)
    return Group(Text(budget_line(status), style="bold"), running)
