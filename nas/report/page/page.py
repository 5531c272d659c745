"""The page: sections put together with their data, one copy of plotly.js, and the page's script."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from nas.arguments import a_path
from nas.cost.parts import PartTable, read_table
from nas.files import write_atomically
from nas.plugins import plugin_options
from nas.program import program, typed
from nas.report.page.document import about, document, embedded
from nas.report.page.sections import Section, sections, summary
from nas.search import Run, open_run


def write_report(
    run: Run | str | Path,
    out: str | Path | None = None,
    latency: PartTable | str | Path | None = None,
) -> Path:
    """Write the report of a run, and return its path.

    out: by default report.html in the run. latency: times of parts on a device, or the file that
    has them, from which latency is predicted where it was not measured.
    """
    table = None if latency is None else read_table(latency)
    opened = open_run(run)
    path = a_path("--out", out) if out is not None else opened.path / "report.html"
    write_atomically(path, report_html(opened, table))
    return path


def report_html(run: Run, latency: PartTable | None = None) -> str:
    """The report as one HTML document that needs nothing else."""
    from plotly.offline import get_plotlyjs

    run = run.snapshot()
    trials, history = run.all_trials(), run.history()
    own = sections(run, trials, history, latency)
    data = document(run, trials)
    figures = {s.name: json.loads(s.figure.to_json()) for s in own if s.figure is not None}
    return Template(_file("page.html")).substitute(
        title=escape(f"{run.asked['space']} on {run.asked['data']}"),
        style=_file("page.css"),
        plotly=get_plotlyjs(),
        script=_file("page.js"),
        data=embedded(data | {"figures": figures}),
        summary="".join(f"<p>{escape(line)}</p>" for line in summary(run, trials)),
        sections="".join(map(_section, own)),
        about=_rows(about(run)),
        command=escape(f"{program()} report {shlex.quote(typed(run.path))}{plugin_options()}"),
    )


def _section(own: Section) -> str:
    notes = "".join(f"<p>{_marked(note)}</p>" for note in own.notes)
    chart = ""
    if own.figure is not None:
        high = own.figure.layout.height
        style = f" style='height: {high}px'" if high else ""
        chart = f"<div class='chart' data-figure='{own.name}'{style}></div>"
    html = f"<div class='wide'>{own.html}</div>" if own.html else ""
    return f"<section id='{own.name}'><h2>{escape(own.title)}</h2>{notes}{chart}{html}</section>"


def _marked(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _rows(rows: Mapping[str, str]) -> str:
    cells = (f"<th>{escape(name)}</th><td>{escape(text)}</td>" for name, text in rows.items())
    return "".join(f"<tr>{own}</tr>" for own in cells)


def _file(name: str) -> str:
    return files("nas.report.page").joinpath(name).read_text(encoding="utf-8")
