"""The sections of a report below its front: what each says, shows, and says where it can not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from nas.ablation.run import read_ablation, seeds_of
from nas.audit.judge import importance_both
from nas.cost.inversion import kendall_tau
from nas.errors import UserError
from nas.report.ablation import comparison_notes, comparison_words, titled
from nas.report.forest import forest_figure
from nas.report.formats import html_table
from nas.report.kinds import UNCONFIRMED
from nas.report.page.sketch import LEGEND, sketch
from nas.report.panels import (
    growth_figure,
    importance_figure,
    predicted_figure,
    ranks_figure,
    stops_figure,
    stops_frame,
)
from nas.report.words import compact, growth_in_words, trial_in_words, varying_names
from nas.search import Run, Trial, front
from nas.search.about import audit_command, commands
from nas.search.budget import number_of
from nas.search.confirm import Confirmed, confirmed, is_confirmed, leaders
from nas.search.growth import growth
from nas.search.hypervolume import START, Scale
from nas.search.overview import overview
from nas.search.predicted import expected_growth, predicted
from nas.search.record import FAILED, searched
from nas.search.run import shown_by

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from nas.cost.parts import PartTable

ENOUGH = 12  # trials without which nothing is said of what mattered
MOST, RESAMPLES = 400, 16  # trials and resamples that importance is computed from here
RANKED = 2000  # networks at most whose latency is predicted
BY_GAIN = (
    "A trial climbs where the hypervolume of the front is expected to grow more by it than by a "
    "new one, for each of the epochs ahead of it."
)
BY_PLACE = (
    "Trials are promoted when none beats them in both score and cost, or else by how they "
    "compare with those of about the same cost; so no quarter of cost should be starved."
)
"""How trials climb by `ehvi`, and with the other samplers."""


@dataclass(frozen=True)
class Section:
    """name: its id on the page. notes: paragraphs above the figure. html: what follows it."""

    name: str
    title: str
    notes: Sequence[str]
    figure: go.Figure | None = None
    html: str = ""


def sections(
    run: Run,
    trials: Sequence[Trial],
    history: Sequence[Mapping[str, Any]],
    latency: PartTable | None,
) -> list[Section]:
    """All of them, in the order of the page."""
    if run.is_ablation:
        return [_comparison(run), _latency(run, trials, latency)]
    return [
        _members(run, trials),
        _growth(run, trials, history),
        _predicted(run, trials),
        _importance(run, trials),
        _rungs(run, trials),
        _latency(run, trials, latency),
        _audit(run, trials),
    ]


def summary(run: Run, trials: Sequence[Trial]) -> list[str]:
    """What was found, in a few sentences."""
    short = overview(run.path)
    state = f"{short.state.capitalize()}; spent {short.spent_in_words()}."
    if run.is_ablation:
        return [f"{titled(run.asked, seeds_of(trials))}. {state}"]
    own = searched(trials)
    members = sorted(front(trials, run.objectives), key=lambda t: t.costs[run.costs[0]])
    complete = sum(trial.state == "complete" for trial in own)
    found = [
        f"{number_of(len(own), 'trial')}, {complete:,} of them to full length "
        f"({number_of(run.asked['recipe']['epochs'], 'epoch')}, recipe "
        f"{run.asked['recipe']['name']}); "
        f"{len(members)} on the front of score against {', '.join(run.costs)}. {state}"
    ]
    sure = is_confirmed(trials, run.objectives)
    if sure:
        counts = sorted({c.replicates for c in map(confirmed, members) if c})
        fewest_to_most = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
        found.append(
            f"The front is confirmed: scores are means of {fewest_to_most} "
            "trainings with fresh seeds, with 95% intervals by the noise of all of them together. "
            "The largest of such means is a little lucky again, which its interval does not know. "
            f"What has none is shown by {UNCONFIRMED}, which may be a lucky one."
        )
        unsure = [t for t in leaders(trials, run.objectives) if not confirmed(t)]
        if unsure:
            names = ", ".join(str(trial.number) for trial in unsure)
            found.append(f"Not confirmed, and so left out, though they led by score: {names}.")
    elif members:
        found.append(
            "The front is not confirmed: it shows the best of many noisy scores, which are lucky "
            "ones too. A larger budget trains it again with fresh seeds."
        )
    return found


def _comparison(run: Run) -> Section:
    heading = "Differences to the baseline"
    try:
        found = read_ablation(run)
    except UserError as error:
        return Section("comparison", heading, [f"Nothing can be compared yet: {error}."])
    frame = found.table()
    files = ", ".join(f"`{path.name}`" for path in sorted(run.path.glob("*.md")))
    notes = [
        *comparison_notes(found.design, found.found, found.in_parts, found.looks),
        *([f"In full, with what was left out of the design: {files}."] if files else []),
    ]
    table = html_table(comparison_words(frame, found.found, found.metric))
    return Section("comparison", heading, notes, forest_figure(frame, score=found.metric), table)


def _members(run: Run, trials: Sequence[Trial]) -> Section:
    members = sorted(front(trials, run.objectives), key=lambda t: t.costs[run.costs[0]])
    title = "Members of the front"
    if not members:
        return Section("members", title, ["No trial is complete yet, so there is no front."])
    varying = varying_names([trial.point for trial in trials if trial.point])
    sketches = [sketch(trial.architecture) for trial in members]
    heads = ["trial", "score", *run.costs, "architecture"]
    shown = shown_by(trials, run.objectives)
    rows = [
        _cells(run, trial, varying, drawing, *shown[trial.number])
        for trial, drawing in zip(members, sketches, strict=True)
    ]
    body = "".join(
        f"<tr data-trial='{trial.number}'>{''.join(row)}</tr>"
        for trial, row in zip(members, rows, strict=True)
    )
    head = "".join(f"<th tabindex='0'>{escape(name)}</th>" for name in heads)
    table = (
        f"<div class='wide'><table class='sortable'><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
    return Section("members", title, [LEGEND], html=table)


def _cells(
    run: Run, trial: Trial, varying: Sequence[str], drawing: str, score: float,
    found: Confirmed | None,
) -> list[str]:  # fmt: skip
    reach = f" <small>±{found.reach:.4f}</small>" if found else ""
    words = trial_in_words(trial, varying)
    buttons = "".join(
        f"<button class='copy' data-copy='{escape(text)}' title='{escape(text)}'>{name}</button>"
        for name, text in (
            (verb.replace("_", " "), own) for verb, own in commands(run, trial).items()
        )
    )
    return [
        f"<td class='number' data-value='{trial.number}'>{trial.number}</td>",
        f"<td class='number' data-value='{score}'>{score:.4f}{reach}</td>",
        *(
            f"<td class='number' data-value='{trial.costs[cost]}'>{compact(trial.costs[cost])}</td>"
            for cost in run.costs
        ),
        f"<td data-value='{escape(words)}'><div>{escape(words)}</div>{drawing}{buttons}</td>",
    ]


def _growth(run: Run, trials: Sequence[Trial], history: Sequence[Mapping[str, Any]]) -> Section:
    title = "How the hypervolume grew"
    scale = Scale.of(trials, run.objectives, run.asked.get("cost_range", {}))
    if scale is None:
        return Section("growth", title, ["No trial is complete yet."])
    complete = sum(trial.state == "complete" for trial in trials)
    frame = growth(trials, history, run.objectives, scale)
    note = (
        "Score above a reference, averaged over log10 cost within the space's range, by the scores "
        f"that the search saw. The reference, {scale.reference:.4f}, is the median of the first "
        f"{min(START, complete)} at full length."
    )
    if (more := expected_growth(trials)) is not None:
        note += f" By the sampler, {growth_in_words(more)}."
    return Section("growth", title, [note], growth_figure(frame))


def _predicted(run: Run, trials: Sequence[Trial]) -> Section:
    title = "What was predicted"
    if run.asked.get("sampler") != "ehvi":
        return Section("predicted", title, ["The sampler `ehvi` alone predicts scores."])
    frame = predicted(searched(trials))
    if len(frame) < 2:
        return Section(
            "predicted", title, ["Fewer than two trials have a score that was predicted."]
        )
    told = [
        _how_close(epoch, frame[frame["epoch"] == epoch]) for epoch in sorted({*frame["epoch"]})
    ]
    note = (
        "Of each trial after the start-up phase a score was predicted before it was trained, after "
        "the last epoch of which enough was known. 95% should come out within the bars: "
        f"{'; '.join(told)}."
    )
    if len(run.rungs) > 1:
        note += " What is trained on did well on a rung, so that it comes out above rather."
    return Section("predicted", title, [note], predicted_figure(frame))


def _how_close(epoch: int, frame: pd.DataFrame) -> str:
    above = float((frame["score"] - frame["predicted"]).mean())
    words = f"after epoch {epoch}, {int(frame['within'].sum())} of {len(frame)} did, "
    words += f"{above:+.4f} from what was predicted on average"
    if len(frame) < ENOUGH:
        return words
    tau = kendall_tau(frame["predicted"], frame["score"])
    return f"{words} (Kendall's tau {tau:.2f})"


def _importance(run: Run, trials: Sequence[Trial]) -> Section:
    title = "What mattered"
    first = run.rungs[0]
    own = [trial for trial in searched(trials) if first in trial.rungs]
    if len(own) < ENOUGH:
        return Section("importance", title, [f"{ENOUGH} trials at least can say what mattered."])
    count = len(own)
    chosen = np.unique(np.linspace(0, count - 1, MOST).round().astype(int))
    own = [own[row] for row in chosen]
    scores = np.array([trial.rungs[first] for trial in own])
    costs = [trial.costs[run.costs[0]] for trial in own]
    found = importance_both([t.point for t in own], scores, costs, resamples=RESAMPLES)
    if not found:
        return Section("importance", title, ["Nothing varies between the trials."])
    of = f"{len(own)} of {count:,} trials" if len(own) < count else f"{count} trials"
    note = (
        f"PED-ANOVA: how differently a parameter's values are spread among the best quarter of "
        f"{of} and among all, by the score after epoch {first}, which all have; over all, and "
        f"within bands of about equal {run.costs[0]}. Bars: {RESAMPLES} resamples. Dotted: what a "
        "parameter that does nothing gets. A search prefers what it thinks is good, so this is of "
        "its trials, not of the space; `audit` is of the space."
    )
    return Section("importance", title, [note], importance_figure(found))


def _rungs(run: Run, trials: Sequence[Trial]) -> Section:
    title = "Where trials stopped"
    own = [trial for trial in searched(trials) if trial.state != "running"]
    numbers = {t.number for t in own if not t.rungs or t.state in FAILED}
    failed = [t for t in own if t.number in numbers]
    notes = [f"{len(failed)} failed: {_reasons(failed)}."] if failed else []
    if len(run.rungs) == 1:
        notes.append("The search had no rungs: every trial was trained to full length.")
        return Section("rungs", title, notes)
    ended = [t for t in own if t.number not in numbers and run.costs[0] in t.costs]
    if len(ended) < 4:
        return Section("rungs", title, [*notes, "Too few trials have ended yet."])
    frame = stops_frame(
        [t.costs[run.costs[0]] for t in ended], [t.epoch for t in ended], run.rungs, run.costs[0]
    )
    notes.append(BY_GAIN if run.asked.get("sampler") == "ehvi" else BY_PLACE)
    return Section("rungs", title, notes, stops_figure(frame))


def _reasons(failed: Sequence[Trial]) -> str:
    reasons = [trial.reason or trial.state for trial in failed]
    counts = {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
    most = sorted(counts.items(), key=lambda item: -item[1])[:3]
    return "; ".join(f"{reason} ({count})" for reason, count in most)


def _latency(run: Run, trials: Sequence[Trial], table: PartTable | None) -> Section:
    title = "MACs and latency"
    own = [t for t in trials if "latency_ms" in t.costs]
    if len(own) >= 2:
        times, how = [t.costs["latency_ms"] for t in own], "measured by the search"
        if "parts" in run.asked.get("latency", {}):
            how = _from_parts(run.asked["latency"])
    elif table is not None:
        own = [t for t in trials if t.rungs or t.baseline]
        rows = np.unique(np.linspace(0, max(0, len(own) - 1), RANKED).astype(int))
        own = [own[row] for row in rows[: len(own)]]
        own = [trial for trial in own if table.has(trial.architecture)]
        if len(own) < 2:
            return Section("latency", title, [
                "The latency table has the parts of fewer than two of these networks: "
                "`latency SPACE --out FILE` measures those of a space."
            ])  # fmt: skip
        times = [table.latency(trial.architecture) for trial in own]
        how = _from_parts(table.setting)
    else:
        return Section("latency", title, [
            "No latency is known. `search --objectives score,latency_ms` measures it; "
            "`report --latency-table FILE` predicts it from the parts that "
            "`latency SPACE --out FILE` measured on a device."
        ])  # fmt: skip
    names = [trial.baseline or f"trial {trial.number}" for trial in own]
    figure = ranks_figure([t.costs["macs"] for t in own], times, names)
    note = (
        f"Ranks of {len(own):,} networks, 1 the least; latency is {how}. Kendall's tau "
        f"{figure.layout.meta['tau']:.3f}: at 1, macs would tell which network is faster."
    )
    return Section("latency", title, [note], figure)


def _from_parts(setting: Mapping[str, Any]) -> str:
    where = f"{setting['device']} {setting['machine']}, {setting['backend']}"
    return f"predicted from parts measured on {where}"


def _audit(run: Run, trials: Sequence[Trial]) -> Section:
    from nas.audit.run import judged_run
    from nas.report.audit import ranking_notes, ranking_words

    title = "How far the rungs can be trusted"
    try:
        found = judged_run(run, trials)
    except UserError as error:
        return Section("audit", title, [
            f"This run can not say: {error}. `{audit_command(run)}` trains what can."
        ])  # fmt: skip
    return Section(
        "audit", title, ranking_notes(found), html=html_table(ranking_words(found.ranking()))
    )
