"""Tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table

from nas.cost import MEASURED
from nas.report.formats import bare_table, latex, terminal
from nas.report.words import compact, shared_in_words, trial_in_words, varying_names
from nas.search import Run, Trial, front
from nas.search.budget import number_of
from nas.search.confirm import Confirmed, confirmed, spread
from nas.search.record import searched

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ("macs", "params", "activation_bytes")


def front_table(run: Run, width: int | None = None) -> RenderableType:
    """The front, cheapest first: one row a trial, its scores and costs, and what it is in words.

    Where it was confirmed, the baselines are rows too, and so is the mean of the replicates with
    fresh seeds, with half of its 95% interval. width: characters of a line; by default any.
    """
    trials, members, title = _shown(run)
    return trial_table(run, members, title, trials, width)


def front_latex(run: Run) -> str:
    """The same table for a paper, with booktabs."""
    trials, members, title = _shown(run)
    words, _, notes = _words(run, members, trials)
    return latex(words, title, notes)


def _shown(run: Run) -> tuple[list[Trial], list[Trial], str]:
    trials = run.all_trials()
    members = front(trials, run.objectives)
    if any(confirmed(trial) for trial in trials):
        members = [*members, *(t for t in trials if t.is_baseline and t not in members)]
    count = number_of(len(searched(trials)), "trial")
    title = f"Front of {count} ({run.asked['space']}, {run.asked['data']})"
    return trials, sorted(members, key=lambda t: t.costs.get(run.costs[0], math.inf)), title


def trial_table(
    run: Run,
    members: Sequence[Trial],
    title: str = "",
    trials: Sequence[Trial] | None = None,
    width: int | None = None,
) -> RenderableType:
    """One row a trial: its scores and costs, and what tells it from the other `trials` in words.

    Of an ablation `score` is the mean of all seeds. trials: all of the run, where they are at hand.
    """
    words, spare, notes = _words(run, members, trials if trials is not None else run.all_trials())
    return terminal(words, title, width, spare, caption="\n".join(notes))


def _words(
    run: Run, members: Sequence[Trial], trials: Sequence[Trial]
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The table, the columns that can be spared first, and the notes below."""
    import pandas as pd

    points = [trial.point for trial in trials if trial.point]
    varying = varying_names(points)
    costs = list(dict.fromkeys((*run.costs, "macs", "params")))
    costs += [n for n in MEASURED if n not in costs and any(n in t.costs for t in members)]
    scores = [s for s in ("mAP", "rank1", "top1") if any(s in t.scores for t in members)]
    known = spread(trials)
    found = {trial.number: confirmed(trial, known) for trial in trials}
    fresh = ["confirmed"] if any(found.values()) else []
    if run.is_ablation and fresh:
        scores, fresh = [], ["score"]  # those are of one seed
    columns = {"trial": [str(trial.number) for trial in members]}
    for name in scores:
        columns[name] = [f"{t.scores[name]:.4f}" if t.scores else "" for t in members]
    for name in fresh:
        columns[name] = [_interval(found[trial.number]) for trial in members]
    columns |= cost_columns(members, costs)
    columns["architecture"] = [trial_in_words(trial, varying) for trial in members]
    spare = [name for name in ("rank1", "params") if name not in run.objectives]
    spare += scores if fresh else []
    notes = ["±: 95% interval of the mean (seeds)"] * bool(fresh)
    if fresh and not all(found[trial.number] for trial in members):
        notes += ["without ±: a single score of the search, not to be compared with these means"]
    notes += filter(None, [shared_in_words(points, varying)])
    return pd.DataFrame(columns), spare, notes


def cost_columns(trials: Sequence[Trial], names: Sequence[str]) -> dict[str, list[str]]:
    """Of a table of trials: each of these costs, in short; empty where it was not measured."""
    return {
        name: [compact(t.costs[name]) if name in t.costs else "" for t in trials] for name in names
    }


def _interval(found: Confirmed | None) -> str:
    return f"{found.mean:.4f} ±{found.reach:.4f} ({found.replicates})" if found else ""


def score_tables(
    results: Sequence[dict[str, Any]], width: int | None = None
) -> list[RenderableType]:
    """What `nas.evaluate` returned: one table a task, one row a data set."""
    import pandas as pd

    tables = []
    for task in dict.fromkeys(result["task"] for result in results):
        rows = [
            {"data": result["data"]}
            | {name: f"{count:,}" for name, count in result["images"].items()}
            | {name: f"{score:.4f}" for name, score in result["scores"].items()}
            for result in results
            if result["task"] == task
        ]
        tables.append(terminal(pd.DataFrame(rows), "", width))
    return tables


def part_table(profile: dict[str, Any]) -> Table:
    """A profile's parts and their sum (the largest, for activation_bytes)."""
    table = bare_table()
    table.add_column("part")
    for name in ("output", *COUNTS):
        table.add_column(name, justify="right", no_wrap=True)
    for part in profile["parts"]:
        table.add_row(part["part"], part["output"], *(f"{part[name]:,}" for name in COUNTS))
    table.add_row("total", "", *(f"{profile[name]:,}" for name in COUNTS), style="bold")
    return table


def counter_table(profile: dict[str, Any]) -> Table:
    """The same network in the counts of others, raw, and what they count besides."""
    table = bare_table()
    table.add_column("counter")
    for name in ("macs", "params"):
        table.add_column(name, justify="right")
    table.add_column("counts")
    table.add_row(
        "ours", f"{profile['macs']:,}", f"{profile['params']:,}", "convolutions and linear, no bias"
    )
    notes = {
        "fvcore": "as ours, 2 x batch-norm (5 x instance-norm) elements, adaptive-pool inputs",
        "thop": "as ours, 4 x norm elements, pooling",
    }
    for name, counts in profile["counters"].items():
        table.add_row(name, f"{counts['total']:,}", f"{counts['params']:,}", notes[name])
    return table


def plain_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Rows as they are; whole numbers to the right, with thousands marked."""
    table = bare_table()
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int) else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()))
    return table


def inheritance_table(parts: Sequence[dict[str, Any]]) -> Table:
    """What each part inherited (`Inheritance.by_part`); reasons take the width that is left."""
    table = bare_table()
    for name in parts[0]:
        text = name in ("part", "why")
        table.add_column(
            "not whole (tensors)" if name == "why" else name,
            justify="left" if text else "right",
            no_wrap=name != "why",
            overflow="fold",
        )
    for part in parts:
        table.add_row(*(f"{v:,}" if isinstance(v, int) else v for v in part.values()))
    return table


def reconciled_table(profile: dict[str, Any]) -> Table:
    """From our macs to the total of each counter, one named difference a row."""
    table = bare_table()
    table.add_column("counter")
    table.add_column("counts besides our macs")
    table.add_column("operations", justify="right", no_wrap=True)
    for name, counter in profile["reconciled"].items():
        table.add_row(name, "our macs", f"{profile['macs']:,}")
        for what, amount in counter["differences"].items():
            table.add_row("", what, f"{amount:,}")
        table.add_row("", "remainder", f"{counter['remainder']:,}")
        table.add_row("", "total", f"{counter['total']:,}", style="bold")
    return table
