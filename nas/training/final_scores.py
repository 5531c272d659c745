"""Scores of the test splits, once a training has ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.data import Dataset, load_dataset
from nas.errors import UserError
from nas.files import write_atomically

if TYPE_CHECKING:
    from nas.training.loop import Trainer


def score_tests(
    path: Path, network: Path, trainer: Trainer, dataset: Dataset, specs: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Scores of the test splits, kept in scores.json: those that are there are not made again.

    In float32, as `evaluate` and an exported network compute them, whatever the training did.
    """
    from nas.models.weights import load_network
    from nas.training.evaluation import score_classification, score_reid

    file = path / "scores.json"
    scores: dict[str, dict[str, float]] = {}
    if file.is_file():
        try:
            scores = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            raise UserError(f"{file} is damaged; remove it to have the scores again") from None
    model = load_network(network).to(trainer.device)
    for index, spec in enumerate(specs):
        if spec in scores:
            continue
        found = dataset if index == 0 else load_dataset(spec, model.input_size)
        if found.task == "reid":
            scores[spec] = score_reid(model, found.splits["query"], found.splits["gallery"])
        else:
            if found.num_classes != dataset.num_classes:
                raise UserError(
                    f"--eval {spec}: it has {found.num_classes} classes, and the network was "
                    f"trained on {dataset.num_classes}"
                )
            scores[spec] = score_classification(model, found.splits["test"])
        write_atomically(file, json.dumps(scores, indent=2) + "\n")
    return {spec: scores[spec] for spec in specs}
