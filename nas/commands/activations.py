"""`activations`: a picture of where in images a network is active."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Plugins, WithLayers


def activations(
    checkpoint: WithLayers,
    data: Annotated[
        str | None,
        typer.Option(help="Data set; of RUN#trial by default that of its run."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The .png file to write.")] = Path("activations.png"),
    images: Annotated[
        int, typer.Option(min=1, help="Random ones of the test split, or of its queries.")
    ] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of images.")] = 0,
    plugin: Plugins = None,
) -> None:
    """Write a picture: images, and where in them the last feature map is active."""
    from nas.commands.targets import data_to_score, load_trained
    from nas.report.activations import write_activations

    spec = data_to_score(checkpoint, data)
    write_activations(load_trained(checkpoint), spec, out, images=images, seed=seed)
    print(out)
