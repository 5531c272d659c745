"""`weights`: torchreid's checkpoints as self-contained files; `export` writes them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Plugins, Target

app = typer.Typer(help="Weights from elsewhere.", no_args_is_help=True)
Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint: .pth, .pt or .safetensors.")]
Out = Annotated[Path, typer.Option(help="The file to write.")]


@app.callback()
def _group() -> None:
    """Weights from elsewhere."""


@app.command("import")
def import_(checkpoint: Checkpoint, architecture: Target, out: Out, plugin: Plugins = None) -> None:
    """Read torchreid's CHECKPOINT of ARCHITECTURE; write a self-contained .safetensors file."""
    from nas.commands.targets import resolve
    from nas.errors import UserError
    from nas.models.network import Network
    from nas.models.weights import load_torchreid, read_checkpoint, save_network

    if out.suffix != ".safetensors" or not out.parent.is_dir():
        raise UserError(f"--out: {out} is not a .safetensors file in a directory that exists")
    state = read_checkpoint(checkpoint)
    bias = state.get("classifier.bias")
    classes = bias.numel() if bias is not None else 0
    model = Network(resolve(architecture), classes)
    load_torchreid(model, state)
    save_network(model, out)
    print(f"{out}: {len(state)} tensors, {classes} classes")
