"""`profile`: what a network costs, exactly, with the counters of other libraries beside it."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def profile(
    target: Annotated[
        str, typer.Argument(help="A preset, an architecture file, SPACE@seed, or RUN#trial.")
    ],
    input: Annotated[
        str | None, typer.Option(help="Input size, HEIGHTxWIDTH in pixels; by default its own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print params and macs of TARGET, part by part, and the raw figures of fvcore and thop."""
    from nas.commands.targets import resolve
    from nas.cost import profile as measure

    found = measure(resolve(target, input))
    if as_json:
        print(json.dumps({"target": target, **found}, indent=2))
        return
    from rich.console import Console

    from nas.report.tables import counter_table, part_table

    console = Console()
    console.print(f"{target}  input {found['input']}  key {found['key']}", highlight=False)
    console.print(part_table(found))
    console.print()
    console.print(counter_table(found))
