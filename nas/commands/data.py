"""`data`: look at data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look at data sets.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at data sets."""


@app.command()
def preview(
    data: Annotated[
        str,
        typer.Argument(
            help="Data set: synthetic[:ids=..,size=..,seed=..], fashion-mnist[:FOLDER]."
        ),
    ] = "synthetic",
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("preview.png"),
) -> None:
    """Write a contact sheet: identities (or classes) as rows, images as columns."""
    from nas.data import contact_sheet, load_dataset
    from nas.errors import UserError

    if not out.parent.is_dir():
        raise UserError(f"--out: {out.parent} is not a directory")
    dataset = load_dataset(data)
    contact_sheet(dataset, out)
    counts = ", ".join(f"{len(images):,} {name}" for name, images in dataset.splits.items())
    print(
        f"{dataset.name}: {counts}; {dataset.num_classes} identities or classes to train on\n{out}"
    )
