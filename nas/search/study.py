"""The Optuna study of a run: a projection of the record, for the dashboard and for people.

It can be deleted at any time: it is made again from the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.search.record import Trial
from nas.search.samplers import directions
from nas.space import Space, optuna_params, to_distributions

if TYPE_CHECKING:
    import optuna


class Projection:
    """Keeps the study in step with the trials."""

    def __init__(self, path: Path, name: str, space: Space, objectives: Sequence[str]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space, self.objectives = space, objectives
        self.choices = to_distributions(space)
        try:
            self.study = self._open(path, name)
        except Exception:  # whatever is wrong with the file, it is made again
            path.unlink()
            self.study = self._open(path, name)

    def _open(self, path: Path, name: str) -> optuna.Study:
        import optuna
        from sqlalchemy.engine import URL

        url = URL.create("sqlite", database=str(path)).render_as_string()
        return optuna.create_study(
            study_name=name,
            storage=url,
            directions=directions(self.objectives),
            load_if_exists=True,
        )

    def update(self, trials: Sequence[Trial]) -> None:
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

        self.study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=optuna_params(self.space, trial.point),
                distributions=self.choices,
                user_attrs={"key": trial.key, **trial.costs},
            )
        )
        self.tell(trial)

    def tell(self, trial: Trial) -> None:
        """Tell how a trial has ended, if it has and the study does not know of it."""
        from optuna.trial import TrialState

        if trial.state == "complete":
            values = [(trial.scores | trial.costs)[name] for name in self.objectives]
            self.study.tell(trial.number, values, skip_if_finished=True)
        elif trial.state == "failed":
            self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
