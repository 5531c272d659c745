"""`report`: everything about a run on one page that opens offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Plugins, RunArgument


def report(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file to write; by default report.html in RUN.")
    ] = None,
    latency_table: Annotated[
        Path | None,
        typer.Option(help="Predict latency by this table that `latency` made; else as measured."),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Write one HTML file about RUN, which opens offline.

    Its front to hover, pin and compare, how the hypervolume grew, what mattered, where trials
    stopped, every trial as a table, and what made it.
    """
    from nas.errors import UserError
    from nas.report.page import write_report

    if out is not None and not out.parent.is_dir():
        raise UserError(f"--out: {out.parent} is not a directory")
    print(write_report(run, out, latency_table))
