"""Samplers: which point to try next, given what is known.

A sampler is a function of the history and a seed, without memory of its own, so that a resumed
search goes on as if it had never stopped. Optuna's are asked through a study in memory.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nas.architecture import Architecture, key
from nas.architecture.fields import Value
from nas.cost import MEASURED
from nas.errors import UserError
from nas.search.objectives import SCORE
from nas.search.record import FAILED, Trial
from nas.search.rungs import Ladder, Promote
from nas.seeds import derived_seed, drawer
from nas.space import Space, optuna_params, to_distributions

if TYPE_CHECKING:
    from optuna.study import StudyDirection

PROPOSALS = 20


@dataclass(frozen=True)
class Proposal:
    """A point to try; `note` is kept with the trial and shown to the sampler again."""

    point: dict[str, Value]
    note: dict[str, Any] = field(default_factory=dict)


Propose = Callable[[Sequence[Trial], int], Proposal]
"""(all trials so far, the running ones included, and a seed) to a proposal."""


def default_sampler(objectives: Sequence[str]) -> str:
    """The sampler that serves where none is named."""
    return "tpe" if set(objectives) & set(MEASURED) else "ehvi"


def make_sampler(name: str, space: Space, objectives: Sequence[str]) -> Propose:
    """The sampler of that name; UserError where there is none, or it can not serve these."""
    if name == "random":
        return lambda trials, seed: Proposal(space.sample(drawer(seed)))
    if name == "ehvi":
        from nas.search.ehvi_sampler import EhviSampler

        measured = [name for name in objectives if name in MEASURED]
        if measured:
            raise UserError(
                f"--sampler: ehvi takes costs that are known beforehand, and {measured[0]} is "
                "measured; use tpe, nsga2 or gp"
            )
        return EhviSampler(space, objectives)
    if name in OPTUNA:
        return _OptunaSampler(space, objectives, OPTUNA[name])
    raise UserError(f"--sampler: {name!r} is not one of {', '.join(SAMPLERS)}")


def propose_untried(
    propose: Propose, space: Space, trials: Sequence[Trial], seed: int
) -> tuple[Proposal, Architecture] | None:
    """A valid proposal whose key was not tried; None when the whole space was.

    The sampler is asked a limited number of times, then an untried architecture is drawn.
    """
    tried = {trial.key for trial in trials}
    for attempt in range(PROPOSALS):
        proposal = propose(trials, proposal_seed(seed, trials, attempt))
        try:
            architecture = space.architecture(proposal.point)
            fresh = key(architecture) not in tried and space.broken(architecture) is None
        except UserError:
            continue
        if fresh:
            return Proposal(space.active(proposal.point), proposal.note), architecture
    point = space.untried(tried, drawer(seed, len(trials), "untried"))
    return None if point is None else (Proposal(point), space.architecture(point))


def proposal_seed(seed: int, trials: Sequence[Trial], attempt: int = 0) -> int:
    """What a sampler is asked with, in a search with this seed and these trials."""
    return derived_seed(seed, len(trials), attempt)


def promoter(propose: Propose, ladder: Ladder, seed: int) -> Promote:
    """What says which trial is trained on: the sampler, where it has a view of that."""
    own = getattr(propose, "promotion", None)
    if own is None:
        return ladder.promotion
    return lambda trials, least: own(ladder, trials, least, proposal_seed(seed, trials))


def searched(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that a sampler proposed: without baselines, which may lie outside of the space."""
    return [trial for trial in trials if trial.state != "baseline"]


def proposed_here(trials: Sequence[Trial]) -> list[Trial]:
    """Those of them that were not taken over from an earlier run."""
    return [trial for trial in searched(trials) if not trial.imported]


def directions(objectives: Sequence[str]) -> list[StudyDirection]:
    """Optuna's name for what is better: a larger score, a smaller cost."""
    from optuna.study import StudyDirection

    better = {SCORE: StudyDirection.MAXIMIZE}
    return [better.get(name, StudyDirection.MINIMIZE) for name in objectives]


@dataclass(frozen=True)
class _OptunaSampler:
    """Any Optuna sampler, asked through a study in memory that holds the history.

    Costs enter on a log axis, failed trials as pruned ones: told that they failed, TPE would go
    back to them. Of a trial that stands on a rung it is told the score there, as it is.
    """

    space: Space
    objectives: Sequence[str]
    make: Callable[[int], Any]

    def __call__(self, trials: Sequence[Trial], seed: int) -> Proposal:
        import optuna

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optuna.logging.set_verbosity(optuna.logging.ERROR)
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
SAMPLERS = ("ehvi", "tpe", "nsga2", "gp", "random")
