"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.data.spec import usages


def _load(paths: list[str] | None) -> list[str]:
    from nas.plugins import load_plugin

    for path in paths or []:
        load_plugin(path)
    return paths or []


Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        help="A Python file that registers kinds of blocks. It is run: give only what you trust.",
        callback=_load,
        is_eager=True,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SpaceArgument = Annotated[str, typer.Argument(help="Name of a shipped space, or a YAML file.")]
Target = Annotated[
    str, typer.Argument(help="A preset, an architecture file, SPACE@seed, or RUN#trial.")
]
Trained = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="A self-contained .safetensors file.")
]
InputSize = Annotated[
    str | None, typer.Option(help="Input size, HEIGHTxWIDTH in pixels; by default its own.")
]
Backend = Annotated[
    str, typer.Option(help="What runs the network: torch (as it is), frozen, or onnxruntime.")
]
Threads = Annotated[
    int, typer.Option(min=0, help="Threads of one inference; 0: as many as torch takes.")
]
Batch = Annotated[int, typer.Option(min=1, help="Images in one inference.")]
Precision = Annotated[str, typer.Option(help="float32 or bfloat16.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
DATA_HELP = f"Data set: {usages()}."
Data = Annotated[str, typer.Option(help=DATA_HELP)]
DataArgument = Annotated[str, typer.Argument(help=DATA_HELP)]
