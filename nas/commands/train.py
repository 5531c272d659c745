"""`train`: one network at full length, to a file that can be used."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import DATA_HELP, Changes, InputSize, Json, Plugins, Quiet, Recipe, Target
from nas.commands.output import print_json


def train(
    target: Target,
    data: Annotated[
        str | None,
        typer.Option(help=f"{DATA_HELP[:-1]}; by default that of TARGET's run, else synthetic."),
    ] = None,
    recipe: Recipe = "standard",
    changes: Changes = None,
    evaluate: Annotated[
        list[str] | None,
        typer.Option("--eval", metavar="DATA", help="Score this test split too; may be repeated."),
    ] = None,
    eval_every: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Score test splits after each N epochs too, to look at; else at the end alone.",
        ),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Weights to start from: .safetensors, or torchreid's file.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of initialisation, split and order.")] = 0,
    input: InputSize = None,
    out: Annotated[
        str | None, typer.Option(help="The training's directory; by default below results/.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, ...; by default the GPU if there is one.")
    ] = None,
    checkpoint_minutes: Annotated[
        float, typer.Option(min=0, help="Minutes between checkpoints within an epoch.")
    ] = 5.0,
    plugin: Plugins = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete the training that is there first.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train TARGET on the whole training split, score the test split, and keep the network.

    Ctrl-C leaves a state that can be gone on from. The same command goes on where it was.
    """
    from nas.commands.targets import data_of, resolve
    from nas.commands.train_view import make_view
    from nas.plugins import plugin_options
    from nas.program import program
    from nas.report.run import score_lines
    from nas.search.budget import number_of
    from nas.training import train_network
    from nas.training.evaluation import NotFinite
    from nas.training.loop import Diverged

    view = make_view(quiet)
    try:
        with view:
            done = train_network(
                resolve(target, input),
                data=data or data_of(target) or "synthetic",
                recipe=recipe,
                overrides=changes or [],
                evaluate=evaluate or [],
                eval_every=eval_every,
                init=init,
                seed=seed,
                out=out,
                name=Path(target).name,
                fresh=fresh,
                device=device,
                checkpoint_minutes=checkpoint_minutes,
                view=view,
            )
    except (Diverged, NotFinite) as error:
        print(
            f"error: {error}; what was saved before is kept in {view.path}; "
            "try a lower lr, or clip=1, with --set",
            file=sys.stderr,
        )
        raise typer.Exit(1) from None
    if as_json:
        print_json(vars(done))
        return
    best = f", the best is epoch {done.best_epoch}" if done.best_epoch else ""
    print(f"{number_of(done.epochs, 'epoch')}{best}; metrics in {done.path / 'metrics.csv'}")
    print(*score_lines(done.scores), f"network  {done.network}", sep="\n")
    network, rest = shlex.quote(str(done.network)), plugin_options()
    logits = " --logits" * any("top1" in scores for scores in done.scores.values())
    print(f"next     {program()} export {network} --out network.onnx{logits}{rest}")
    print(f"         {program()} evaluate {network} --data OTHER --flip{rest}")
