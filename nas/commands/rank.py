"""`rank`: a picture, or a table, of what a network finds nearest to some queries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nas.commands.options import Flip, Metric, MetricName, Plugins, Rerank, Trained


def rank(
    checkpoint: Trained,
    data: Annotated[
        str | None,
        typer.Option(
            help="Data set with query and gallery; of RUN#trial by default that of its run."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write: .png or .csv.")] = Path(
        "ranking.png"
    ),
    queries: Annotated[
        int | None,
        typer.Option(help="Random queries that have a match; by default 8, in a .csv all."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of queries.")] = 0,
    top: Annotated[int, typer.Option(min=1, help="The nearest of the gallery for each.")] = 10,
    metric: Metric = MetricName.cosine,
    flip: Flip = False,
    rerank: Rerank = False,
    plugin: Plugins = None,
) -> None:
    """Write a picture, or a table: queries, and the nearest of the gallery, right and wrong."""
    from nas.commands.targets import data_to_score, load_trained
    from nas.report.ranking import write_ranking

    spec = data_to_score(checkpoint, data)
    network = load_trained(checkpoint)
    how: dict[str, Any] = {"metric": metric.value, "flip": flip, "rerank": rerank}
    rows = write_ranking(network, spec, out, queries=queries, seed=seed, top=top, **how)
    mean = sum(row.ap for row in rows) / len(rows)
    print(f"{out}: {len(rows)} queries, mean AP of these {mean:.4f}")
