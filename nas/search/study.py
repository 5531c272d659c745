"""The Optuna study of a run: a projection of the record, for the dashboard and for people.

It can be deleted at any time: it is made again from the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.search.confirm import confirmed
from nas.search.objectives import SCORE
from nas.search.record import FAILED, Trial
from nas.search.samplers.from_optuna import directions
from nas.search.storage import Shared, open_storage, shown, sqlite_url
from nas.space import Space, optuna_params, to_distributions
from nas.space.optuna import quietly

if TYPE_CHECKING:
    import optuna


class Projection:
    """Keeps a study in step with the trials; `open` comes first.

    It is in the file `path` under the name `name`, or in a storage that other runs share.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        space: Space,
        objectives: Sequence[str],
        shared: Shared | None = None,
    ) -> None:
        self.path, self.name, self.shared = path, name, shared
        self.space, self.objectives = space, objectives
        self.choices = to_distributions(space)

    def open(self, trials: Sequence[Trial]) -> None:
        """Open the study, or make it again, and bring it up to date."""
        try:
            self.study = self._open()
            told = self.study.get_trials(deepcopy=False)
            ended = len(told) > len(trials) or any(map(_is_closed, told, trials))
        except Exception:  # whatever is wrong with the file, it is made again
            if self.shared:
                raise
            ended = True
        if ended:  # what was told then can not be told otherwise
            self._remove()
            self.study = self._open()
        self._update(trials)

    def _open(self) -> optuna.Study:
        import optuna

        with quietly():
            return optuna.create_study(
                study_name=self.shared.study if self.shared else self.name,
                storage=open_storage(self.shared.url if self.shared else sqlite_url(self.path)),
                directions=directions(self.objectives),
                load_if_exists=True,
            )

    def _remove(self) -> None:
        import optuna

        if self.shared:
            optuna.delete_study(study_name=self.shared.study, storage=open_storage(self.shared.url))
        else:
            self.path.unlink(missing_ok=True)

    def where(self) -> str:
        """Where it is, for the user."""
        return shown(self.shared.url) if self.shared else self.path.name

    def _update(self, trials: Sequence[Trial]) -> None:
        """Add what is missing and tell what has ended since: a look at the whole study."""
        known = self.study.get_trials(deepcopy=False)
        for trial in trials:
            if trial.number >= len(known):
                self.add(trial)
            elif not known[trial.number].state.is_finished():
                self.tell(trial)

    def add(self, trial: Trial) -> None:
        """Add the next trial, as it stands."""
        from optuna.trial import TrialState, create_trial

        named = {"baseline": trial.baseline} if trial.baseline else {}
        searched = trial.state != "baseline"  # which may lie outside of the space
        self.study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=optuna_params(self.space, trial.point) if searched else {},
                distributions=self.choices if searched else {},
                user_attrs={"key": trial.key, **named, **trial.costs},
            )
        )
        self.tell(trial)

    def tell(self, trial: Trial) -> None:
        """Tell how a trial has ended, if it has and the study does not know of it."""
        from optuna.trial import TrialState

        if trial.state == "complete":
            values = [(trial.scores | trial.costs)[name] for name in self.objectives]
            self.study.tell(trial.number, values, skip_if_finished=True)
        elif trial.state in FAILED:
            self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def close(self, trials: Sequence[Trial]) -> None:
        """Tell what the search has ended below full length; a baseline is what its replicates say.

        A study where this was told is made again when the search goes on.
        """
        from optuna.trial import TrialState

        for trial in trials:
            if trial.state == "stopped":
                self.study.tell(trial.number, state=TrialState.PRUNED, skip_if_finished=True)
            elif trial.state == "baseline" and (found := confirmed(trial)):
                row = {SCORE: found.mean} | trial.costs
                if set(self.objectives) <= set(row):
                    self.study.tell(
                        trial.number, [row[n] for n in self.objectives], skip_if_finished=True
                    )


def _is_closed(told: optuna.trial.FrozenTrial, trial: Trial) -> bool:
    """Whether `Projection.close` has told of it what may change when the search goes on, or it is
    of a record that is gone."""
    beside = trial.state == "baseline" and told.state.is_finished()
    return beside or told.state.name == "PRUNED" or told.user_attrs.get("key") != trial.key
