"""A comparison of runs as tables for the terminal."""

from __future__ import annotations

from rich.console import RenderableType

from nas.report.formats import terminal
from nas.report.tables import cost_columns
from nas.report.words import compact, shared_in_words, trial_in_words, varying_names
from nas.search.compare import Comparison


def compared_table(found: Comparison, width: int | None = None) -> RenderableType:
    """A row a run, by its number: hypervolume, by fresh seeds, and members of the front of all.

    width: characters of a line; by default any.
    """
    import pandas as pd

    rows = []
    for number, own in enumerate(found.runs, 1):
        sure = "" if own.confirmed is None else f"{own.confirmed:.4f}"
        if own.low is not None and own.high is not None:
            sure += f" ({own.low:.4f} to {own.high:.4f})" if own.high else " (none above)"
        row = (str(number), str(own.trials), f"{own.hypervolume:.4f}", sure, str(own.on_front))
        rows.append((*row, str(own.run.path)))
    names = ["#", "trials", "hypervolume", "by fresh seeds", "on front", "run"]
    return terminal(pd.DataFrame(rows, columns=names), "", width)


def groups_table(found: Comparison, width: int | None = None) -> RenderableType:
    """A row for runs that differ by their seed alone: what such a search finds, over seeds."""
    import pandas as pd

    rows = []
    for own in found.groups:
        several = own.seeds > 1
        deviation = f" ±{own.deviation:.4f}" if several else ""
        interval = f"{own.low:.4f} to {own.high:.4f}" if several else ""
        more = ""
        if own.difference:
            middle, low, high = own.difference
            more = f"{middle:+.4f} ({low:+.4f} to {high:+.4f})"
        how = "" if not more else f"{own.paired} pairs" if own.paired else "unpaired"
        mean = f"{own.mean:.4f}{deviation}"
        rows.append((own.name, str(own.seeds), mean, interval, more, how))
    names = ["search", "seeds", "hypervolume", "95% interval", "less the first", "by"]
    return terminal(pd.DataFrame(rows, columns=names), f"Over seeds, by {found.by}", width, ["by"])


def joint_table(found: Comparison, width: int | None = None) -> RenderableType:
    """The front of all runs, cheapest first; `run` is the number of `compared_table`."""
    import pandas as pd

    costs = [name for name in found.objectives if name != "score"]
    costs += [name for name in ("macs", "params") if name not in costs]
    points = [trial.point for _, trial, _ in found.front if trial.point]
    varying = varying_names(points)
    trials = [trial for _, trial, _ in found.front]
    columns = {
        "run": [str(place + 1) for place, _, _ in found.front],
        "trial": [str(trial.number) for trial in trials],
        "score": [f"{worth:.4f}" for _, _, worth in found.front],
        **cost_columns(trials, costs),
        "architecture": [trial_in_words(trial, varying) for trial in trials],
    }
    spare = [name for name in ("params",) if name not in found.objectives]
    title, shared = f"Front of all runs, by {found.by}", shared_in_words(points, varying)
    return terminal(pd.DataFrame(columns), title, width, spare, caption=shared)


def comparison_notes(found: Comparison) -> list[str]:
    """What the figures are of, and what a reader has to know."""
    ranges = ", ".join(
        f"{name} {compact(low)} to {compact(high)}" for name, (low, high) in found.ranges.items()
    )
    notes = [f"hypervolume above score {found.reference:.4f}; log10 of {ranges}"]
    if any(own.confirmed is not None for own in found.runs):
        notes.append(
            "by fresh seeds: with 95% intervals, by the jackknife over them, of the fronts that "
            "were found; another --seed of the search would find another"
        )
    for number, own in enumerate(found.runs, 1):
        if own.difference:
            more, low, high = own.difference
            notes.append(
                f"#{number} less #1, by fresh seeds: {more:+.4f} ({low:+.4f} to {high:+.4f})"
            )
    return [*notes, *found.notes]
