"""`evaluate`: the scores of a trained network on test splits."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nas.commands.options import Flip, Json, Metric, MetricName, Plugins, Rerank, Trained
from nas.commands.output import make_console, print_json


def evaluate(
    checkpoint: Trained,
    data: Annotated[list[str], typer.Option(help="Data set; give it again for more of them.")],
    metric: Metric = MetricName.cosine,
    flip: Flip = False,
    rerank: Rerank = False,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Print the scores of CHECKPOINT on the test split of each data set."""
    from nas.commands.targets import load_trained
    from nas.data import check_spec
    from nas.report import score_tables
    from nas.training.evaluation import evaluate as score

    for spec in data:
        check_spec(spec)
    network = load_trained(checkpoint)
    how: dict[str, Any] = {"metric": metric.value, "flip": flip, "rerank": rerank}
    found = [score(network, spec, **how) for spec in data]
    if as_json:
        print_json({"checkpoint": checkpoint, **how, "results": found})
        return
    for table in score_tables(found):
        make_console().print(table)
