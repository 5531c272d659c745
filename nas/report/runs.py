"""Runs and trials in words, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from nas.report.formats import bare_table
from nas.search.overview import Overview, failed

HEADINGS = ("run", "kind", "space", "data", "recipe", "trials", "best", "spent", "state", "when")
GAP = 2


def run_table(runs: Sequence[Overview], width: int) -> RenderableType:
    """A line a run; in a `width` of characters that is too narrow, three lines.

    trials are complete/stopped/failed.
    """
    rows = [_row(run) for run in runs]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    if sum(widths) + GAP * (len(HEADINGS) - 1) > width:
        return Group(*map(_lines, rows))
    table = bare_table(padding=(0, GAP, 0, 0))
    for name in HEADINGS:
        table.add_column(name, justify="right" if name in ("trials", "best") else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _lines(row: Sequence[str]) -> Text:
    cells = dict(zip(HEADINGS, row, strict=True))
    what = ", ".join(filter(None, (cells["space"], cells["data"], cells["recipe"])))
    counts = f"{cells['trials']} trials" if cells["trials"] else ""
    best = f"best {cells['best']}" if cells["best"] else ""
    first = "  ".join(filter(None, (cells["kind"], what)))
    second = "  ".join(filter(None, (counts, best, cells["spent"])))
    text = Text(f"{cells['run']}  {cells['state']}  {cells['when']}")
    return text.append("".join(f"\n    {line}" for line in (first, second) if line))


def _row(run: Overview) -> list[str]:
    best = "" if run.best is None else f"{run.best:.4f}"
    state = f"{run.state}: {run.problem}" if run.problem else run.state
    when = datetime.fromtimestamp(run.changed).strftime("%Y-%m-%d %H:%M")
    return [
        str(run.path), run.kind, run.space, run.data, run.recipe, trials_in_words(run), best,
        run.spent_in_words(), state, when,
    ]  # fmt: skip


def trials_in_words(run: Overview) -> str:
    """`9/31/1`: complete, stopped on a rung, failed; empty for a training."""
    if run.kind == "training" or not run.spent:
        return ""
    counts = run.trials
    return f"{counts.get('complete', 0)}/{counts.get('stopped', 0)}/{failed(counts)}"
