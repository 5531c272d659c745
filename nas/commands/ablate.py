"""`ablate`: what each part of a design is worth, with how sure one may be of it."""

from __future__ import annotations

from typing import Annotated

import typer

from nas.commands.options import (
    Address,
    Changes,
    CpusPerJob,
    Data,
    Executor,
    FirstSeed,
    Fresh,
    GpusPerJob,
    Json,
    Out,
    Pdf,
    Plugins,
    Png,
    Quiet,
    Recipe,
    SpentAtMost,
    Svg,
    Workers,
    cluster,
    formats,
)
from nas.commands.output import make_console, print_json


def ablate(
    space: Annotated[
        str | None,
        typer.Argument(help="Name of a shipped space, or a YAML file; not for tables."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="A preset, an architecture file, or RUN#trial; else the space's base."),
    ] = None,
    design: Annotated[
        str, typer.Option(help="one-at-a-time, leave-one-out, or factorial.")
    ] = "one-at-a-time",
    table: Annotated[
        str | None,
        typer.Option(
            help="A table instead: paper (OSNet's eleven rows), families, or a YAML file of rows."
        ),
    ] = None,
    factors: Annotated[
        str, typer.Option(help="Names of parameters, as gate,streams; by default all that vary.")
    ] = "",
    match: Annotated[
        str | None,
        typer.Option(
            help="macs or params: fit each row's width to the baseline's; by default none."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each row, with paired seeds.")] = 5,
    data: Data = "synthetic",
    recipe: Recipe = "standard",
    changes: Changes = None,
    input: Annotated[
        str | None,
        typer.Option(
            help="Without SPACE, which has its own: the baseline's input, HEIGHTxWIDTH in pixels; "
            "else its own."
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(help="What scores: test, or validation (held out of the training split)."),
    ] = "test",
    budget: SpentAtMost = None,
    workers: Workers = None,
    executor: Executor = "local",
    address: Address = None,
    cpus_per_job: CpusPerJob = None,
    gpus_per_job: GpusPerJob = None,
    seed: FirstSeed = 0,
    out: Out = None,
    fresh: Fresh = False,
    columns: Annotated[
        str | None,
        typer.Option(help="Of the table, as score,difference,interval,macs; by default all."),
    ] = None,
    png: Png = False,
    svg: Svg = False,
    pdf: Pdf = False,
    as_json: Json = False,
    plugin: Plugins = None,
    quiet: Quiet = False,
) -> None:
    """Train the rows of a design with paired seeds; print differences to the baseline.

    The same command goes on where it was; more --seeds let it go further. Writes the table as
    Markdown, LaTeX, HTML and CSV, and a forest plot.
    """
    from nas.ablation.own_table import SUFFIXES
    from nas.ablation.run import TABLES, run_ablation
    from nas.commands.search_view import make_view
    from nas.commands.targets import resolve
    from nas.errors import UserError
    from nas.report.ablation import (
        SPARE,
        ablation_notes,
        comparison_words,
        effect_tables,
        parse_columns,
        title,
        with_columns,
        write_ablation,
    )
    from nas.report.formats import terminal

    if table not in (None, *TABLES) and not table.endswith(SUFFIXES):
        raise UserError(f"--table: {table!r} is not {', '.join(TABLES)}, or a YAML file of rows")
    if table and factors:
        raise UserError(f"--factors: the rows of --table {table} are fixed; leave out one of both")
    if table and design != "one-at-a-time":
        raise UserError(f"--design: the rows of --table {table} are fixed; leave out one of both")
    if input and (space or not baseline):
        raise UserError("--input: it is of --baseline without a SPACE, which has its own input")
    wanted = parse_columns(columns) if columns is not None else ()
    view = make_view(quiet)
    with view:
        found = run_ablation(
            space,
            baseline=resolve(baseline, input) if baseline else None,
            design=table or design,
            factors=[name.strip() for name in factors.split(",") if name.strip()],
            match=match,
            seeds=seeds,
            data=data,
            recipe=recipe,
            overrides=changes or [],
            split=split,
            budget=budget,
            workers=workers,
            cluster=cluster(executor, address, cpus_per_job, gpus_per_job),
            seed=seed,
            out=out,
            fresh=fresh,
            view=view,
        )
    files = write_ablation(found, formats(png, svg, pdf), wanted)
    frame = found.table()
    if as_json:
        print_json(frame.to_dict("records"))
        return
    console = make_console()
    words = with_columns(comparison_words(frame, found.found, found.metric), wanted)
    console.print(terminal(words, title(found), console.width, SPARE))
    for note in ablation_notes(found, wanted):
        console.print(note, style="dim")
    for _, heading, _, own in effect_tables(found):
        console.print()
        console.print(terminal(own, heading, console.width))
    print(*files, sep="\n")
