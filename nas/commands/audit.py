"""`audit`: how well short runs, and scores without training, rank architectures."""

from __future__ import annotations

from typing import Annotated

import typer

from nas.commands.options import (
    DATA_HELP,
    Address,
    Changes,
    Constraints,
    CpusPerJob,
    Executor,
    FirstSeed,
    GpusPerJob,
    Json,
    Pdf,
    Plugins,
    Png,
    Quiet,
    SearchRecipe,
    SpentAtMost,
    Svg,
    Workers,
    cluster,
    formats,
)
from nas.commands.output import make_console, print_json


def audit(
    target: Annotated[
        str,
        typer.Argument(
            metavar="SPACE|RUN|TABLE",
            help="A space, which is trained for it; or a run, or a table, as far as it has scores.",
        ),
    ],
    architectures: Annotated[
        int | None, typer.Option(help="How many of the space are trained; by default 40.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Trainings of each to full length; by default 2.")
    ] = None,
    rungs: Annotated[
        str | None,
        typer.Option(help="Epochs that are judged, as 1,3; else the recipe's, or 1, 3, 9, ..."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help=f"{DATA_HELP[:-1]}; by default synthetic, or what the run has."),
    ] = None,
    recipe: SearchRecipe = None,
    changes: Changes = None,
    constraint: Constraints = None,
    cost: Annotated[
        str, typer.Option(help="What bands are of: macs, params, activation_bytes.")
    ] = "macs",
    bands: Annotated[
        int | None, typer.Option(help="How many bands of cost; by default 5, of 8 at least.")
    ] = None,
    zero_cost: Annotated[
        bool,
        typer.Option(help="Judge synflow, naswot and gradient norm as well; params and macs are."),
    ] = True,
    budget: SpentAtMost = None,
    workers: Workers = None,
    executor: Executor = "local",
    address: Address = None,
    cpus_per_job: CpusPerJob = None,
    gpus_per_job: GpusPerJob = None,
    seed: FirstSeed = 0,
    out: Annotated[
        str | None, typer.Option(help="The directory; by default below results/.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete the audit that is there first.")
    ] = False,
    png: Png = False,
    svg: Svg = False,
    pdf: Pdf = False,
    as_json: Json = False,
    plugin: Plugins = None,
    quiet: Quiet = False,
) -> None:
    """Print how well rungs rank architectures, what stopping there loses, and a first rung.

    Of a SPACE, architectures spread over cost are trained, scored at every rung and, with other
    seeds, at full length; the same command goes on where it was. Writes tables and a figure.
    """
    from nas.audit.run import run_audit
    from nas.commands.search_view import make_view
    from nas.report.audit import (
        IMPORTANCE_NOTE,
        SPARE,
        importance_words,
        ranking_notes,
        ranking_words,
        write_audit,
    )
    from nas.report.formats import terminal

    view = make_view(quiet)
    with view:
        found = run_audit(
            target,
            architectures=architectures,
            seeds=seeds,
            rungs=rungs,
            data=data,
            recipe=recipe,
            overrides=changes or [],
            constraints=constraint or (),
            cost=cost,
            bands=bands,
            zero_cost=zero_cost,
            budget=budget,
            workers=workers,
            cluster=cluster(executor, address, cpus_per_job, gpus_per_job),
            seed=seed,
            out=out,
            fresh=fresh,
            view=view,
        )
    files = write_audit(found, formats(png, svg, pdf))
    frame, importance = found.ranking(), found.importance()
    if as_json:
        print_json(
            {
                "title": found.title,
                "first_rung": found.found.first_rung,
                "ranking": frame.to_dict("records"),
                "importance": importance.to_dict("records"),
            }
        )
        return
    console = make_console()
    console.print(terminal(ranking_words(frame), found.title, console.width, SPARE))
    for note in ranking_notes(found):
        console.print(note, style="dim")
    if found.found.importance:
        words = importance_words(importance)
        console.print()
        console.print(terminal(words, "Importance", console.width, tuple(words.columns)[:3:-1]))
        console.print(IMPORTANCE_NOTE, style="dim")
    print(*files, sep="\n")
