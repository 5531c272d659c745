"""`profile`: what a network costs, exactly, with the counters of other libraries beside it."""

from __future__ import annotations

import json

from nas.commands.options import InputSize, Json, Plugins, Target


def profile(
    target: Target,
    input: InputSize = None,
    as_json: Json = False,
    plugin: Plugins = None,
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
