"""`replay`: searches against a table of finished trainings, in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import Eta, Json


def replay(
    table: Annotated[
        Path, typer.Argument(help="A folder with space.yaml, scores.parquet, networks.parquet.")
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
    workers: Annotated[int, typer.Option(min=1, help="Simulated workers.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Searches, each of its own seed.")] = 5,
    as_json: Json = False,
) -> None:
    """Search TABLE with any sampler and rungs; print what share of its hypervolume was found.

    The share is by the mean score over all seeds of the table, of the trials that are complete.
    """
    from nas.search.replay import read_table, replay_search

    known = read_table(table)
    rows = []
    for seed in range(seeds):
        found = replay_search(
            known, sampler=sampler, budget=budget, rungs=rungs, eta=eta, confirm=confirm,
            workers=workers, seed=seed,
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
        print(json.dumps({"table": str(table), "sampler": sampler, "searches": rows}, indent=2))
        return
    from rich.console import Console

    from nas.report.tables import plain_table

    Console().print(plain_table(rows))
