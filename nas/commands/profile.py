"""`profile`: what a network costs, exactly, with the counters of other libraries beside it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.commands.options import InputSize, Json, Plugins, Setting, Target
from nas.commands.output import make_console, print_json

if TYPE_CHECKING:
    from nas.cost import backends
    from nas.cost.parts import PartTable


UNSET = "frozen"  # the setting where none is given


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
    latency: Annotated[
        bool, typer.Option("--latency", help="Measure latency too; TARGET may be a space then.")
    ] = False,
    latency_table: Annotated[
        Path | None, typer.Option(help="Predict it by this table, which `latency` made elsewhere.")
    ] = None,
    setting: Setting = UNSET,
    csv: Annotated[Path | None, typer.Option(help="Write the table here, as CSV.")] = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print params and macs of TARGET, part by part, and the raw figures of fvcore and thop.

    With --latency, TARGET may be a space: how MACs and latency rank it, and where they disagree.
    """
    from nas.commands.targets import is_space, resolve
    from nas.cost import backends, by_layer, by_operator
    from nas.cost import profile as measure
    from nas.cost.parts import read_table
    from nas.cost.profile import latency_profile
    from nas.errors import UserError

    how = backends.Setting.parse(setting)
    if setting != UNSET and not latency and (is_space(target) or not latency_table):
        raise UserError("--setting: it is of what is measured; add --latency")
    table = read_table(latency_table) if latency_table else None
    if is_space(target):
        if not (latency or table):
            raise UserError(f"{target} is a space: add --latency, or see `space show {target}`")
        of_one = {"--csv": csv, "--input": input, "--by": by is not By.part}
        of_one["--counters"] = counters is Counters.all
        for option, given in of_one.items():
            if given:
                raise UserError(f"{option}: {target} is a space, and this is of one architecture")
        if latency and table:
            raise UserError("--latency-table: a space is ranked by it, or measured; leave out one")
        _rank(target, how, table, as_json)
        return
    if csv is not None and not csv.parent.is_dir():
        raise UserError(f"--csv: {csv.parent} is not a directory")
    architecture = resolve(target, input)
    found = measure(architecture, reconciled=counters is Counters.all)
    rows: list[dict[str, Any]] = found["parts"]
    if by is not By.part:
        rows = by_layer(architecture) if by is By.layer else by_operator(architecture)
    if latency or table:
        found["latency"] = latency_profile(architecture, how, table)
    if csv is not None:
        _write_csv(rows, csv)
    if as_json:
        print_json({"target": target, **found, f"by_{by}": rows})
    else:
        _show(target, found, rows, by)


def _show(target: str, found: dict[str, Any], rows: list[dict[str, Any]], by: By) -> None:
    from nas.report.latency import latency_in_words
    from nas.report.tables import counter_table, part_table, plain_table, reconciled_table

    console = make_console()
    console.print(f"{target}  input {found['input']}  key {found['key']}")
    console.print(part_table(found) if by is By.part else plain_table(rows))
    console.print()
    reconciled = "reconciled" in found
    console.print(reconciled_table(found) if reconciled else counter_table(found))
    if "latency" in found:
        console.print(f"\n{latency_in_words(found['latency'])}")


def _rank(target: str, setting: backends.Setting, given: PartTable | None, as_json: bool) -> None:
    from nas.cost.inversion import rank_space
    from nas.cost.parts import measured_table
    from nas.cost.table import parts_of
    from nas.progress import counted
    from nas.report.latency import rank_report
    from nas.space import load_space

    space = load_space(target)
    table = given
    if table is None:
        with counted("measurements", lines=True) as progress:
            table = measured_table(parts_of(space.members()), setting, progress=progress)
    found = rank_space(space, table, setting=setting if given is None else None)
    if as_json:
        print_json(found)
    else:
        make_console().print(rank_report(found))


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    import pandas as pd

    from nas.files import write_atomically

    write_atomically(path, pd.DataFrame(rows).to_csv(index=False))
