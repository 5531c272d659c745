"""A space in figures: a terminal summary, and a page with histograms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from nas.files import write_atomically
from nas.report.figures import offline_html
from nas.report.formats import bare_table
from nas.report.look import ACCENT
from nas.report.words import compact

if TYPE_CHECKING:
    import plotly.graph_objects as go

BARS = " ▁▂▃▄▅▆▇█"


def sparkline(counts: Sequence[int]) -> str:
    """A histogram in one line of text; a count above zero is never blank."""
    top = max(counts, default=0) or 1
    return "".join(BARS[0 if not n else max(1, round(n / top * (len(BARS) - 1)))] for n in counts)


class Spark:
    """A sparkline in one line of any width: neighbouring counts are added up where it is narrow."""

    def __init__(self, counts: Sequence[int]) -> None:
        self.counts = counts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        step = -(-len(self.counts) // options.max_width) or 1
        starts = range(0, len(self.counts), step)
        yield Text(sparkline([sum(self.counts[i : i + step]) for i in starts]), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, max(1, len(self.counts)))


def space_summary(found: dict[str, Any]) -> Group:
    """What `summarise` found, for the terminal."""
    counts = Text(": ".join(filter(None, (found["space"], found["about"]))) + "\n", style="bold")
    counts.append(
        f"raw points {found['raw_points']:,}, distinct architectures {found['distinct_text']}",
        style="not bold",
    )
    if found["not_built"]:
        counts.append(f"\nsome points can not be built: {found['not_built']}", style="not bold")
    if found["sampled"]:
        note = f"\ncosts below are of {found['sampled']:,} uniform samples"
        counts.append(note, style="not bold")
    parts: list[Any] = [counts, Text(), _parameters(found)]
    if found["constraints"]:
        parts += [Text(), _constraints(found)]
    return Group(*parts, Text(), _costs(found))


def _plain(*columns: str) -> Table:
    table = bare_table()
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _parameters(found: dict[str, Any]) -> Table:
    """Each parameter with its values, and how far it moves macs and params."""
    table = _plain("parameter", "values", "moves macs", "moves params", "when")
    moved = {entry["parameter"]: entry for entry in found["effects"]}
    for parameter in found["parameters"]:
        weights = parameter.get("weights")
        values = [str(v) for v in parameter["values"]]
        if weights:
            values = [f"{v} ({w:g})" for v, w in zip(values, weights, strict=True)]
        effect = moved.get(parameter["name"])
        ratios = [f"x{effect[c]['ratio']:.2f}" if effect else "" for c in ("macs", "params")]
        table.add_row(parameter["name"], ", ".join(values), *ratios, parameter.get("when", ""))
    return table


def _constraints(found: dict[str, Any]) -> Table:
    table = _plain("constraint", "removes")
    for constraint in found["constraints"]:
        share = constraint["removes"]
        table.add_row(constraint["text"], "not measured" if share is None else f"{share:.1%}")
    return table


def _costs(found: dict[str, Any]) -> Table:
    table = _plain("cost", "least", "median", "largest", "how many, least to largest (log scale)")
    for name, cost in found["costs"].items():
        row = [compact(cost[end]) for end in ("min", "median", "max")]
        table.add_row(name, *row, Spark(cost["histogram"]["counts"]))
    return table


def space_figure(found: dict[str, Any]) -> go.Figure:
    """Histograms of macs and params, and the mean macs by the value of each parameter."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=2,
        cols=2,
        specs=[[{}, {}], [{"colspan": 2}, None]],
        subplot_titles=("macs", "params", "mean macs by value"),
        vertical_spacing=0.16,
    )
    for column, name in enumerate(("macs", "params"), start=1):
        edges, counts = found["costs"][name]["histogram"].values()
        middle = [(low * high) ** 0.5 for low, high in pairwise(edges)]
        widths = [high - low for low, high in pairwise(edges)]
        figure.add_trace(
            go.Bar(x=middle, y=counts, width=widths, marker_color=ACCENT, showlegend=False),
            row=1,
            col=column,
        )
        figure.update_xaxes(type="log", row=1, col=column, tickformat="~s")
        figure.update_yaxes(title="architectures", row=1, col=column)
    names, means = [], []
    for entry in found["effects"]:
        for value, mean in entry["macs"]["means"].items():
            names.append([entry["parameter"], value])
            means.append(mean)
    figure.add_trace(
        go.Bar(
            x=[[n for n, _ in names], [v for _, v in names]],
            y=means,
            marker_color=ACCENT,
            showlegend=False,
        ),
        row=2,
        col=1,
    )
    figure.update_yaxes(tickformat="~s", row=2, col=1)
    counts = f"{found['raw_points']:,} raw points, {found['distinct_text']} distinct architectures"
    figure.update_layout(
        title={"text": f"{found['space']}<br><sup>{counts}</sup>", "x": 0.02},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        height=760,
        margin={"t": 110},
    )
    return figure


def write_space(found: dict[str, Any], path: Path) -> Path:
    """Write the figure as a page that opens offline."""
    write_atomically(path, offline_html(space_figure(found)))
    return path
