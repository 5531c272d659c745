"""What every sampler must do, and what Optuna is told."""

import random

import pytest

from nas.architecture import key
from nas.cost import cost
from nas.errors import UserError
from nas.search.record import Trial
from nas.search.samplers import (
    SAMPLERS,
    Propose,
    make_sampler,
    propose_untried,
)
from nas.space import Space, from_yaml, to_distributions

SPACE = from_yaml(
    "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
    "  width: [0.125, 0.25]\n  stages[*].streams: 1..3\n  stages[*].fusion: [add, concat]\n"
    "  stages[*].gate_reduction: {values: [2, 16], when: 'stages[0].streams > 1'}\n"
    "constraints: [macs <= 5M]\n"
)
OBJECTIVES = ("score", "macs")


def trials(space: Space, propose: Propose, count: int, seed: int = 0) -> list[Trial]:
    """A search without training: the score is made up, every fifth trial fails, one still runs."""
    found: list[Trial] = []
    while len(found) < count and (next_one := propose_untried(propose, space, found, seed)):
        proposal, architecture = next_one
        number, macs = len(found), cost(architecture)
        score = {"score": random.Random(number).random()}
        state = "failed" if number % 5 == 4 else "complete"
        found.append(
            Trial(
                number,
                key(architecture),
                proposal.point,
                architecture,
                macs.as_dict(),
                proposal.note,
                "running" if number == count - 2 else state,
                scores=score if state == "complete" else {},
                rungs={1: score["score"]} if state == "complete" else {},
            )
        )
    return found


@pytest.mark.parametrize("name", SAMPLERS)
def test_trials_are_valid_distinct_and_the_same_for_a_seed(name: str) -> None:
    propose = make_sampler(name, SPACE, OBJECTIVES)
    count = 12 if name == "gp" else 14
    found = trials(SPACE, propose, count)
    assert len({trial.key for trial in found}) == len(found) == min(count, SPACE.count().value)
    assert all(SPACE.broken(trial.architecture) is None for trial in found)
    again = trials(SPACE, make_sampler(name, SPACE, OBJECTIVES), count)
    assert [trial.point for trial in again] == [trial.point for trial in found]


def test_seeds_differ() -> None:
    propose = make_sampler("tpe", SPACE, OBJECTIVES)
    first, second = (trials(SPACE, propose, 6, seed) for seed in (0, 1))
    assert [trial.key for trial in first] != [trial.key for trial in second]


def test_a_space_is_exhausted_without_repeats() -> None:
    found = trials(SPACE, make_sampler("tpe", SPACE, OBJECTIVES), 1000)
    assert len(found) == SPACE.count().value


def test_a_proposal_that_breaks_a_constraint_or_was_tried_is_never_started() -> None:
    stubborn = make_sampler("random", SPACE, OBJECTIVES)
    first = stubborn([], 0)
    found = trials(SPACE, lambda history, seed: first, 5)
    assert len({trial.key for trial in found}) == 5


def test_whole_number_ranges_are_ordered_for_optuna_and_the_rest_are_choices() -> None:
    found = to_distributions(SPACE)
    assert str(found["stages[*].streams"]).startswith("IntDistribution(high=3")
    assert str(found["width"]).startswith("CategoricalDistribution(choices=(0.125, 0.25)")


def test_an_unknown_sampler_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="'cma' is not one of ehvi, tpe, nsga2, gp, random"):
        make_sampler("cma", SPACE, OBJECTIVES)


def test_ehvi_refuses_a_cost_that_is_measured() -> None:
    with pytest.raises(UserError, match="ehvi takes costs that are known beforehand"):
        make_sampler("ehvi", SPACE, ("score", "latency_ms"))
