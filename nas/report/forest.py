"""A forest plot: each row's difference to the baseline with its interval, its cost beside."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from nas.ablation.statistics import BASELINE, BETTER, NOT_COMPARED, NOT_SHOWN, WORSE
from nas.report.look import ACCENT, AXIS, CONTRAST, LAYOUT, MUTED
from nas.report.words import change, compact, p_value

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

LOOKS = {
    BETTER: (ACCENT, "circle"),
    NOT_SHOWN: (MUTED, "circle-open"),
    WORSE: (CONTRAST, "diamond"),
}
"""Verdicts are told apart by colour, and by symbol without it."""
LINE, AROUND, MARGIN = 34, 190, 150  # of a row; of all else; to the right; in pixels
TITLE, TITLE_LINE = 120, 20  # characters of a line of the title; its height in pixels


def forest_figure(frame: pd.DataFrame, title: str = "", score: str = "score") -> go.Figure:
    """From the frame of `comparison_frame`: differences (right is better), macs (left is better).

    Rows stand as in the table, the baseline at 0. score: what the scores are called.
    """
    from plotly.subplots import make_subplots

    names = frame["row"].tolist()
    figure = make_subplots(
        cols=2, shared_yaxes=True, column_widths=[0.78, 0.22], horizontal_spacing=0.07
    )
    for verdict in LOOKS:
        rows = frame[frame["verdict"] == verdict]
        if len(rows):
            figure.add_trace(_differences(rows, verdict, score), row=1, col=1)
    figure.add_trace(_costs(frame), row=1, col=2)
    for i, row in enumerate(frame.to_dict("records")):
        more = f" ({change(row['macs_change'])})" if i else ""
        figure.add_annotation(
            x=1.01, xref="paper", xanchor="left", y=row["row"], yref="y", showarrow=False,
            text=compact(row["macs"]) + more,
        )  # fmt: skip
        if row["verdict"] in (BASELINE, NOT_COMPARED):
            figure.add_annotation(
                x=0, y=row["row"], text=row["verdict"], showarrow=False, bgcolor="white",
                font={"color": "#444"}, row=1, col=1,
            )  # fmt: skip
    figure.add_vline(x=0, line={"color": "#444", "width": 1})
    lines = [escape(line) for line in wrap(title, TITLE)]
    more_title = TITLE_LINE * max(0, len(lines) - 1)
    figure.update_layout(**LAYOUT, height=AROUND + LINE * len(names) + more_title)
    figure.update_layout(
        title={"text": "<br>".join(lines), "x": 0.02, "font": {"size": 14}},
        margin={"r": MARGIN, "t": LAYOUT["margin"]["t"] + more_title},
    )
    figure.update_xaxes(**AXIS)
    figure.update_xaxes(title=f"{score}, difference to {names[0]}", row=1, col=1)
    figure.update_xaxes(title="macs, %", nticks=3, tickangle=0, row=1, col=2)
    figure.update_yaxes(
        categoryorder="array", categoryarray=names[::-1], range=[-0.6, len(names) - 0.4],
        automargin=True,
    )  # fmt: skip
    return figure


def _differences(rows: pd.DataFrame, verdict: str, score: str) -> go.Scatter:
    import plotly.graph_objects as go

    color, symbol = LOOKS[verdict]
    return go.Scatter(
        x=rows["difference"].tolist(),
        y=rows["row"].tolist(),
        error_x={
            "symmetric": False,
            "array": (rows["high"] - rows["difference"]).tolist(),
            "arrayminus": (rows["difference"] - rows["low"]).tolist(),
            "thickness": 1.6,
        },
        mode="markers",
        name=verdict,
        marker={"color": color, "symbol": symbol, "size": 11, "line": {"width": 1.5}},
        text=[_hover(row, score) for row in rows.to_dict("records")],
        hoverinfo="text",
    )


def _costs(frame: pd.DataFrame) -> go.Bar:
    import plotly.graph_objects as go

    return go.Bar(
        x=[100 * value for value in frame["macs_change"]],
        y=frame["row"].tolist(),
        orientation="h",
        marker={"color": MUTED},
        width=0.45,
        hoverinfo="skip",
        showlegend=False,
    )


def _hover(row: dict[Any, Any], score: str) -> str:
    return (
        f"<b>{row['row']}</b><br>{score} {row['mean']:.4f} ({row['scores']} seeds)<br>"
        f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})<br>"
        f"p (Holm) {p_value(row['p_holm'])}: {row['verdict']}"
    )
