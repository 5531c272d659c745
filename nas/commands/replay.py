"""`replay`: searches against a table of finished trainings, in seconds; or a trial once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Eta, GrowthMin, Json, Plugins
from nas.commands.output import make_console, print_json
from nas.errors import UserError


def replay(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|RUN#trial",
            help="A folder with space.yaml, scores.parquet, networks.parquet; or a trial of a run.",
        ),
    ],
    sampler: Annotated[str, typer.Option(help="ehvi, tpe, nsga2, gp or random.")] = "ehvi",
    budget: Annotated[
        str, typer.Option(help="What to spend, in simulated time: 1h, 30trials, 300epochs, 1PMAC.")
    ] = "30trials",
    rungs: Annotated[
        str, typer.Option(help="Epochs after which trials are compared, as 1,3; by default none.")
    ] = "",
    eta: Eta = 3.0,
    confirm: Annotated[
        float, typer.Option(help="Share of the budget that trains the front with fresh seeds.")
    ] = 0.0,
    growth_min: GrowthMin = 0.0,
    workers: Annotated[int, typer.Option(min=1, help="Simulated workers.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Searches, each of its own seed.")] = 5,
    noise: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Of RUN#trial: deviation of a score over seeds, within which it is the same; by "
            "default that of the run's fresh replicates.",
        ),
    ] = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Search TABLE with any sampler and rungs; print what share of its hypervolume was found.

    The share is by the mean score over all seeds of the table, of the trials that are complete.
    RUN#trial is trained again from nothing instead, with its seeds: exit code 0 where its scores
    come out the same (equal bits, or within the noise of seeds), else 1.
    """
    if "#" in table and not Path(table).is_dir():
        asked = (sampler, budget, rungs, eta, confirm, growth_min, workers, seeds)
        if asked != ("ehvi", "30trials", "", 3.0, 0.0, 0.0, 1, 5):
            raise UserError(f"{table}: of a trial, --noise alone is asked; the rest is its own")
        _again(table, noise, as_json)
        return
    from nas.search.replay import read_table, replay_search

    known = read_table(table)
    rows = []
    for seed in range(seeds):
        found = replay_search(
            known, sampler=sampler, budget=budget, rungs=rungs, eta=eta, confirm=confirm,
            growth_min=growth_min, workers=workers, seed=seed,
        )  # fmt: skip
        last = found.events[-1] if found.events else None
        rows.append({
            "seed": seed,
            "share": round(found.found[-1], 4) if last else 0.0,
            "trials": len(found.trials),
            "complete": sum(trial.state == "complete" for trial in found.trials),
            "epochs": last.epochs if last else 0,
            "seconds": round(last.seconds) if last else 0,
        })  # fmt: skip
    if as_json:
        print_json({"table": str(table), "sampler": sampler, "searches": rows})
        return

    from nas.report.tables import plain_table

    make_console().print(plain_table(rows))


def _again(target: str, noise: float | None, as_json: bool) -> None:
    from nas.report.again import rung_line, verdict
    from nas.search.again import replay_trial
    from nas.search.run import split_trial

    run, number = split_trial(target)
    assert number is not None
    found = replay_trial(
        run, number, noise=noise, tell=lambda own: None if as_json else print(rung_line(own))
    )
    if as_json:
        print_json(found.as_dict())
    else:
        print(*verdict(found), sep="\n")
    if not found.same:
        raise typer.Exit(1)
