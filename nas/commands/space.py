"""`space`: what a search space contains, and whether it says what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Constraints, InputSize, Json, Plugins, SpaceArgument, Target
from nas.commands.output import make_console, print_json

app = typer.Typer(help="Look into search spaces and architectures.", no_args_is_help=True)


@app.command()
def show(
    space: SpaceArgument,
    constraint: Constraints = None,
    html: Annotated[Path | None, typer.Option(help="Write histograms as a page here.")] = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print parameters, counts, what constraints remove, costs, and what moves them."""
    from nas.errors import UserError
    from nas.space import load_space, summarise

    if html is not None and not html.parent.is_dir():
        raise UserError(f"--html: {html.parent} is not a directory")
    found = summarise(load_space(space, constraints=constraint or ()))
    if as_json:
        print_json(found)
    else:
        from nas.report.space import space_summary

        make_console().print(space_summary(found))
    if html is not None:
        from nas.report.space import write_space

        write_space(found, html)
        if not as_json:
            print(f"\n{html}")


@app.command()
def lint(space: SpaceArgument, as_json: Json = False, plugin: Plugins = None) -> None:
    """Print what can not be meant, or need not be said; exit code 1 where there is anything."""
    from nas.space import lint as findings
    from nas.space import load_space

    loaded = load_space(space)
    found = findings(loaded)
    if as_json:
        print_json({"space": loaded.name, "findings": found})
    else:
        print(*(found or ["nothing to say against it"]), sep="\n")
    if found:
        raise typer.Exit(1)


@app.command()
def sample(
    space: SpaceArgument,
    n: Annotated[int, typer.Option("-n", help="How many points.", min=1, max=100_000)] = 1,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed; SPACE@seed is the first point of it.")
    ] = 0,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print points, uniform over distinct valid architectures (or by weights, where given).

    They are drawn with replacement: one may come twice.
    """
    from nas.architecture import key
    from nas.cost import cost
    from nas.report.words import compact, point_in_words
    from nas.seeds import drawer
    from nas.space import load_space

    loaded = load_space(space)
    draw = drawer(seed, "sample")
    varying = [p.name for p in loaded.parameters if len(p.values) > 1]
    found = []
    for _ in range(n):
        point = loaded.sample(draw)
        architecture = loaded.architecture(point)
        exact = cost(architecture)
        found.append({"key": key(architecture), **exact.as_dict(), "point": point})
        if not as_json:
            words = point_in_words(point, varying)
            print(f"{found[-1]['key']}  {compact(exact.macs):>7} macs  {words}")
    if as_json:
        print_json(found)


@app.command()
def explain(
    target: Target, input: InputSize = None, as_json: Json = False, plugin: Plugins = None
) -> None:
    """Draw the network: stages, streams, gates, receptive fields, shapes, cost of each part."""
    from nas.commands.targets import resolve
    from nas.report.drawing import describe, draw

    architecture = resolve(target, input)
    if as_json:
        print_json(describe(architecture))
        return

    make_console().print(draw(architecture), soft_wrap=True)


@app.command()
def schema(plugin: Plugins = None) -> None:
    """Print the JSON Schema of space files, for editors."""
    from nas.space import json_schema

    print_json(json_schema())
