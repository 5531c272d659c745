"""A comparison of runs as tables for the terminal."""

from __future__ import annotations

from rich.table import Table

from nas.report.words import compact, shared_in_words, trial_in_words, varying_names
from nas.search.compare import Comparison


def compared_table(found: Comparison) -> Table:
    """A row a run, by its number: hypervolume, by fresh seeds, and members of the front of all."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("#", "trials", "hypervolume", "by fresh seeds", "on front"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("run", overflow="fold")
    for number, own in enumerate(found.runs, 1):
        sure = "" if own.confirmed is None else f"{own.confirmed:.4f}"
        if own.confirmed is not None and own.high is not None:
            sure += f" ±{own.high - own.confirmed:.4f}" if own.high else " (none above)"
        cells = (str(number), str(own.trials), f"{own.hypervolume:.4f}", sure, str(own.on_front))
        table.add_row(*cells, str(own.run.path))
    return table


def joint_table(found: Comparison) -> Table:
    """The front of all runs, cheapest first; `run` is the number of `compared_table`."""
    costs = [name for name in found.objectives if name != "score"]
    costs += [name for name in ("macs", "params") if name not in costs]
    points = [trial.point for _, trial, _ in found.front if trial.point]
    varying = varying_names(points)
    title = f"Front of all runs, by {found.by}"
    table = Table(
        title=title, title_justify="left", box=None, pad_edge=False, header_style="bold",
        caption=shared_in_words(points, varying) or None, caption_justify="left",
    )  # fmt: skip
    for name in ("run", "trial", "score", *costs):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("architecture", overflow="fold")
    for place, trial, worth in found.front:
        table.add_row(
            str(place + 1),
            str(trial.number),
            f"{worth:.4f}",
            *(compact(trial.costs[name]) if name in trial.costs else "" for name in costs),
            trial_in_words(trial, varying),
        )
    return table


def comparison_notes(found: Comparison) -> list[str]:
    """What the figures are of, and what a reader has to know."""
    ranges = ", ".join(
        f"{name} {compact(low)} to {compact(high)}" for name, (low, high) in found.ranges.items()
    )
    notes = [f"hypervolume above score {found.reference:.4f}; log10 of {ranges}"]
    if any(own.confirmed is not None for own in found.runs):
        notes.append("±: 95% interval by the jackknife over fresh seeds")
    return [*notes, *found.notes]
