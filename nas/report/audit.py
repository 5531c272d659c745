"""What an audit found, in words, as tables and as a figure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas.audit.judge import OVER_ALL, WITHIN
from nas.audit.ranking import LEVEL, RESAMPLES, Agreement
from nas.audit.regret import ENOUGH
from nas.audit.run import Audit, seeds_in_words
from nas.audit.tables import FULL
from nas.files import write_atomically
from nas.report.ablation import write_tables
from nas.report.figures import write_figure
from nas.report.look import ACCENT, AXIS, CONTRAST, LAYOUT, MUTED
from nas.report.words import compact
from nas.space.paths import short

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

SPARE = ("share interval", "lost interval", "lost of gain", "over all interval", "above macs")
"""Columns that a narrow terminal does without, the first one first."""
SURE = 0.95
IMPORTANCE_NOTE = (
    "PED-ANOVA: how differently a parameter's values are spread among the best and among all, as a "
    "share of the sum over parameters; within bands, the best are those of each band. Chance: a "
    f"parameter that does nothing; above it in {SURE:.0%} of the resamples of trials is a yes."
)


def ranking_words(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of `ranking_frame`."""
    import pandas as pd

    rows = frame.to_dict("records")
    return pd.DataFrame(
        {
            "ranked by": [str(row["score"]) for row in rows],
            "over all": [_number(row["tau"]) for row in rows],
            "over all interval": [_interval(row, "tau") for row in rows],
            "within bands": [_number(row["tau_bands"]) for row in rows],
            "interval": [_interval(row, "tau_bands") for row in rows],
            "of ceiling": [_percent(row["share"]) for row in rows],
            "share interval": [_interval(row, "share", ".0%") for row in rows],
            "above macs": [
                _interval(row, "ahead", "+.2f") if row["score"] != "macs" else "" for row in rows
            ],
            "score lost": [_number(row["lost"], ".4f") for row in rows],
            "lost interval": [_interval(row, "lost", ".4f") for row in rows],
            "lost of gain": [_percent(row["lost_share"]) for row in rows],
        }
    )


def importance_words(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of `importance_frame`: a row for each parameter, by its share within bands."""
    import pandas as pd

    found: dict[str, dict[str, Any]] = {}
    for where in (WITHIN, OVER_ALL):
        for row in frame[frame["pairs"] == where].to_dict("records"):
            found.setdefault(row["parameter"], {})[where] = row
    last = {name: name == "chance" for name in found}
    names = sorted(found, key=lambda name: last[name])
    columns: dict[str, list[str]] = {"parameter": [short(name) for name in names]}
    for where in (WITHIN, OVER_ALL):
        own = [found[name].get(where) for name in names]
        columns[where] = [_percent(row["share"]) if row else "" for row in own]
        columns["interval" if where == WITHIN else "over all interval"] = [
            _interval(row, "share", ".0%") if row else "" for row in own
        ]
        columns["above chance" if where == WITHIN else "above chance, over all"] = [
            "" if row is None or last[name] else "yes" if row["above_chance"] >= SURE else "no"
            for name, row in zip(names, own, strict=True)
        ]
    return pd.DataFrame(columns)


def ranking_notes(audit: Audit) -> list[str]:
    """What a reader of the ranking has to know: how it was computed, what it advises, and when
    not to trust it."""
    found = audit.found
    own = found.evidence
    seeds = seeds_in_words(own)
    notes = [
        f"Kendall's tau-b with the mean at full length ({own.epochs[-1]} epochs) of the other "
        f"seeds, of {seeds}; {LEVEL:.0%} intervals by {RESAMPLES} resamples of architectures. "
        f"The row {FULL} is the noise ceiling: what one training to the end reaches.",
        _bands(audit),
        "Score lost: true score less than by full length, choosing at each cost the best that is "
        "affordable, averaged over log cost; of gain: 0% is as good as full length, 100% as bad as "
        "choosing blindly.",
    ]
    if audit.of > len(own):
        notes.append(
            f"{audit.of - len(own)} of {audit.of} architectures lack a score that is needed, and "
            "are left out."
        )
    return [*notes, *audit.caveats, advice(audit)]


def advice(audit: Audit) -> str:
    """The first rung that is advised, in a sentence."""
    found = audit.found
    rung = found.first_rung
    if not found.within.ceiling.low > 0:
        return (
            "No rung is advised: within bands one seed's order at full length does not show in "
            "another's, so noise hides what could be ranked. More seeds or a longer recipe would "
            "show it."
        )
    enough = np.flatnonzero(found.within.share.estimate[: len(found.rungs)] >= ENOUGH)
    if rung is None and len(enough):
        place = enough[0]
        return (
            f"No rung is advised: epoch {found.rungs[place]} reaches "
            f"{found.within.share.estimate[place]:.0%} of the noise ceiling within bands, but that "
            "it ranks better than chance is not shown; more architectures or seeds would tell."
        )
    if rung is None:
        return (
            f"No rung is advised: none reaches {ENOUGH:.0%} of the noise ceiling within bands; "
            "train to full length."
        )
    place = found.rungs.index(rung)
    share, tau = found.within.share, found.within.ahead
    words = (
        f"Advised first rung: epoch {rung}, which reaches {share.estimate[place]:.0%} of the noise "
        f"ceiling within bands ({ENOUGH:.0%} is asked for; interval from {share.low[place]:.0%})"
    )
    if tau.low[place] > 0:
        return f"{words}, more than macs alone."
    return f"{words}. That it ranks better than macs alone is not shown."


def audit_figure(audit: Audit) -> go.Figure:
    """Tau by epochs, over all and within bands, beside scores without training; up is better.

    The band is the noise ceiling with its interval; thin lines are the single bands of cost.
    """
    from plotly.subplots import make_subplots

    found = audit.found
    titles = [OVER_ALL, f"{WITHIN} of {found.cost}"]
    figure = make_subplots(cols=2, shared_yaxes=True, subplot_titles=titles)
    for column, own in enumerate((found.over_all, found.within), 1):
        _panel(figure, audit, own, column)
    figure.update_layout(**LAYOUT)
    figure.update_layout(
        title={"text": audit.title, "x": 0.02}, margin={"t": 120}, height=520,
        legend={"y": 1.1},
    )  # fmt: skip
    figure.update_xaxes(**AXIS, type="category", tickangle=-35)
    figure.update_yaxes(**AXIS)
    figure.update_yaxes(title="Kendall's tau with other seeds", col=1)
    return figure


def _panel(figure: go.Figure, audit: Audit, own: Agreement, column: int) -> None:
    found = audit.found
    count = len(found.rungs)
    place = {"row": 1, "col": column}
    if own is found.within and len(found.bands) > 1:
        for band in range(len(found.bands)):
            figure.add_trace(_band_line(audit, band), **place)
    rest, rungs = slice(count, None), slice(0, count)
    figure.add_trace(_taus(audit, own, rest, "without training", column == 1), **place)
    figure.add_trace(_taus(audit, own, rungs, "rungs", column == 1), **place)
    low, high, middle = (
        float(x) for x in (own.ceiling.low, own.ceiling.high, own.ceiling.estimate)
    )
    if math.isfinite(low) and math.isfinite(high):
        figure.add_hrect(
            y0=low, y1=high, fillcolor=MUTED, opacity=0.2, line_width=0, layer="below", **place
        )
    if math.isfinite(middle):
        for share, name, dash in ((1.0, "noise ceiling", "solid"), (ENOUGH, "", "dot")):
            figure.add_hline(
                y=share * middle,
                line={"color": "#444", "width": 1 + 0.5 * share, "dash": dash},
                annotation={"text": name or f"{share:.0%} of it", "font": {"size": 12}},
                annotation_position="bottom left",
                **place,
            )
    names = [*found.names[count:], *found.names[:count]]
    figure.update_xaxes(categoryorder="array", categoryarray=names, **place)


def _band_line(audit: Audit, band: int) -> go.Scatter:
    """Tau of the rungs within a single band."""
    import plotly.graph_objects as go

    found = audit.found
    count = len(found.rungs)
    return go.Scatter(
        x=list(found.names[:count]),
        y=found.within.by_band[:count, band].tolist(),
        mode="lines",
        line={"color": MUTED, "width": 1},
        name="single bands",
        legendgroup="bands",
        showlegend=band == 0,
        text=[f"{_span(audit, band)} {found.cost}"] * count,
        hovertemplate="%{text}<br>tau %{y:.2f}<extra></extra>",
    )


def _taus(audit: Audit, own: Agreement, part: slice, name: str, legend: bool) -> go.Scatter:
    import plotly.graph_objects as go

    tau = own.tau
    rungs = name == "rungs"
    color = ACCENT if rungs else CONTRAST
    return go.Scatter(
        x=list(audit.found.names[part]),
        y=tau.estimate[part].tolist(),
        error_y={
            "symmetric": False,
            "thickness": 1.4,
            "array": (tau.high - tau.estimate)[part].tolist(),
            "arrayminus": (tau.estimate - tau.low)[part].tolist(),
        },
        mode="lines+markers" if rungs else "markers",
        line={"color": color},
        marker={"color": color, "size": 9, "symbol": "circle" if rungs else "diamond"},
        name=name,
        legendgroup=name,
        showlegend=legend,
        hovertemplate="%{x}<br>tau %{y:.2f}<extra></extra>",
    )


def write_audit(audit: Audit, images: Sequence[str] = ()) -> list[Path]:
    """Write an audit's tables and figure into its directory: every file that was made."""
    frame = audit.ranking()
    files = write_tables(
        audit.path, "audit", frame, ranking_words(frame), audit.title, ranking_notes(audit)
    )
    if audit.found.importance:
        frame = audit.importance()
        words = importance_words(frame)
        title = f"Importance: {audit.title}"
        files += write_tables(audit.path, "importance", frame, words, title, [IMPORTANCE_NOTE])
    files.append(audit.path / "architectures.csv")
    write_atomically(files[-1], audit.architectures().to_csv(index=False))
    return files + write_figure(audit_figure(audit), audit.path / "audit-figure", images)


def _bands(audit: Audit) -> str:
    found = audit.found
    spans = ", ".join(
        f"{_span(audit, band)} ({len(rows)})" for band, rows in enumerate(found.bands)
    )
    return f"Bands of {found.cost} (architectures): {spans}."


def _span(audit: Audit, band: int) -> str:
    costs = audit.found.evidence.costs[audit.found.cost][audit.found.bands[band]]
    return f"{compact(float(costs.min()))} to {compact(float(costs.max()))}"


def _number(value: float, form: str = ".2f") -> str:
    return f"{value:{form}}" if math.isfinite(value) else ""


def _percent(value: float) -> str:
    return re.sub(r"^-(0%)$", r"\1", _number(value, ".0%"))


def _interval(row: dict[Any, Any], name: str, form: str = ".2f") -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{low:{form}} to {high:{form}}" if np.isfinite([low, high]).all() else ""
