"""`best`: the trial to take, within what a device allows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Json, Plugins, RunArgument
from nas.commands.output import make_console, print_json

COUNT = "plain, or with k, M or G"


def best(
    run: RunArgument,
    macs_max: Annotated[
        str | None, typer.Option(help=f"At most so many macs, {COUNT}; by default any.")
    ] = None,
    params_max: Annotated[
        str | None, typer.Option(help=f"At most so many params, {COUNT}; by default any.")
    ] = None,
    activation_bytes_max: Annotated[
        str | None, typer.Option(help=f"At most so many bytes, {COUNT}; by default any.")
    ] = None,
    latency_max: Annotated[
        float | None,
        typer.Option(
            help="At most so many milliseconds, which RUN has, or --latency-table; by default any."
        ),
    ] = None,
    latency_table: Annotated[
        Path | None,
        typer.Option(help="Predict latency by this table, which `latency` made; else RUN's own."),
    ] = None,
    score_min: Annotated[
        float | None,
        typer.Option(
            help="The cheapest with this score at least, by RUN's first cost, or by latency with "
            "--latency-table; else the best."
        ),
    ] = None,
    name: Annotated[
        bool, typer.Option("--name", help="Print RUN#trial alone, for another command to take.")
    ] = False,
    count: Annotated[
        int, typer.Option(min=1, help="How many trials, the best, or cheapest, first.")
    ] = 1,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print the best trial of RUN within the limits, and the command that trains it.

    By the mean of its fresh seeds; where it has none, by its score, less what others lost by them.
    """
    from nas.errors import UserError
    from nas.report.words import parse_count
    from nas.search import open_run
    from nas.search.about import commands, trial_row
    from nas.search.choose import best_trials, not_in_table
    from nas.search.confirm import spread

    given = {"macs": macs_max, "params": params_max, "activation_bytes": activation_bytes_max}
    limits = {
        name: parse_count(text, f"--{name.replace('_', '-')}-max")
        for name, text in given.items()
        if text is not None
    }
    if latency_max is not None:
        if not latency_max > 0:
            raise UserError(f"--latency-max: {latency_max:g} is not a number of ms above 0")
        limits["latency_ms"] = latency_max
    opened = open_run(run).snapshot()
    found = best_trials(opened, limits, count, latency_table, score_min)
    by_latency = latency_max is not None or score_min is not None
    if latency_table and by_latency and (lacking := not_in_table(opened, latency_table)):
        left_out = ", ".join(f"#{number}" for number in lacking)
        print(f"left out: {left_out}: the latency table has not all parts of them", file=sys.stderr)
    if name:
        for trial in found:
            print(f"{opened.path}#{trial.number}")
        return
    lines = [commands(opened, trial) for trial in found]
    if as_json:
        known = spread(opened.all_trials())
        pairs = zip(found, lines, strict=True)
        rows = [trial_row(trial, known) | {"commands": own} for trial, own in pairs]
        print_json({"run": str(opened.path), "limits": limits, "trials": rows})
        return
    from nas.report.tables import trial_table

    console = make_console()
    console.print(trial_table(opened, found, width=console.width))
    for own in lines:
        print(own["train"])
