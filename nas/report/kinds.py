"""What a trial is beside a front, as pictures and tables tell it apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nas.search import Trial
from nas.search.confirm import confirmed, is_confirmed

UNCONFIRMED = "one search score"
"""Beside means of fresh seeds: it is as lucky as it is good, and may lie above the front."""


def kinds(
    trials: Sequence[Trial], objectives: Sequence[str], members: Collection[int]
) -> dict[int, str]:
    """front, dominated, UNCONFIRMED, stopped, running, failed, infeasible, baseline, or outside:
    a baseline that breaks the space's constraints. By number; members: those on the front."""
    sure = is_confirmed(trials, objectives)

    def kind(trial: Trial) -> str:
        if trial.number in members and trial.state == "complete":
            return "front"
        if trial.is_baseline:
            return "outside" if trial.outside else "baseline"
        if trial.state == "complete":
            return UNCONFIRMED if sure and not confirmed(trial) else "dominated"
        return trial.state

    return {trial.number: kind(trial) for trial in trials}
