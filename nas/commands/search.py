"""`search`: spend a budget on finding architectures with a good score at a low cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas.commands.options import (
    Address,
    Changes,
    Constraints,
    CpusPerJob,
    Data,
    Eta,
    Executor,
    Fresh,
    GpusPerJob,
    GrowthMin,
    Json,
    Out,
    Plugins,
    Quiet,
    SearchRecipe,
    SpaceArgument,
    Workers,
    cluster,
)
from nas.commands.output import make_console, print_json

if TYPE_CHECKING:
    from nas.search import Run


def search(
    space: SpaceArgument,
    budget: Annotated[
        str,
        typer.Option(help="What to spend: a time (90s, 5m), 20trials, 120epochs, or 2PMAC."),
    ] = "5m",
    data: Data = "synthetic",
    recipe: SearchRecipe = None,
    changes: Changes = None,
    objectives: Annotated[
        str,
        typer.Option(
            help="score (larger is better) and costs: macs, params, activation_bytes, latency_ms."
        ),
    ] = "score,macs",
    constraint: Constraints = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="ehvi, tpe, nsga2, gp or random; else ehvi, or tpe where latency is measured."
        ),
    ] = None,
    score_min: Annotated[
        float | None,
        typer.Option(
            help="Look for the cheapest with this score at least; by default for the whole front."
        ),
    ] = None,
    growth_min: GrowthMin = 0.0,
    latency: Annotated[
        str, typer.Option(help="Setting in which latency_ms is measured; see `profile --setting`.")
    ] = "frozen:threads=1",
    latency_table: Annotated[
        Path | None,
        typer.Option(
            help="Predict latency_ms by this table, which `latency` made; else it is measured. "
            "Constraints may read it too."
        ),
    ] = None,
    rungs: Annotated[
        str | None,
        typer.Option(help="Epochs after which trials are compared, as 1,3; else the recipe's."),
    ] = None,
    no_rungs: Annotated[
        bool, typer.Option("--no-rungs", help="Train every trial at full length.")
    ] = False,
    eta: Eta = 3.0,
    confirm: Annotated[
        float,
        typer.Option(help="Share of the budget that may train the front again with fresh seeds."),
    ] = 0.25,
    workers: Workers = None,
    executor: Executor = "local",
    address: Address = None,
    cpus_per_job: CpusPerJob = None,
    gpus_per_job: GpusPerJob = None,
    storage: Annotated[
        str | None,
        typer.Option(help="URL of an Optuna storage for the study; else study.db in the run."),
    ] = None,
    init: Annotated[
        list[str] | None,
        typer.Option(
            help="An architecture of the space to try first, without weights: a preset, a file, "
            "SPACE@seed or RUN#N; may be repeated."
        ),
    ] = None,
    warm_start: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN",
            help="An earlier run with this data, recipe and seed, whose trials are taken over; "
            "may be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of proposals, split, order and initialisation.")
    ] = 0,
    out: Out = None,
    plugin: Plugins = None,
    fresh: Fresh = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Search SPACE with short training runs, and print the front of score against cost.

    Ctrl-C ends it with the front of what was done. The same command goes on where it was; a larger
    --budget lets it go further.
    """
    from nas.commands.search_view import make_view
    from nas.commands.targets import resolve
    from nas.errors import UserError
    from nas.search import run_search

    if rungs is not None and no_rungs:
        raise UserError("--rungs and --no-rungs exclude each other; leave out one")
    view = make_view(quiet)
    interrupted = False
    try:
        with view:
            run = run_search(
                space,
                budget=budget,
                data=data,
                recipe=recipe,
                overrides=changes or (),
                objectives=objectives,
                constraints=constraint or (),
                sampler=sampler,
                score_min=score_min,
                growth_min=growth_min,
                latency=latency,
                latency_table=latency_table,
                rungs="" if no_rungs else rungs,
                eta=eta,
                confirm=confirm,
                workers=workers,
                cluster=cluster(executor, address, cpus_per_job, gpus_per_job),
                storage=storage,
                init=[resolve(target) for target in init or ()],
                warm_start=warm_start or (),
                seed=seed,
                out=out,
                fresh=fresh,
                view=view,
            )
    except KeyboardInterrupt:
        begun = _begun(view.path)
        if begun is None:
            raise
        interrupted, run = True, begun
    shown = _json(run) if as_json else _text(run, interrupted=interrupted)
    if interrupted or not shown:
        raise typer.Exit(130 if interrupted else 1)


def _begun(path: Path | None) -> Run | None:
    """The run there, if the search came so far that it can be read."""
    from nas.errors import UserError
    from nas.search import open_run

    try:
        return open_run(path).snapshot() if path else None
    except UserError:
        return None


def _json(run: Run) -> bool:
    """Whether there is a front."""
    from nas.search.about import describe_run

    found = describe_run(run.path)
    print_json(found)
    return bool(found["front"])


def _text(run: Run, *, interrupted: bool = False) -> bool:
    """Whether there is a front."""
    from nas.report import front_table, write_pareto
    from nas.report.words import growth_in_words
    from nas.search.predicted import expected_growth

    run = run.snapshot()
    trials = run.all_trials()
    complete = [trial for trial in trials if trial.state == "complete"]
    if not complete:
        failed = [trial.reason for trial in trials if trial.state == "failed"]
        why = f" ({len(failed)} failed: {failed[-1]})" if failed else ""
        print(f"no trial is complete{why}; the run is {run.path}")
        if not failed and not interrupted:
            print("the budget was too small for one; the same command with a larger one goes on")
        if on_rungs := [trial for trial in trials if trial.rungs]:
            best = max(on_rungs, key=lambda trial: (trial.epoch, trial.rungs[trial.epoch]))
            score = f"score {best.rungs[best.epoch]:.4f} after epoch {best.epoch}"
            print(f"{len(on_rungs)} stand on rungs; the best is trial {best.number}, {score}")
        return False
    console = make_console()
    console.print(front_table(run, console.width))
    if (least := run.asked.get("score_min")) is not None:
        print(f"\n{_cheapest(run, least)}")
    html = write_pareto(run)[0]
    print(f"\npicture  {html}\ntable    {run.path / 'front.csv'}")
    if (growth := expected_growth(trials)) is not None:
        print(f"growth   {growth_in_words(growth)}")
    return True


def _cheapest(run: Run, least: float) -> str:
    """What was looked for, in words: the cheapest with that score, or that there is none yet."""
    from nas.errors import UserError
    from nas.search.choose import best_trials

    try:
        (found,) = best_trials(run, score_min=least)
    except UserError as error:
        return str(error)
    return f"the cheapest with a score of {least:g} at least is trial {found.number}"
