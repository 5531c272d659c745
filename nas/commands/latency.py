"""`latency`: measure the parts of a space on this device, as a table to be read elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Constraints, Plugins, Setting, SpaceArgument


def latency(
    space: SpaceArgument,
    out: Annotated[
        Path | None, typer.Option(help="The CSV file to write; else --parts is given.")
    ] = None,
    parts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write the parts as ONNX files into this folder instead, with a program that "
            "measures them on a device that has onnxruntime and numpy alone.",
        ),
    ] = None,
    constraint: Constraints = None,
    setting: Setting = "frozen",
    plugin: Plugins = None,
) -> None:
    """Measure each part of SPACE once on this device, for --latency-table FILE of other verbs."""
    from nas.cost import backends
    from nas.cost.parts import measured_table, write_parts
    from nas.errors import UserError
    from nas.files import check_writable
    from nas.progress import counted
    from nas.space import load_space, parts_to_measure

    if (out is None) == (parts is None):
        raise UserError("--out: give a .csv file for what is measured here, or a folder to --parts")
    if out and (out.suffix != ".csv" or not out.parent.is_dir()):
        raise UserError(f"--out: {out} is not a .csv file in a directory that exists")
    if out:
        check_writable(out)
    if parts and parts.exists() and not parts.is_dir():
        raise UserError(f"--parts: {parts} is a file, not a folder")
    if parts and setting != "frozen":
        raise UserError("--setting: measure.py, which --parts writes, has options of its own")
    how = backends.Setting.parse(setting)
    loaded = load_space(space, constraints=constraint or ())
    own = parts_to_measure(loaded)
    if parts:
        with counted("parts", lines=True) as progress:
            write_parts(own, parts, progress=progress)
        print(f"{parts}: {len(own)} parts; on the device: python3 measure.py --threads 1")
    elif out:
        with counted("measurements", lines=True) as progress:
            table = measured_table(own, how, out, progress=progress)
        print(f"{out}: {len(own)} parts, {table.setting['machine']}, {table.setting['library']}")
