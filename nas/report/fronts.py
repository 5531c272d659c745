"""Fronts of several runs on one picture: each has a colour, a symbol and a line of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.errors import UserError
from nas.report.dots import bars, beside, log_ticks
from nas.report.figures import write_figure
from nas.report.look import AXIS, LAYOUT
from nas.search import Run, Trial, front
from nas.search.confirm import Confirmed, is_confirmed
from nas.search.run import shown_by

if TYPE_CHECKING:
    import plotly.graph_objects as go

LOOKS = (
    ("#0072b2", "circle", "solid"), ("#d55e00", "square", "dash"), ("#009e73", "diamond", "dot"),
    ("#cc79a7", "triangle-up", "dashdot"), ("#e69f00", "triangle-down", "longdash"),
    ("#56b4e9", "pentagon", "longdashdot"), ("#000000", "x", "solid"),
)  # fmt: skip
"""Colours that are told apart by all (Okabe and Ito, 2008), and symbols and lines without them."""


def write_fronts(
    runs: Sequence[Run],
    cost: str | None = None,
    images: Sequence[str] = (),
    stem: Path | None = None,
) -> list[Path]:
    """Write the picture as pareto.html and an image of each format (png, svg, pdf).

    stem: the files without their suffixes; by default in the directory above the first run.
    """
    figure = fronts_figure(runs, cost)
    return write_figure(figure, stem or runs[0].path.parent / "pareto", images)


def fronts_figure(runs: Sequence[Run], cost: str | None = None) -> go.Figure:
    """Score (up is better) against `cost` (left is better; the first run's first): the front of
    each run, its other trials at full length faintly, and by name the baselines that were trained
    beside it. Where some runs are confirmed and others are not, the key says which: means of fresh
    seeds lie lower than the scores that chose."""
    import plotly.graph_objects as go

    cost = cost or runs[0].costs[0]
    if len(runs) > len(LOOKS):
        raise UserError(f"{len(runs)} runs; {len(LOOKS)} at most are told apart on one picture")
    names = [run.path.name for run in runs]
    runs = [run.snapshot() for run in runs]
    mixed = len({is_confirmed(run.all_trials(), run.objectives) for run in runs}) > 1
    figure = go.Figure()
    everything: list[Trial] = []
    for run, (color, symbol, dash) in zip(runs, LOOKS, strict=False):
        every = run.all_trials()
        name = run.path.name if names.count(run.path.name) == 1 else str(run.path)
        if mixed and is_confirmed(every, run.objectives):
            name += ", confirmed"
        elif mixed:
            name += ", not confirmed"
        shown = shown_by(every, run.objectives)
        trials = [t for t in every if t.state == "complete" or t.is_baseline]
        trials = [t for t in trials if cost in t.costs and t.number in shown]
        if not trials:
            raise UserError(f"--cost: {run.path} has no trial at full length with {cost!r}")
        everything += trials
        members = sorted(front(every, run.objectives, cost), key=lambda trial: trial.costs[cost])
        chosen = {trial.number for trial in members}
        others = [t for t in trials if t.number not in chosen and not t.is_baseline]
        marker = {"color": color, "symbol": symbol}
        figure.add_trace(_dots(others, shown, cost, marker | {"size": 5, "opacity": 0.3}))
        own = _dots(members, shown, cost, marker | {"size": 9}, errors=True)
        own.update(name=name, mode="lines+markers", showlegend=True)
        own.update(line={"shape": "hv", "color": color, "dash": dash, "width": 2})
        figure.add_trace(own)
        named = [trial for trial in trials if trial.is_baseline]
        dots = _dots(
            named, shown, cost, marker | {"size": 10, "symbol": f"{symbol}-open"}, errors=True
        )
        dots.update(mode="markers+text", text=[trial.baseline for trial in named])
        dots.update(textposition=beside(dots.x), textfont={"size": 11, "color": color})
        figure.add_trace(dots)
    score = "mAP" if any("mAP" in trial.scores for trial in everything) else "top-1"
    figure.update_layout(**LAYOUT)
    ticks = log_ticks([trial.costs[cost] for trial in everything])
    figure.update_xaxes(type="log", title=f"{cost} (log scale)", **AXIS, **ticks)
    figure.update_yaxes(title=score, **AXIS)
    return figure


def _dots(
    trials: Sequence[Trial],
    shown: Mapping[int, tuple[float, Confirmed | None]],
    cost: str,
    marker: dict[str, object],
    *,
    errors: bool = False,
) -> go.Scatter:
    import plotly.graph_objects as go

    found = [shown[trial.number][1] for trial in trials]
    return go.Scatter(
        x=[trial.costs[cost] for trial in trials],
        y=[shown[trial.number][0] for trial in trials],
        error_y=bars(found, visible=errors),
        mode="markers",
        marker=marker,
        showlegend=False,
        hovertext=[trial.baseline or f"trial {trial.number}" for trial in trials],
        hoverinfo="text+x+y",
    )
