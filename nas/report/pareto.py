"""The picture of a run: score against cost, every trial, and the front as a step line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from nas.arguments import check_one_of, several
from nas.errors import UserError
from nas.report.dots import bars, beside, log_ticks
from nas.report.figures import write_figure
from nas.report.kinds import UNCONFIRMED, kinds
from nas.report.look import ACCENT, AXIS, CONTRAST, FAINT, LAYOUT, MUTED
from nas.report.published import SOURCE, published
from nas.report.words import compact, point_in_words, shortened, varying_names
from nas.search import Run, Trial, front, open_run
from nas.search.confirm import Confirmed, confirmed
from nas.search.record import searched
from nas.search.run import shown_by

if TYPE_CHECKING:
    import plotly.graph_objects as go

FRONT, OTHER, BASELINE = ACCENT, MUTED, CONTRAST
MANY = 3000  # dots above which the graphics card draws them


def pareto_figure(
    run: str | Path | Run | Sequence[str | Path | Run], cost: str | None = None
) -> go.Figure:
    """Score (up is better) against `cost` (left is better, log axis; the run's first).

    Of several runs, which have to be scored alike, their fronts.
    """
    runs = several(run)
    if len(runs) != 1:
        from nas.report.fronts import fronts_figure
        from nas.search.compare import compare_runs

        return fronts_figure([own.run for own in compare_runs(runs).runs], cost)
    import plotly.graph_objects as go

    run = open_run(runs[0])
    cost = cost or run.costs[0]
    everything = run.all_trials()
    trials = [t for t in everything if t.state == "complete" or confirmed(t)]
    if not any(trial.scores for trial in trials):
        raise UserError(f"{run.path}: no trial is complete yet, so there is nothing to plot")
    known = next(trial for trial in trials if trial.scores)
    check_one_of("--cost", cost, known.costs)
    trials = [trial for trial in trials if cost in trial.costs]
    shown = shown_by(everything, run.objectives)
    members = sorted(
        front(everything, run.objectives, cost), key=lambda t: (t.costs[cost], -shown[t.number][0])
    )
    chosen = {trial.number for trial in members}
    of_all = {trial.number for trial in front(everything, run.objectives)}
    known_as = kinds(everything, run.objectives, of_all)
    stopped = [t for t in everything if t.state == "stopped" and cost in t.costs]
    named = [trial for trial in trials if trial.is_baseline and trial.number in shown]
    rest = [t for t in trials if t.scores and t.number not in chosen and not t.is_baseline]
    varying = varying_names([trial.point for trial in everything if trial.point])
    score = "mAP" if "mAP" in known.scores else "top-1"

    figure = go.Figure()
    for some, name, look in (
        (stopped, "stopped", (OTHER, "x-thin-open", 6)),
        ([t for t in rest if known_as[t.number] == UNCONFIRMED], UNCONFIRMED, (FAINT, "circle", 6)),
        ([t for t in rest if known_as[t.number] == "dominated"], "dominated",
         (OTHER, "circle-open", 8)),
        ([t for t in rest if known_as[t.number] == "front"], "front by all objectives",
         (FRONT, "circle-open", 10)),
    ):  # fmt: skip
        if some:
            figure.add_trace(_dots(some, shown, cost, varying, score, name, *look))
    x = [trial.costs[cost] for trial in members]
    y = [shown[trial.number][0] for trial in members]
    figure.add_trace(
        go.Scatter(
            x=[*x, max(trial.costs[cost] for trial in trials)],
            y=[*y, y[-1]],
            mode="lines",
            line={"shape": "hv", "color": FRONT, "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_trace(_dots(members, shown, cost, varying, score, "front", FRONT, "circle", 11))
    for some, name, symbol in (
        ([t for t in named if not t.outside], "baseline", "diamond"),
        ([t for t in named if t.outside], "baseline outside the constraints", "diamond-open"),
    ):
        if some:
            dots = _dots(some, shown, cost, varying, score, name, BASELINE, symbol, 11)
            dots.update(hovertext=dots.text, text=[escape(trial.baseline) for trial in some])
            dots.update(mode="markers+text", textposition=beside(dots.x), textfont={"size": 11})
            figure.add_trace(dots)
    reported = [own for own in published(str(run.asked["data"])) if cost in own.costs]
    if reported:
        figure.add_trace(
            go.Scatter(
                x=[own.costs[cost] for own in reported],
                y=[own.score for own in reported],
                mode="markers",
                name="published (test)",
                marker={"color": CONTRAST, "symbol": "star-open", "size": 10},
                text=[f"{own.name}: {own.score:.3f}, {SOURCE}" for own in reported],
                hoverinfo="text",
            )
        )
    split = run.asked.get("split", "validation")
    scored = f"{split} {'identities' if score == 'mAP' else 'images'}"
    count = len(searched(everything))
    subtitle = (
        f"{shortened(run.asked['data'])}, recipe {run.asked['recipe']['name']}, {count} trials"
    )
    if not run.is_ablation and any(found for _, found in shown.values()):
        subtitle += "; with a bar: mean of fresh seeds, 95%"  # which hold out others
    figure.update_layout(
        title={"text": f"{escape(run.asked['space'])}<br><sup>{escape(subtitle)}</sup>", "x": 0.02},
        **LAYOUT,
    )
    places = [own.costs[cost] for own in (*trials, *stopped)]
    ticks = log_ticks([*places, *(own.costs[cost] for own in reported)])
    figure.update_xaxes(type="log", title=f"{cost} (log scale)", **AXIS, **ticks)
    figure.update_yaxes(title=f"{score} on {scored}", **AXIS)
    return figure


def write_pareto(
    run: str | Path | Run,
    cost: str | None = None,
    images: Sequence[str] = (),
    stem: Path | None = None,
) -> list[Path]:
    """Write pareto.html, which opens offline, and an image of each format (png, svg, pdf) of
    `images`; return their paths.

    cost: as for `pareto_figure`. stem: the files without their suffixes, by default in the run.
    """
    run = open_run(run)
    figure = pareto_figure(run, cost)
    return write_figure(figure, stem or run.path / "pareto", images)


def _dots(
    trials: Sequence[Trial],
    shown: Mapping[int, tuple[float, Confirmed | None]],
    cost: str,
    varying: Sequence[str],
    score: str,
    name: str,
    color: str,
    symbol: str,
    size: int,
) -> go.Scatter:
    import plotly.graph_objects as go

    def hover(trial: Trial) -> str:
        words = point_in_words(trial.point, varying).replace(", ", "<br>")
        costs = f"{compact(trial.costs['macs'])} macs, {compact(trial.costs['params'])} params"
        lines = [f"<b>{escape(trial.baseline) or f'trial {trial.number}'}</b>"]
        lines += [escape(trial.outside)] * bool(trial.outside)
        if trial.scores:
            lines.append(f"{score} {trial.scores['score']:.4f} after epoch {trial.epoch}")
        if found := shown[trial.number][1]:
            lines.append(f"{found.mean:.4f} ({found.low:.4f} to {found.high:.4f}) by "
                         f"{found.replicates} replicates")  # fmt: skip
        return "<br>".join([*lines, costs, words])

    means = [shown[trial.number][1] for trial in trials]
    scatter = go.Scattergl if len(trials) > MANY else go.Scatter
    return scatter(
        x=[trial.costs[cost] for trial in trials],
        y=[shown[trial.number][0] for trial in trials],
        error_y=bars(means),
        mode="markers",
        name=name,
        marker={
            "color": color,
            "symbol": symbol,
            "size": size,
            "line": {"width": 1.5, "color": color},
        },
        text=[hover(trial) for trial in trials],
        hoverinfo="text",
    )
