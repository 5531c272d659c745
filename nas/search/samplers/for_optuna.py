"""The sampler that knows the cost, for an Optuna study whose objective is the user's own."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from nas.architecture import key
from nas.architecture.fields import Value
from nas.arguments import real, whole
from nas.cost.parts import PartTable
from nas.errors import UserError
from nas.search.objectives import SCORE, parse_objectives
from nas.search.record import FAILED, Trial
from nas.search.samplers.choice import make_sampler, measured
from nas.search.samplers.from_optuna import directions
from nas.search.samplers.proposal import propose_untried
from nas.seeds import derived_seed
from nas.space import Space, load_space, optuna_params, to_distributions

TURN, PROPOSED = "osnet-nas:turn", "osnet-nas:proposed"
"""Attributes of a trial: whose turn it is to be given parameters, with the time when that was
written, and what was proposed: in a storage they stand only as they are suggested, one after the
other."""
EXPECTED = {"predicted", "deviation", "growth"}
"""Of what the sampler expects of a trial, what its user attributes say."""
PATIENCE = 30.0
"""Seconds after which who has not written, while it waits or proposes, counts as gone."""
SPACING = 3  # of the rungs that reports are taken for, so that they are few
FULL = 1 << 30  # the rung of what an objective returns, above all
_proposing = threading.Lock()  # of a module, as a sampler has to be picklable


class SpaceSampler(optuna.samplers.BaseSampler):
    """Proposes architectures of a space to an Optuna study; `suggest` reads them in its objective.

    The objective trains and scores as it likes. It returns the score, and the costs in the order of
    `objectives`, in a study of as many directions ("maximize" for the score, "minimize" for costs);
    or the score alone, in a study that maximises. Costs are known exactly, whatever was returned.
    No architecture is proposed twice, also not by processes that share a storage, nor one that
    breaks a constraint, but where a part of the parameters is enqueued, which the rest does not
    look at; when all were tried, the study stops. What a trial reported before it was pruned is
    learned from, as a score on a rung; one that failed, scored inf, or was pruned without a report
    counts as low as the worst, unless the same was tried again and did not, or a constraint forbids
    it. Parameters that are not of the space are drawn at random. What is
    proposed follows from the seed and from the study's trials, so that a study in a storage goes on
    as if it had never stopped.

    What it expects is in a trial's user attributes, after the start-up phase: `predicted`, the
    score, with its `deviation`, and `growth`, the share of the hypervolume that it adds; where its
    values are those that were proposed.
    """

    def __init__(
        self,
        space: str | Path | Space,
        objectives: str | Sequence[str] = "score,macs",
        *,
        seed: int = 0,
        latency_table: str | Path | PartTable | None = None,
        score_min: float | None = None,
    ) -> None:
        """space: itself, its name or file. objectives: the score and one or two costs that are
        known beforehand, as latency_ms is by a `latency_table` of a device. score_min: what to look
        for the cheapest above, in place of the whole front. Raises UserError."""
        self.space = load_space(space, latency_table=latency_table)
        self.objectives, self.seed = parse_objectives(objectives), whole("seed", seed)
        if measured(self.objectives, self.space):
            raise UserError(
                "objectives: SpaceSampler takes costs that are known beforehand, as latency_ms is "
                "by a latency_table"
            )
        least = None if score_min is None else real("score_min", score_min)
        self._propose = make_sampler("ehvi", self.space, self.objectives, score_min=least)
        self._blanks: dict[tuple[Value, ...], Trial | None] = {}

    def __repr__(self) -> str:
        return f"SpaceSampler({self.space.name!r}, {','.join(self.objectives)!r}, seed={self.seed})"

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return to_distributions(self.space)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        wanted = directions(self.objectives)
        if study.directions not in (wanted, directions([SCORE])):
            names = [direction.name.lower() for direction in wanted]
            raise UserError(
                f"a study of {','.join(self.objectives)} has the directions {names}, or "
                "['maximize'], where the objective returns the score alone"
            )
        _wait_for_turn(study, trial)
        with _proposing:
            found = propose_untried(self._propose, self.space, self._history(study), self.seed)
            if found is None:
                with suppress(RuntimeError):  # what it raises where the user asks and tells
                    study.stop()
            params = optuna_params(self.space, found[0].point) if found else {}
            given = trial.system_attrs.get("fixed_params", {})  # of who enqueued it: they stand
            as_proposed = params.keys() <= search_space.keys() and params == params | {
                name: value for name, value in given.items() if name in params
            }
            note = found[0].note if found and as_proposed else {}
            for name in EXPECTED & note.keys():
                study._storage.set_trial_user_attr(trial._trial_id, name, note[name])
            study._storage.set_trial_system_attr(trial._trial_id, PROPOSED, params)
            return {name: value for name, value in params.items() if name in search_space}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if any(parameter.name == param_name for parameter in self.space.parameters):
            if not study._storage.get_trial(trial._trial_id).system_attrs[PROPOSED]:
                raise optuna.TrialPruned("every architecture of the space has been tried")
            raise UserError(f"{param_name}: the sampler's space, {self.space.name}, has others")
        seed = derived_seed(self.seed, trial.number, param_name) % 2**32
        return optuna.samplers.RandomSampler(seed).sample_independent(
            study, trial, param_name, param_distribution
        )

    def _history(self, study: optuna.Study) -> list[Trial]:
        """The study's trials as a search knows them; what has no architecture is left out, and what
        failed where that says nothing of it.

        All of them: HyperbandPruner shows a sampler those of one bracket alone.
        """
        found = []
        every = study._storage.get_all_trials(study._study_id, deepcopy=False)
        pruned = any(t.state is TrialState.PRUNED and t.intermediate_values for t in every)
        for frozen in every:
            # of one that is being asked for its parameters, not all stand in the study
            params = frozen.system_attrs.get(PROPOSED, {}) | frozen.params
            blank = self._blank(params)
            if blank is not None:
                ended = _ended(frozen, self._score, reports=pruned)
                found.append(replace(blank, number=frozen.number, **ended))
        known = {own.key for own in found if own.state not in FAILED}
        return [
            own for own in found if own.state not in FAILED or not (own.key in known or own.reason)
        ]

    def _blank(self, params: Mapping[str, Any]) -> Trial | None:
        """A running trial with these parameters; None where they are no point of the space."""
        names = [parameter.name for parameter in self.space.parameters]
        if not set(names) <= set(params):
            return None
        asked = tuple(params[name] for name in names)
        if asked not in self._blanks:
            self._blanks[asked] = self._make(dict(zip(names, asked, strict=True)))
        return self._blanks[asked]

    def _make(self, params: dict[str, Value]) -> Trial | None:
        try:
            point = self.space.active(params)
            architecture = self.space.architecture(point)
            costs, broken = self.space.costs_of(architecture), self.space.broken(architecture)
            reason = broken.text if broken else ""
            return Trial(0, key(architecture), point, architecture, costs, reason=reason)
        except UserError:  # values of another space, or that the user put there
            return None

    @property
    def _score(self) -> int:
        return self.objectives.index(SCORE)


def _wait_for_turn(study: optuna.Study, trial: FrozenTrial) -> None:
    """Until what was asked for before, elsewhere, has been proposed: else those that ask in the
    same moment would all propose the same. By numbered turns, as in Lamport's bakery (1974)."""

    def write(turn: int) -> float:
        now = time.time()
        study._storage.set_trial_system_attr(trial._trial_id, TURN, [turn, now])
        return now

    def others() -> list[tuple[int, int]]:
        running = study._storage.get_all_trials(study._study_id, False, (TrialState.RUNNING,))
        asked = [t for t in running if t.number != trial.number and TURN in t.system_attrs]
        turns = [(*t.system_attrs[TURN], t.number) for t in asked if PROPOSED not in t.system_attrs]
        return [(turn, number) for turn, at, number in turns if time.time() - at < PATIENCE]

    write(0)  # it has none yet: the others wait for it, so that they see which one it takes
    turn = 1 + max((turn for turn, _ in others()), default=0)
    written = write(turn)
    while any(other < (turn, trial.number) for other in others()):
        time.sleep(0.02)
        if time.time() - written > PATIENCE / 3:
            written = write(turn)


def _ended(trial: FrozenTrial, score: int, *, reports: bool) -> dict[str, Any]:
    """What a trial has come to; the score is the value of that index, of several.

    reports: whether what it reported on the way, for a pruner, are scores on rungs: after 1, 3, 9,
    ... of them. Where nothing was pruned, they would tell no more of it than its score does.
    """
    told = [value for _, value in sorted(trial.intermediate_values.items())] if reports else []
    if trial.state is TrialState.COMPLETE:
        value = trial.values[score if len(trial.values) > 1 else 0]
        if not math.isfinite(value):
            return {"state": "failed"}
        full = FULL if reports else 1
        rungs = _rungs(told[:-1]) | {full: value}  # the last one mostly is the value
        return {"state": "complete", "scores": {SCORE: value}, "rungs": rungs}
    rungs = _rungs(told)
    if rungs and trial.state is not TrialState.FAIL:
        state = "stopped" if trial.state.is_finished() else "running"
        return {"state": state, "scores": {SCORE: rungs[max(rungs)]}, "rungs": rungs}
    return {"state": "failed"} if trial.state.is_finished() else {}


def _rungs(reports: Sequence[float]) -> dict[int, float]:
    found, rung = {}, 1
    while rung <= len(reports) and math.isfinite(reports[rung - 1]):
        found[rung] = reports[rung - 1]
        rung *= SPACING
    return found
