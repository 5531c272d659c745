"""`latency`: measure the parts of a space on this device, as a table to be read elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Backend, Batch, Device, Plugins, Precision, SpaceArgument, Threads


def latency(
    space: SpaceArgument,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    backend: Backend = "frozen",
    threads: Threads = 0,
    batch: Batch = 1,
    precision: Precision = "float32",
    device: Device = "cpu",
    plugin: Plugins = None,
) -> None:
    """Measure each part of SPACE once on this device; for `profile SPACE --latency-table FILE`."""
    from nas.commands.live import counted
    from nas.cost import Setting
    from nas.cost.parts import PartTable, measure_parts, write_table
    from nas.cost.table import parts_of
    from nas.errors import UserError
    from nas.space import load_space

    if out.suffix != ".csv" or not out.parent.is_dir():
        raise UserError(f"--out: {out} is not a .csv file in a directory that exists")
    setting = Setting(backend, threads, batch, precision, device)
    table = PartTable(setting.record())
    parts = parts_of(load_space(space).members())
    with counted("parts") as progress:
        measure_parts(table, parts, setting, progress=progress)
    write_table(table, out)
    print(f"{out}: {len(parts)} parts, {table.setting['machine']}, {table.setting['library']}")
