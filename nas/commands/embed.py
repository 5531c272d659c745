"""`embed`: the embeddings of a folder of images, as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Flip, Plugins, Trained


def embed(
    checkpoint: Trained,
    folder: Annotated[Path, typer.Argument(help="Images, also in folders below it.")],
    out: Annotated[Path, typer.Option(help="The file to write: .npz or .parquet.")],
    normalise: Annotated[
        bool, typer.Option("--normalise", help="Scale each embedding to length 1.")
    ] = False,
    flip: Flip = False,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Leave out what can not be read, and say so.")
    ] = False,
    plugin: Plugins = None,
) -> None:
    """Write name and embedding of every image under FOLDER."""
    from nas.commands.targets import load_trained
    from nas.progress import counted
    from nas.training.features import embed_folder

    with counted("images") as progress:
        written = embed_folder(
            load_trained(checkpoint),
            folder,
            out,
            normalise=normalise,
            flip=flip,
            skip_damaged=skip_damaged,
            progress=progress,
        )
    for line in written.damaged:
        print(f"left out: {line}", file=sys.stderr)
    left = f", {len(written.damaged)} left out" if written.damaged else ""
    print(f"{out}: {written.images:,} images{left}, {written.dimensions} values each")
