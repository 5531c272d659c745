"""`pareto`: the front of a run, or the fronts of several, as a table and a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.commands.options import Json, Pdf, Plugins, Png, Svg, formats
from nas.commands.output import make_console, print_json

if TYPE_CHECKING:
    from nas.search import Run


def pareto(
    runs: Annotated[list[str], typer.Argument(metavar="RUN [RUN ...]", help="Runs' directories.")],
    cost: Annotated[
        str | None,
        typer.Option(help="The picture's cost: macs, params, activation_bytes; the run's first."),
    ] = None,
    plugin: Plugins = None,
    png: Png = False,
    svg: Svg = False,
    pdf: Pdf = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The pictures' path; with .png, .svg or .pdf that is drawn too. By "
                     "default pareto in RUN, of several in the directory above."),
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Print the front of RUN, write its picture, front.csv and front.tex into it.

    Of several runs, which have to be scored alike: the fronts on one picture, beside the presets
    that were trained with them, and their hypervolumes with intervals.
    """
    from nas.errors import UserError

    if out is not None and not out.parent.is_dir():
        raise UserError(f"--out: {out.parent} is not a directory")
    images = formats(png, svg, pdf)
    named = out.suffix.removeprefix(".") if out is not None else ""
    images += [named] * (named in ("png", "svg", "pdf") and named not in images)
    if len(runs) == 1:
        _one(runs[0], cost, images, out, as_json)
    else:
        _several(runs, cost, images, out, as_json)


def _one(run: str, cost: str | None, images: list[str], out: Path | None, as_json: bool) -> None:
    from nas.report import front_table, write_pareto
    from nas.search import open_run

    opened = open_run(run).snapshot()
    files = [*write_pareto(opened, cost, images, out), *_tables(opened, needed=out is None)]
    if as_json:
        front = opened.front().astype(object)
        rows = front.where(front.notna(), None).to_dict("records")
        print_json({"run": str(opened.path), "front": rows, "files": list(map(str, files))})
        return
    console = make_console()
    console.print(front_table(opened, console.width))
    for path in files:
        print(path)


def _tables(run: Run, *, needed: bool) -> list[Path]:
    """Write the run's tables of its front. Where it can not be written, that is said; and raised
    if they are needed, as nothing is written elsewhere."""
    from nas.errors import Unwritable
    from nas.files import write_atomically
    from nas.report import front_latex

    try:
        run.write_tables()
        write_atomically(run.path / "front.tex", front_latex(run))
    except Unwritable as error:
        if needed:
            raise
        print(f"left out: {error}", file=sys.stderr)
        return []
    return [run.path / "front.csv", run.path / "front.tex"]


def _several(
    runs: list[str], cost: str | None, images: list[str], out: Path | None, as_json: bool
) -> None:
    from nas.report.compare import compared_table, comparison_notes
    from nas.report.fronts import write_fronts
    from nas.search.compare import compare_runs

    found = compare_runs(runs)
    pictures = write_fronts([own.run for own in found.runs], cost, images, out)
    if as_json:
        print_json(found.as_dict() | {"files": list(map(str, pictures))})
        return
    console = make_console()
    console.print(compared_table(found, console.width))
    for note in comparison_notes(found):
        console.print(note, style="dim")
    for path in pictures:
        print(path)
