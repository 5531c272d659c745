"""Figures of a search beside its front: growth, what was predicted, what mattered, where trials
stopped, latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nas.audit.importance import Importance
from nas.cost.inversion import kendall_tau
from nas.report.look import ACCENT, AXIS, CONTRAST, INK, LAYOUT, MUTED, PAPER, shaded
from nas.report.words import compact
from nas.search.predicted import REACH
from nas.space.paths import short

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def growth_figure(frame: pd.DataFrame) -> go.Figure:
    """Hypervolume (up is better) against epochs of training; of the frame of `growth`."""
    import plotly.graph_objects as go

    line = go.Scatter(
        x=[0, *frame["epochs"]], y=[0, *frame["hypervolume"]], mode="lines",
        line={"shape": "hv", "color": ACCENT, "width": 2}, name="hypervolume",
        hovertemplate="%{x:.3~s}: %{y:.4f}<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(line)
    figure.update_layout(**LAYOUT)
    figure.update_xaxes(title="epochs of training", rangemode="tozero", **AXIS)
    figure.update_yaxes(title="hypervolume", rangemode="tozero", **AXIS)
    return figure


def predicted_figure(frame: pd.DataFrame) -> go.Figure:
    """What was observed (up) against what was predicted, with 95% intervals; of the frame of
    `predicted`. On the dotted line both are the same."""
    import plotly.graph_objects as go

    both = frame[["predicted", "score"]].to_numpy()
    ends = [both.min(), both.max()]
    figure = go.Figure(go.Scatter(
        x=ends, y=ends, mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": CONTRAST, "dash": "dot", "width": 1},
    ))  # fmt: skip
    by_epoch = list(frame.groupby("epoch"))
    shades = np.linspace(1.0, 0.4, len(by_epoch))[::-1]  # the last epoch is the darkest
    for (epoch, own), shade in zip(by_epoch, shades.tolist(), strict=True):
        reach = REACH * own["deviation"]
        figure.add_trace(go.Scatter(
            x=own["predicted"], y=own["score"], mode="markers", name=f"after epoch {epoch}",
            marker={"color": shaded(shade), "size": 8},
            error_x={"array": reach, "color": shaded(0.3), "thickness": 1, "width": 0},
            customdata=list(zip(own["trial"], reach, strict=True)),
            hovertemplate="trial %{customdata[0]}: %{y:.4f}<br>"
            "predicted %{x:.4f} ±%{customdata[1]:.4f}<extra></extra>",
        ))  # fmt: skip
    figure.update_layout(**LAYOUT)
    figure.update_xaxes(title="score predicted before training", **AXIS)
    figure.update_yaxes(title="score", **AXIS)
    return figure


def importance_figure(found: Mapping[str, Importance]) -> go.Figure:
    """Shares of importance, with intervals, of each parameter; over all and within cost bands."""
    import plotly.graph_objects as go

    figure = go.Figure()
    looks = zip(found.items(), ((MUTED, "circle-open"), (ACCENT, "circle")), strict=False)
    for (name, own), (color, symbol) in looks:
        share = np.asarray(own.share.estimate)
        figure.add_trace(go.Scatter(
            x=share, y=[short(parameter) for parameter in own.names], name=name, mode="markers",
            marker={"color": color, "symbol": symbol, "size": 10},
            error_x={
                "array": np.asarray(own.share.high) - share,
                "arrayminus": share - np.asarray(own.share.low), "thickness": 1.2,
            },
            hovertemplate="%{y}: %{x:.0%}<extra></extra>",
        ))  # fmt: skip
        chance = float(own.chance.estimate)
        figure.add_vline(chance, line={"color": color, "dash": "dot", "width": 1})
    figure.update_layout(**LAYOUT)
    figure.update_xaxes(title="share of importance", tickformat=".0%", rangemode="tozero", **AXIS)
    figure.update_yaxes(autorange="reversed", automargin=True, **AXIS)
    return figure


def stops_figure(frame: pd.DataFrame) -> go.Figure:
    """Of `stops_frame`: how many trials of each quarter of cost ended on which rung."""
    import plotly.graph_objects as go

    rungs = [name for name in frame.columns if name not in ("quarter", "from", "to")]
    shades = np.linspace(0.25, 1.0, len(rungs))
    names = [
        f"{row['quarter']}: {compact(row['from'])} to {compact(row['to'])}"
        for _, row in frame.iterrows()
    ]
    figure = go.Figure([
        go.Bar(
            x=names, y=frame[rung], name=rung, marker={"color": shaded(shade)},
            text=frame[rung], textposition="inside", insidetextanchor="middle",
            textfont={"color": INK if shade < 0.6 else PAPER},
            hovertemplate="%{x}, " + rung + ": %{y}<extra></extra>",
        )
        for rung, shade in zip(rungs, shades.tolist(), strict=True)
    ])  # fmt: skip
    figure.update_layout(**LAYOUT, barmode="stack")
    figure.update_xaxes(title=f"quarters of {frame.attrs['cost']}", **AXIS)
    few = frame[rungs].sum(axis=1).max() < 10
    figure.update_yaxes(title="trials", dtick=1 if few else None, **AXIS)
    return figure


def stops_frame(
    costs: Sequence[float], epochs: Sequence[int], ladder: Sequence[int], cost: str = "macs"
) -> pd.DataFrame:
    """One row for each quarter of trials by cost, cheapest first: from, to, and counts by rung.

    costs, epochs: (n,), epochs 0 where a trial has no score. ladder: the rungs, the last is full.
    """
    import pandas as pd

    order = np.argsort(np.asarray(costs), kind="stable")
    rows: list[dict[str, Any]] = []
    for quarter, own in enumerate(np.array_split(order, 4)):
        if not len(own):
            continue
        ended = [epochs[row] for row in own]
        counts = {f"stopped at epoch {rung}": ended.count(rung) for rung in ladder[:-1]}
        rows.append({
            "quarter": quarter + 1, "from": costs[own[0]], "to": costs[own[-1]],
            **counts, "full length": ended.count(ladder[-1]),
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.attrs["cost"] = cost
    return frame


def ranks_figure(
    macs: Sequence[float], latency: Sequence[float], names: Sequence[str]
) -> go.Figure:
    """The rank of each network by macs (1 is the fewest) and by latency (1 is the fastest)."""
    import plotly.graph_objects as go
    from scipy.stats import rankdata

    x, y = rankdata(macs), rankdata(latency)
    tau = kendall_tau(macs, latency)
    dots = go.Scatter(
        x=x, y=y, mode="markers", marker={"color": ACCENT, "size": 7}, text=list(names),
        customdata=[[compact(m), f"{ms:.3f}"] for m, ms in zip(macs, latency, strict=True)],
        hovertemplate="%{text}<br>%{customdata[0]} macs, %{customdata[1]} ms<extra></extra>",
    )  # fmt: skip
    same = go.Scatter(
        x=[1, len(x)], y=[1, len(x)], mode="lines", hoverinfo="skip",
        line={"color": CONTRAST, "dash": "dot", "width": 1},
    )  # fmt: skip
    figure = go.Figure([same, dots])
    figure.update_layout(**LAYOUT, showlegend=False)
    figure.layout.meta = {"tau": tau}
    figure.update_xaxes(title="rank by macs", **AXIS)
    figure.update_yaxes(title="rank by latency", **AXIS)
    return figure
