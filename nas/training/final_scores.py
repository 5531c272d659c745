"""Scores of the test splits of a training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.data import Dataset, check_matches, load_dataset
from nas.data.split import as_it_is
from nas.errors import UserError
from nas.files import write_atomically

if TYPE_CHECKING:
    from nas.models import Network
    from nas.training.loop import Trainer


def load_tests(
    network: Network, dataset: Dataset, spec: str, others: Sequence[str]
) -> dict[str, Dataset]:
    """What has a test split to score, by its spec: the data that is trained on, and others.

    UserError where the network, which is trained on `dataset`, can not be scored on one of them.
    """
    from nas.training.evaluation import check_classes

    found = {spec: dataset}
    size = network.input_size
    found |= {other: load_dataset(other, size, train=False) for other in others}
    for name, own in found.items():
        if own.task == "reid":
            check_matches(name, own.splits["query"], own.splits["gallery"])
        else:
            check_classes(network, f"--eval {name}", own)
    return found


def test_scores(network: Network, dataset: Dataset) -> dict[str, float]:
    """Scores of a test split, larger is better; `score` is the mAP, or the top1.

    In float32, as `evaluate` and an exported network compute them, whatever the training did.
    """
    from nas.training.evaluation import score_held

    return score_held(network, as_it_is(dataset))


def score_tests(
    path: Path, network: Path, trainer: Trainer, tests: Mapping[str, Dataset]
) -> dict[str, dict[str, float]]:
    """Those of the trained network, kept in scores.json: what is there is not made again."""
    from nas.models.weights import load_network

    file = path / "scores.json"
    scores: dict[str, dict[str, float]] = {}
    if file.is_file():
        try:
            scores = dict(json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise UserError(f"{file} is damaged; remove it to have the scores again") from None
    model = load_network(network).to(trainer.device)
    for spec, found in tests.items():
        if spec in scores:
            continue
        scores[spec] = test_scores(model, found)
        write_atomically(file, json.dumps(scores, indent=2) + "\n")
    return {spec: scores[spec] for spec in tests}
