"""Promotion, against cases worked by hand and what must hold of any history."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.architecture import preset
from nas.errors import UserError
from nas.search.record import Trial
from nas.search.rungs import Ladder, parse_rungs, recipe_with_rungs
from nas.training import load_recipe

LADDER = Ladder((1, 3, 9), 3.0, ("macs",))


def standing(
    number: int, score: float, macs: float, epoch: int = 1, state: str = "stopped"
) -> Trial:
    return Trial(
        number,
        f"{number:04d}",
        {},
        preset("osnet_x0_25"),
        {"macs": macs},
        state=state,
        rungs={epoch: score},
    )


def test_one_in_eta_is_promoted_and_the_front_comes_first() -> None:
    trials = [standing(0, 0.1, 1e6), standing(1, 0.5, 9e6), standing(2, 0.3, 8e6)]
    assert LADDER.promotion(trials[:2]) is None
    first = LADDER.promotion(trials)
    assert first is not None
    assert first.number == 1  # all three are not dominated: the best of those nearest in cost
    other = LADDER.promotion(trials, fits=lambda own: own.number != 1)
    assert other is not None
    assert other.number in (0, 2)  # what there is no budget for does not hold up the rest
    trials[1] = replace(first, state="running")
    assert LADDER.promotion(trials, fits=lambda own: own.number != 1) is None  # one is one
    assert LADDER.promotion(trials) is None  # one of three has been promoted


def test_of_dominated_trials_the_one_that_is_best_for_its_cost_comes_first() -> None:
    """Twenty cheap ones with low scores and twenty dear ones with high ones; two leaders."""
    cheap = [standing(n, 0.10 + 0.001 * n, 1e6 * (1 + n / 1e3)) for n in range(20)]
    dear = [standing(20 + n, 0.50 - 0.001 * n, 1e8 * (1 + n / 1e3)) for n in range(20)]
    order = [t.number for t in LADDER.ranked([*cheap, *dear], 1, [*cheap, *dear])]
    leaders = set(range(21))  # every cheap one is dearer than a worse one; the first dear one
    assert set(order[:21]) == leaders
    assert order[21:24] == [21, 22, 23]


def test_a_low_score_that_is_good_for_its_cost_comes_as_early_as_a_high_one() -> None:
    cheap = [standing(n, 0.20 - 0.001 * n, 1e6 * (1 + n / 1e3)) for n in range(20)]
    dear = [standing(20 + n, 0.50 - 0.001 * n, 1e8 * (1 + n / 1e3)) for n in range(20)]
    order = [t.number for t in LADDER.ranked([*cheap, *dear], 1, [*cheap, *dear])]
    assert order[:8] == [0, 20, 1, 21, 2, 22, 3, 23]


def test_costs_are_near_by_their_ratio() -> None:
    better = [standing(n, 0.9, 4e6) for n in range(14)]
    worse = [standing(n, 0.1, 17e6) for n in range(14, 28)]
    own = standing(28, 0.5, 10e6)  # 17M is farther off by the difference, and nearer by the ratio
    order = [t.number for t in LADDER.ranked([own, *better, *worse], 1, [own, *worse])]
    assert order[0] == 28


def test_equal_trials_come_in_one_order_whichever_began_first() -> None:
    trials = [standing(n, 0.5, 1e6) for n in (2, 0, 1)]
    assert [t.number for t in LADDER.ranked(trials, 1, trials)] == [0, 1, 2]


def test_the_highest_rung_is_asked_first() -> None:
    low = [standing(n, 0.1 * n, 1e6 + n) for n in range(9)]
    high = [
        replace(standing(9 + n, 0.2, 1e6 + n), rungs={1: 0.1, 3: 0.2 + n / 10}) for n in range(3)
    ]
    assert LADDER.due([*low, *high]).keys() == {1, 3}
    promoted = LADDER.promotion([*low, *high])
    assert promoted is not None
    assert promoted.epoch == 3


def test_failed_trials_are_not_promoted_but_count_as_promoted() -> None:
    trials = [standing(n, 0.1 * n, 1e6, state="failed" if n == 0 else "stopped") for n in range(3)]
    assert LADDER.promotion(trials) is None


def test_a_rung_with_few_results_waits_unless_workers_are_idle() -> None:
    trials = [standing(0, 0.1, 1e6), standing(1, 0.2, 1e6)]
    assert LADDER.promotion(trials) is None
    promoted = LADDER.promotion(trials, least=1)
    assert promoted is not None
    assert promoted.number == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(1e6, 1e8)), min_size=1, max_size=40),
    st.floats(1.5, 5),
)
def test_in_the_end_a_rung_has_promoted_its_share_and_no_more(
    given_trials: list[tuple[float, float]], eta: float
) -> None:
    ladder = Ladder((1, 3), eta, ("macs",))
    trials = [standing(n, score, macs) for n, (score, macs) in enumerate(given_trials)]
    while (found := ladder.promotion(trials)) is not None:
        rungs = found.rungs | {3: found.rungs[1]}
        trials[found.number] = replace(found, state="complete", rungs=rungs)
    assert sum(trial.state == "complete" for trial in trials) == int(len(trials) / eta)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(1e6, 1e8)), min_size=1, max_size=40))
def test_no_trial_is_promoted_before_one_that_beats_it_in_both(
    given_trials: list[tuple[float, float]],
) -> None:
    trials = [standing(n, score, macs) for n, (score, macs) in enumerate(given_trials)]
    order = LADDER.ranked(trials, 1, trials)
    first = order[0]
    assert not any(
        t.rungs[1] >= first.rungs[1] and t.costs["macs"] < first.costs["macs"] for t in trials
    )
    assert sorted(t.number for t in order) == list(range(len(trials)))


@pytest.mark.parametrize("text", ["0", "3,1", "1,1", "9", "1,x", "-1", "1.5"])
def test_bad_rungs_are_one_clear_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^--rungs: .*[^\n]*$"):
        parse_rungs(text, 9)


def test_rungs_are_read() -> None:
    assert parse_rungs("1, 3", 9) == (1, 3)
    assert parse_rungs("", 9) == parse_rungs([], 9) == ()
    assert parse_rungs([1, 3], 9) == (1, 3)
    with pytest.raises(UserError, match="--eta"):
        Ladder((9,), 1.0, ("macs",))


def test_other_rungs_take_the_place_of_those_of_a_recipe_whatever_its_length() -> None:
    own = load_recipe("quick-reid").rungs
    assert recipe_with_rungs("quick-reid").rungs == own
    short = recipe_with_rungs("quick-reid", ["epochs=2"], "1")  # where its own do not fit
    assert (short.epochs, short.rungs) == (2, (1,))
    assert recipe_with_rungs("quick-reid", (), "").rungs == ()
    with pytest.raises(UserError, match="both say where the rungs are"):
        recipe_with_rungs("quick-reid", ["rungs=[1]"], "1")


def test_the_epochs_ahead_of_a_trial_are_those_of_one_in_eta_on_each_rung() -> None:
    ladder = Ladder((1, 3, 9), 2.0, ("macs",))
    assert [ladder.ahead(epoch) for epoch in (0, 1, 3)] == [1 + 2 / 2 + 6 / 4, 2 + 6 / 2, 6]


@pytest.mark.parametrize(("chance", "epochs"), [(0.0, 1 + 8 / 2), (0.75, 1 + 6.0), (1.0, 9.0)])
def test_a_new_trial_takes_all_epochs_by_its_chance(chance: float, epochs: float) -> None:
    assert Ladder((1, 3, 9), 2.0, ("macs",)).of_new(chance) == epochs
