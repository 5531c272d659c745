"""A space as Optuna sees it."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from nas.architecture import key
from nas.errors import UserError
from nas.space import from_yaml, optuna_params, suggest, to_distributions

SPACE = from_yaml(
    "space: s\nbase: osnet_x0_25\nparameters:\n  width: [0.125, 0.25]\n"
    "  stages[*].streams: [1, 3]\n  stages[0].depth: [1, 2, 4]\n"
    "  stages[*].gate: [none, unified]\n"
    "  stages[*].gate_reduction: {values: [4, 16], when: 'stages[*].gate == unified'}\n"
    "constraints:\n  - stages[0].depth < 4 or width < 0.25\n"
)


def test_evenly_spaced_whole_numbers_are_such_and_all_else_are_choices() -> None:
    found = to_distributions(SPACE)
    assert found["stages[*].streams"] == IntDistribution(1, 3, step=2)
    assert found["stages[0].depth"] == CategoricalDistribution((1, 2, 4))
    assert found["width"] == CategoricalDistribution((0.125, 0.25))


def test_the_point_comes_back_as_its_architecture() -> None:
    for point in SPACE.enumerate():
        architecture = suggest(optuna.trial.FixedTrial(optuna_params(SPACE, point)), SPACE)
        assert key(architecture) == key(SPACE.architecture(point))


def test_any_sampler_serves_and_a_broken_constraint_is_pruned() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    study.optimize(lambda trial: suggest(trial, SPACE).width, 40)
    broken = [t.params["stages[0].depth"] == 4 and t.params["width"] == 0.25 for t in study.trials]
    assert 0 < sum(broken) < 40
    assert [trial.state.name == "PRUNED" for trial in study.trials] == broken
    pruned = study.trials[broken.index(True)]
    with pytest.raises(optuna.TrialPruned, match=r"depth < 4 or width < 0\.25 does not hold"):
        suggest(pruned, SPACE)


@pytest.mark.parametrize(("width", "streams"), [(77, 1), (0.25, 9)])
def test_a_value_that_the_space_has_not_is_told_with_its_parameter(
    width: float, streams: int
) -> None:
    study = optuna.create_study()
    study.enqueue_trial({"width": width, "stages[*].streams": streams})
    name = "width" if width == 77 else r"stages\[\*\].streams"
    with pytest.raises(UserError, match=rf"^s: {name}: "):
        suggest(study.ask(), SPACE)


def test_what_is_no_trial_is_told() -> None:
    with pytest.raises(UserError, match=r"trial: .* is not a trial of an Optuna study"):
        suggest(optuna.create_study(), SPACE)  # type: ignore[arg-type]
