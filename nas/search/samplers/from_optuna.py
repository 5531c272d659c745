"""Optuna's samplers, asked through a study in memory."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nas.search.objectives import SCORE
from nas.search.record import FAILED, Trial, searched
from nas.search.samplers.proposal import Proposal
from nas.space import Space, optuna_params, to_distributions
from nas.space.optuna import quietly

if TYPE_CHECKING:
    from optuna.study import StudyDirection


def directions(objectives: Sequence[str]) -> list[StudyDirection]:
    """Optuna's name for what is better: a larger score, a smaller cost."""
    from optuna.study import StudyDirection

    better = {SCORE: StudyDirection.MAXIMIZE}
    return [better.get(name, StudyDirection.MINIMIZE) for name in objectives]


@dataclass(frozen=True)
class OptunaSampler:
    """Any Optuna sampler, asked through a study in memory that holds the history.

    Costs enter on a log axis, failed trials as pruned ones: told that they failed, TPE would go
    back to them. Of a trial that stands on a rung it is told the score there, as it is.
    """

    space: Space
    objectives: Sequence[str]
    make: Callable[[int], Any]

    def __call__(self, trials: Sequence[Trial], seed: int) -> Proposal:
        import optuna

        with warnings.catch_warnings(), quietly():
            warnings.simplefilter("ignore")
            study = optuna.create_study(
                directions=directions(self.objectives), sampler=self.make(seed % 2**32)
            )
            choices = to_distributions(self.space)
            for trial in searched(trials):
                study.add_trial(self._frozen(trial, choices))
            asked = study.ask(fixed_distributions=choices)
            note = study.get_trials(deepcopy=False)[-1].system_attrs
        plain = (str, int, float, bool)
        return Proposal(dict(asked.params), {k: v for k, v in note.items() if isinstance(v, plain)})

    def _frozen(self, trial: Trial, choices: dict[str, Any]) -> Any:
        from optuna.trial import TrialState, create_trial

        if trial.rungs and trial.state not in FAILED:
            state = TrialState.COMPLETE
        else:
            state = TrialState.RUNNING if trial.state == "running" else TrialState.PRUNED
        return create_trial(
            state=state,
            values=self._values(trial) if state is TrialState.COMPLETE else None,
            params=optuna_params(self.space, trial.point),
            distributions=choices,
            system_attrs=trial.note,
        )

    def _values(self, trial: Trial) -> list[float]:
        return [
            trial.scores[SCORE] if name == SCORE else math.log10(trial.costs[name])
            for name in self.objectives
        ]


def _tpe(seed: int) -> Any:
    import optuna

    return optuna.samplers.TPESampler(
        seed=seed, multivariate=True, constant_liar=True, n_startup_trials=10
    )


def _nsga2(seed: int) -> Any:
    import optuna

    return optuna.samplers.NSGAIISampler(seed=seed, population_size=20)


def _gp(seed: int) -> Any:
    import optuna

    return optuna.samplers.GPSampler(seed=seed, n_startup_trials=10)


OPTUNA: dict[str, Callable[[int], Any]] = {"tpe": _tpe, "nsga2": _nsga2, "gp": _gp}
