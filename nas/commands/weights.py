"""`weights`: from torchreid's checkpoints, and from a network to its variants."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Json, Plugins, Target
from nas.commands.output import make_console, print_json

app = typer.Typer(help="Weights from elsewhere, and for variants.", no_args_is_help=True)
Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint: .pth, .pt or .safetensors.")]
Out = Annotated[Path, typer.Option(help="The file to write.")]


@app.callback()
def _group() -> None:
    """Weights from elsewhere."""


@app.command("import")
def import_(checkpoint: Checkpoint, architecture: Target, out: Out, plugin: Plugins = None) -> None:
    """Read torchreid's CHECKPOINT of ARCHITECTURE; write a self-contained .safetensors file."""
    from nas.commands.targets import resolve
    from nas.models.weights import import_network, save_network

    _check_out(out)
    model = import_network(checkpoint, resolve(architecture))
    save_network(model, out)
    print(f"{out}: {len(model.state_dict())} tensors, {model.num_classes} classes")


class Channels(StrEnum):
    """Which channels go to a network that has fewer."""

    order = "order"
    magnitude = "magnitude"


@app.command()
def init(
    architecture: Target,
    source: Annotated[
        Path,
        typer.Option("--from", help="A self-contained .safetensors, or torchreid's checkpoint."),
    ],
    out: Out,
    from_architecture: Annotated[
        str | None, typer.Option(help="What torchreid's checkpoint is a network of: osnet_x1_0.")
    ] = None,
    channels: Annotated[
        Channels, typer.Option(help="Where there are fewer: the first, or those of most weight.")
    ] = Channels.order,
    seed: Annotated[int, typer.Option(min=0, help="Initialises what is not carried.")] = 0,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Start ARCHITECTURE from the weights of a trained network that it is a variant of."""
    from nas.commands.targets import resolve
    from nas.errors import UserError
    from nas.models import build, inherit
    from nas.models.weights import import_network, load_network, save_network
    from nas.training.asked import EXPORT_FIRST

    _check_out(out)
    wanted = resolve(architecture)
    if from_architecture is not None:
        trained = import_network(source, resolve(from_architecture))
    elif source.suffix == ".safetensors":
        trained = load_network(source)
    else:
        trial = "#" in source.name and not source.is_file()
        hint = EXPORT_FIRST if trial else "give --from-architecture"
        raise UserError(f"{source} does not say its architecture: {hint}")
    model = build(wanted, trained.num_classes, seed=seed)
    model.task, model.classes = trained.task, trained.classes
    found = inherit(model, trained, channels=channels.value)
    save_network(model, out)
    if as_json:
        print_json({"out": str(out), **found.as_dict()})
    else:
        from nas.report.tables import inheritance_table

        print(f"{out}: {found.summary()}")
        make_console().print(inheritance_table(found.by_part()))


def _check_out(out: Path) -> None:
    from nas.errors import UserError

    if out.suffix != ".safetensors" or not out.parent.is_dir():
        raise UserError(f"--out: {out} is not a .safetensors file in a directory that exists")
