"""`show`: all that is known of one run, or of one trial."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.commands.options import Json, Plugins
from nas.commands.output import make_console, print_json

if TYPE_CHECKING:
    from nas.search.run import Run


def show(
    target: Annotated[
        str, typer.Argument(metavar="RUN|RUN#trial", help="A run's directory; RUN#17 is a trial.")
    ],
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print what was asked of RUN, what was spent, where trials stopped, and the front.

    Of RUN#trial: its network in words and drawn, costs, every score, and how to train and export.
    """
    from nas.errors import UserError
    from nas.search.about import describe_run, describe_trial
    from nas.search.run import open_run, split_trial

    path, number = split_trial(target)
    run: str | Run = path
    if number is None:
        with suppress(UserError):  # a training, or one without a trial yet
            run = open_run(path).snapshot()
    found = describe_run(run) if number is None else describe_trial(path, number)
    if as_json:
        print_json(found)
    elif number is None:
        _run(run, found)
    else:
        _trial(found)


def _run(run: str | Run, found: dict[str, Any]) -> None:
    from nas.report import front_table
    from nas.report.run import fields_table, run_fields, rung_table, training_lines
    from nas.search import open_run
    from nas.search.overview import overview

    console = make_console()
    console.print(fields_table(run_fields(found, overview(Path(found["path"])))))
    if found["kind"] == "training":
        print(*training_lines(found), sep="\n")
        return
    if rungs := found["rungs"]:
        console.print()
        console.print(rung_table(rungs))
    if found["front"]:
        console.print()
        console.print(front_table(open_run(run), console.width))


def _trial(found: dict[str, Any]) -> None:
    from nas.architecture import from_document
    from nas.report.drawing import draw
    from nas.report.run import command_lines, fields_table, job_table, trial_fields

    console = make_console()
    console.print(fields_table(trial_fields(found)))
    console.print()
    console.print(job_table(found["jobs"], searched="row" not in found["note"]))
    console.print()
    console.print(draw(from_document(found["architecture"])), soft_wrap=True)
    for line in command_lines(found["commands"]):
        console.print(line, soft_wrap=True)
