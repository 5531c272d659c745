"""`runs`: what was searched, ablated, audited and trained, and how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Json
from nas.commands.output import make_console, print_json


def runs(
    folder: Annotated[
        Path, typer.Argument(help="Where to look, below it too; by default results.")
    ] = Path("results"),
    as_json: Json = False,
) -> None:
    """List every run under FOLDER, the last one changed last.

    trials: complete/stopped on a rung/failed. best: the largest score at full length. state:
    finished, going on, interrupted (the same command goes on), or damaged.
    """
    from nas.search.overview import list_runs

    found = list_runs(folder)
    if as_json:
        print_json({"folder": str(folder), "runs": [run.as_dict() for run in found]})
        return
    if not found:
        print(f"no runs under {folder}")
        return

    from nas.report.runs import run_table

    console = make_console()
    console.print(run_table(found, console.width))
