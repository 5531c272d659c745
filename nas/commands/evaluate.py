"""`evaluate`: the scores of a trained network on test splits."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nas.commands.options import Flip, Json, Metric, MetricName, Plugins, Rerank, Trained
from nas.commands.output import make_console, print_json


def evaluate(
    checkpoint: Trained,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Data set; may be repeated; of RUN#trial by default that of its run."),
    ] = None,
    metric: Metric = MetricName.cosine,
    flip: Flip = False,
    rerank: Rerank = False,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print the scores of CHECKPOINT on the test split of each data set."""
    from nas.commands.targets import data_to_score, load_trained
    from nas.data import check_spec
    from nas.report import score_tables
    from nas.training.evaluation import evaluate as score

    specs = data or [data_to_score(checkpoint, None)]
    for spec in specs:
        check_spec(spec)
    network = load_trained(checkpoint)
    how: dict[str, Any] = {"metric": metric.value, "flip": flip, "rerank": rerank}
    found = [score(network, spec, **how) for spec in specs]
    if as_json:
        print_json({"checkpoint": checkpoint, **how, "results": found})
        return
    console = make_console()
    for table in score_tables(found, console.width):
        console.print(table)
