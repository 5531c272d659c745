"""`compare`: which of several runs has found more."""

from __future__ import annotations

from typing import Annotated

import typer

from nas.commands.options import Json, Plugins
from nas.commands.output import make_console, print_json


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN ...", help="Runs' directories.")],
    reference: Annotated[
        float | None,
        typer.Option(help="The score above which counts; by default the least median of a run."),
    ] = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print the hypervolume of each RUN, and the front of all of them together.

    Of searches that differ by --seed alone, the mean over seeds with its interval, and the
    difference to the first such group. Runs of other data, another split or another recipe are
    refused: their scores mean other things.
    """
    from nas.search.compare import compare_runs

    found = compare_runs(runs, reference)
    if as_json:
        print_json(found.as_dict())
        return
    from nas.report.compare import compared_table, comparison_notes, groups_table, joint_table

    console = make_console()
    console.print(compared_table(found, console.width))
    for note in comparison_notes(found):
        console.print(note, style="dim")
    if found.groups:
        console.print()
        console.print(groups_table(found, console.width))
    console.print()
    console.print(joint_table(found, console.width))
