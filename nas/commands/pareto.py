"""`pareto`: the front of a run as a table and a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from nas.commands.options import Plugins


def pareto(
    run: Annotated[str, typer.Argument(help="A run's directory.")],
    cost: Annotated[
        str | None,
        typer.Option(help="The picture's cost: macs, params or activation_bytes; the run's first."),
    ] = None,
    plugin: Plugins = None,
    png: Annotated[
        bool, typer.Option("--png", help="Write pareto.png too (needs Chrome).")
    ] = False,
) -> None:
    """Print the front of RUN; write front.csv, pareto.html and with --png pareto.png into it."""
    from rich.console import Console

    from nas.report import front_table, write_pareto
    from nas.search import open_run

    opened = open_run(run)
    pictures = write_pareto(opened, cost, png=png)
    opened.write_tables()
    Console().print(front_table(opened))
    for path in (*pictures, opened.path / "front.csv"):
        print(path)
