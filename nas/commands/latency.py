"""`latency`: measure the parts of a space on this device, as a table to be read elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Constraints, Plugins, Setting, SpaceArgument


def latency(
    space: SpaceArgument,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    constraint: Constraints = None,
    setting: Setting = "frozen",
    plugin: Plugins = None,
) -> None:
    """Measure each part of SPACE once on this device, for --latency-table FILE of other verbs."""
    from nas.cost import backends
    from nas.cost.parts import measured_table
    from nas.errors import UserError
    from nas.progress import counted
    from nas.space import load_space, parts_to_measure

    if out.suffix != ".csv" or not out.parent.is_dir():
        raise UserError(f"--out: {out} is not a .csv file in a directory that exists")
    how = backends.Setting.parse(setting)
    loaded = load_space(space, constraints=constraint or ())
    parts = parts_to_measure(loaded)
    with counted("measurements", lines=True) as progress:
        table = measured_table(parts, how, out, progress=progress)
    print(f"{out}: {len(parts)} parts, {table.setting['machine']}, {table.setting['library']}")
