"""What an audit trains, carried out against a made-up table."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from nas.audit.evidence import from_table, from_trials
from nas.audit.plan import AuditPlan, spread_trials
from nas.search.budget import Budget
from nas.search.ledger import Ledger
from nas.search.replay import replay
from nas.search.rungs import Ladder
from nas.search.step import Standing
from nas.training import load_recipe
from tests.audit.made_up import SPACE, table

RECIPE = load_recipe("quick", ["epochs=9", "epoch_images=100"])
LADDER = Ladder((1, 3, 9), 2.0, ("macs",))


def plan(count: int, seeds: int, budget: str = "") -> AuditPlan:
    rows = spread_trials(SPACE, count, 0)
    spend = Budget.parse(budget) if budget else Budget("replicates", count * seeds)
    return AuditPlan(rows, seeds, LADDER, Ledger(spend, RECIPE, 1))


@pytest.mark.parametrize("workers", [1, 3])
def test_replicate_0_climbs_all_rungs_and_the_others_go_to_full_length(workers) -> None:
    trials, events = replay(plan(12, 3), table(), workers=workers)
    assert len(trials) == 12
    for trial in trials:
        assert trial.state == "complete"
        assert sorted(trial.rungs) == [1, 3, 9]
        assert sorted(trial.fresh) == [1, 2]
    assert Counter(e.step.id for e in events).most_common(1)[0][1] == 1
    assert events[-1].epochs == 12 * 3 * 9


def test_the_rungs_are_judged_by_other_seeds_than_their_own() -> None:
    trials, _ = replay(plan(12, 3), table())
    own = from_trials(trials, LADDER.epochs, chosen=False).usable()
    assert own.choices == (0,)
    known = from_table(table())
    rows = [table().rows[trial.key] for trial in trials]
    np.testing.assert_array_equal(own.rungs[:, 0], known.scores[rows][:, 0][:, [0, 2, 8]])
    apart = own.truth[:, 0] - known.scores[rows][:, 1:, 8].mean(axis=1)
    np.testing.assert_allclose(apart, apart[0])  # the level of a replicate, for all alike


def test_wherever_a_budget_ends_the_architectures_before_are_complete() -> None:
    trials, events = replay(plan(12, 2, "100epochs"), table())
    assert events[-1].epochs <= 100
    whole = [trial for trial in trials if trial.state == "complete" and trial.fresh]
    assert len(whole) == 5
    assert [trial.number for trial in whole] == [0, 1, 2, 3, 4]


def test_it_goes_on_from_the_rung_where_it_was_interrupted() -> None:
    own = plan(3, 2)
    trials, _ = replay(own, table())
    standing = replace(trials[1], rungs={1: 0.5}, fresh={}, state="running")
    step = own.next(Standing([trials[0], standing, trials[2]], [], 0.0))
    assert step is not None
    assert (step.trial.number, step.replicate, step.from_epoch, step.to_epoch) == (1, 0, 1, 3)


def test_what_failed_is_not_trained_with_other_seeds() -> None:
    own = plan(2, 2)
    first = replace(own.rows[0], state="failed")
    step = own.next(Standing([first], [], 0.0))
    assert step is not None and step.trial.number == 1
    assert own.left(Standing([first], [], 0.0)) == 2


def test_architectures_spread_over_cost_and_more_begin_with_the_same() -> None:
    few, many = (spread_trials(SPACE, count, 3) for count in (8, 24))
    assert [t.key for t in few] == [t.key for t in many[:8]]
    assert len({t.key for t in many}) == 24
    assert [t.number for t in many] == list(range(24))
    members = np.sort(SPACE.members().costs["macs"])
    places = np.searchsorted(members, [t.costs["macs"] for t in few]) / len(members)
    assert np.histogram(places, np.arange(5) / 4)[0].tolist() == [2, 2, 2, 2]
    other = spread_trials(SPACE, 8, 4)
    assert {t.key for t in other} != {t.key for t in few}


def test_a_space_that_has_not_as_many_gives_all_it_has() -> None:
    count = SPACE.count().value
    assert len(spread_trials(SPACE, count + 10, 0)) == count
