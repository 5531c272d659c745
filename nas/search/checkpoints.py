"""The checkpoints of a run: states of the trainings of what leads, and of what may go on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from nas.errors import UserError
from nas.search.record import Trial

if TYPE_CHECKING:
    from nas.models import Network


def checkpoint_file(run: Path, trial: int, epoch: int) -> Path:
    """Where the state of a trial at the end of an epoch is."""
    return run / "checkpoints" / f"{trial}-{epoch}.pt"


def checkpoints(run: Path) -> list[Path]:
    """Those that are there, and nothing else that was put beside them."""
    files = (run / "checkpoints").glob("*.pt")
    return [file for file in files if re.fullmatch(r"\d+-\d+", file.stem)]


def kept_checkpoints(run: Path) -> dict[int, Path]:
    """The furthest checkpoint that is kept of each trial, by its number."""
    found: dict[int, tuple[int, Path]] = {}
    for file in checkpoints(run):
        trial, epoch = map(int, file.stem.split("-"))
        found[trial] = max(found.get(trial, (0, file)), (epoch, file))
    return {trial: file for trial, (_, file) in found.items()}


def load_kept(run: Path, trial: Trial) -> Network:
    """The network of a trial with the weights that are kept of it, in eval mode; UserError where
    none are, or they are damaged."""
    import torch

    from nas.models.network import Network
    from nas.models.weights import load_strictly

    kept = kept_checkpoints(run)
    if trial.number not in kept:
        raise UserError(
            f"{run}: no weights are kept of trial {trial.number}, only of baselines and of what "
            f"led by its search score: {', '.join(map(str, sorted(kept))) or 'none yet'}; `train` "
            "it"
        )
    file = kept[trial.number]
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
        state, classes = saved["average"], len(saved["average"]["classifier.weight"])
    except Exception as error:  # what torch raises for a damaged file has no common base
        raise UserError(f"{file} is damaged ({type(error).__name__})") from None
    found = Network(trial.architecture, classes)
    found.task, found.classes = saved.get("task", ""), tuple(saved.get("classes", ()))
    load_strictly(found, state)
    return found.eval()
