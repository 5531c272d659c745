"""`profile`: what a network costs, exactly, with the counters of other libraries beside it."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nas.commands.options import InputSize, Json, Plugins, Target


class By(StrEnum):
    """What a row of the table is."""

    part = "part"
    layer = "layer"
    operator = "operator"


class Counters(StrEnum):
    """Raw totals, or each difference to them by name."""

    raw = "raw"
    all = "all"


def profile(
    target: Target,
    input: InputSize = None,
    by: Annotated[By, typer.Option(help="What a row of the table is.")] = By.part,
    counters: Annotated[
        Counters,
        typer.Option(help="all: fvcore, thop and torch's counter, every difference by name."),
    ] = Counters.raw,
    csv: Annotated[Path | None, typer.Option(help="Write the table here, as CSV.")] = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print params and macs of TARGET, part by part, and the raw figures of fvcore and thop."""
    from nas.commands.targets import resolve
    from nas.cost import by_layer, by_operator, reconcile
    from nas.cost import profile as measure
    from nas.errors import UserError

    if csv is not None and not csv.parent.is_dir():
        raise UserError(f"--csv: {csv.parent} is not a directory")
    architecture = resolve(target, input)
    found = measure(architecture)
    rows: list[dict[str, Any]] = found["parts"]
    if by is not By.part:
        rows = by_layer(architecture) if by is By.layer else by_operator(architecture)
    if counters is Counters.all:
        found["reconciled"] = reconcile(architecture)["counters"]
    if csv is not None:
        _write_csv(rows, csv)
    if as_json:
        print(json.dumps({"target": target, **found, f"by_{by}": rows}, indent=2))
    else:
        _show(target, found, rows, by)


def _show(target: str, found: dict[str, Any], rows: list[dict[str, Any]], by: By) -> None:
    from rich.console import Console

    from nas.report.tables import counter_table, part_table, plain_table, reconciled_table

    console = Console()
    console.print(f"{target}  input {found['input']}  key {found['key']}", highlight=False)
    console.print(part_table(found) if by is By.part else plain_table(rows))
    console.print()
    reconciled = "reconciled" in found
    console.print(reconciled_table(found) if reconciled else counter_table(found))


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    import pandas as pd

    from nas.files import write_atomically

    write_atomically(path, pd.DataFrame(rows).to_csv(index=False))
