"""Plans, carried out against a made-up table by `replay`: order, budgets, rungs, confirmation."""

import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas.architecture import key, preset
from nas.cost import cost
from nas.errors import UserError
from nas.report.words import trial_in_words
from nas.search.budget import Budget
from nas.search.confirm import baselines, confirmed, first_due, is_confirmed, leaders
from nas.search.ledger import Ledger, epoch_seconds
from nas.search.plan import (
    CONFIRMING,
    NO_ROOM,
    PARTLY,
    UNCONFIRMED,
    SearchPlan,
    check_growth,
)
from nas.search.record import Record, Trial, searched
from nas.search.replay import Event, Table, replay
from nas.search.run import front
from nas.search.rungs import Ladder
from nas.search.samplers import Proposal, make_sampler, promoter
from nas.search.samplers.ehvi import START
from nas.search.step import Standing, Step
from nas.seeds import drawer
from nas.space import Space, from_yaml, to_yaml
from nas.training import load_recipe

OBJECTIVES = ("score", "macs")
SPACE = from_yaml("""
space: s
base: osnet_x0_25
input: 64x32
parameters:
  width: [0.125, 0.1875, 0.25, 0.375]
  stages[each].streams: 1..2
  stages[*].gate: [none, unified]
""")
RECIPE = load_recipe("quick", ["epochs=9", "epoch_images=100"])


@functools.cache
def table() -> Table:
    """Scores rise with epochs, somewhat with macs, with noise; an epoch takes seconds by macs."""
    random = np.random.default_rng(0)
    networks = [SPACE.architecture(point) for point in SPACE.enumerate()]
    networks += [architecture for _, architecture in SPACE.baselines]
    macs = np.array([cost(architecture).macs for architecture in networks], dtype=float)
    best = 0.02 * np.log10(macs) + random.normal(0.4, 0.05, len(networks))
    epochs = np.arange(1, 10)
    scores = best[:, None, None] * epochs**0.3 + random.normal(0, 0.01, (len(networks), 3, 9))
    seconds = np.broadcast_to((1.0 + macs / 1e7)[:, None, None], scores.shape)
    keys = tuple(key(architecture) for architecture in networks)
    return Table(SPACE, keys, scores, seconds, 100, {"macs": macs})


def carried_out(
    budget: str, *, rungs: tuple[int, ...] = (1, 3), confirm: float = 0.0, workers: int = 1,
    sampler: str = "random", plan: type[SearchPlan] = SearchPlan, space: Space = SPACE,
    **changes: Any,
) -> tuple[list[Trial], list[Event], list[str]]:  # fmt: skip
    told: list[str] = []
    propose, ladder = make_sampler(sampler, space, OBJECTIVES), Ladder((*rungs, 9), 3.0, ("macs",))
    made = plan(
        space, propose, OBJECTIVES, 0, ladder, confirm,
        Ledger(Budget.parse(budget), RECIPE, workers), told.append, promoter(propose, ladder, 0),
        **changes,
    )  # fmt: skip
    return (*replay(made, table(), workers=workers), told)


def test_without_rungs_every_trial_is_trained_at_full_length() -> None:
    trials, events, _ = carried_out("5trials", rungs=())
    assert [trial.state for trial in trials] == ["complete"] * 5
    assert [event.step.epochs for event in events] == [9] * 5


@pytest.mark.parametrize("workers", [1, 3])
def test_a_budget_of_trials_counts_those_that_were_started(workers: int) -> None:
    trials, _, _ = carried_out("27trials", workers=workers)
    states = Counter(trial.state for trial in trials)
    assert states == {"stopped": 24, "complete": 3}
    assert sum(3 in trial.rungs for trial in trials) == 9


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sampler_that_says_what_climbs_waits_until_it_knows(workers: int) -> None:
    trials, events, _ = carried_out("40trials", rungs=(4,), sampler="ehvi", workers=workers)
    first = next(n for n, event in enumerate(events) if event.step.to_epoch == 9)
    assert first >= START
    assert len(trials) == 40
    assert 40 // 3 <= sum(trial.state == "complete" for trial in trials) < 40


@pytest.mark.parametrize(("budget", "complete", "waiting"), [("20epochs", 2, 0), ("60s", 4, 2)])
def test_a_budget_that_ends_during_the_start_brings_trials_to_full_length(
    budget: str, complete: int, waiting: int
) -> None:
    trials, _, _ = carried_out(budget, rungs=(4,), sampler="ehvi")
    states = Counter(trial.state for trial in trials)
    assert (states["complete"], states["stopped"]) == (complete, waiting)


@pytest.mark.parametrize("budget", ["40epochs", "100epochs", "100s", "40GMAC"])
@pytest.mark.parametrize("sampler", ["ehvi", "random"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_budget_ends_with_one_trial_in_eta_at_full_length(
    budget: str, sampler: str, workers: int
) -> None:
    trials, events, _ = carried_out(budget, rungs=(4, 6), sampler=sampler, workers=workers)
    waiting = [trial for trial in trials if trial.state == "stopped"]
    assert sum(trial.state == "complete" for trial in trials) >= len(trials) // 3 > 0
    if budget.endswith("epochs"):
        assert waiting
        left = Budget.parse(budget).amount - events[-1].epochs
        assert all(9 - trial.epoch > left for trial in waiting)


def test_with_one_trial_there_is_a_front_all_the_same() -> None:
    trials, _, _ = carried_out("1trial")
    assert [trial.state for trial in trials] == ["complete"]
    assert list(trials[0].rungs) == [1, 3, 9]


def test_a_space_that_is_exhausted_is_trained_on_as_long_as_the_budget_lasts() -> None:
    trials, _, told = carried_out("10000epochs")
    assert len(trials) == SPACE.count().value
    assert {trial.state for trial in trials} == {"complete"}
    assert any("every architecture" in text for text in told)


@pytest.mark.parametrize("budget", ["40epochs", "3m", "20GMAC"])
@pytest.mark.parametrize("confirm", [0.0, 0.25])
def test_no_budget_is_overrun(budget: str, confirm: float) -> None:
    trials, events, _ = carried_out(budget, confirm=confirm, workers=2)
    amount = Budget.parse(budget).amount
    spent = {
        "40epochs": events[-1].epochs,
        "3m": events[-1].seconds,
        "20GMAC": sum(3 * trial.costs["macs"] * trial.images for trial in trials),
    }[budget]
    longest = max(event.step.epochs for event in events) * 6 if budget == "3m" else 0
    assert 0.5 * amount < spent <= amount + longest  # times are predicted, the rest is known


def test_confirmation_takes_its_share_and_no_more() -> None:
    trials, events, told = carried_out("1000epochs", confirm=0.25)
    fresh = sum(event.step.epochs for event in events if event.step.replicate)
    assert CONFIRMING in told
    assert 2 * 9 * 2 <= fresh <= 0.25 * 1000
    assert [t.baseline for t in trials if t.state == "baseline"] == ["osnet_x0_25"]
    assert all(1 in t.fresh and 2 in t.fresh for t in trials if t.state == "baseline")
    last = max(i for i, event in enumerate(events) if not event.step.replicate)
    assert all(e.step.replicate == 0 for e in events[:last] if not e.step.trial.baseline)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("budget", ["60trials", "900epochs"])
@pytest.mark.parametrize("rungs", [(), (4,)])
def test_a_search_ends_once_too_little_is_expected_of_a_new_trial(
    rungs: tuple[int, ...], budget: str, workers: int
) -> None:
    given = {"rungs": rungs, "sampler": "ehvi", "workers": workers}
    whole, _, _ = carried_out(budget, **given)
    trials, _, told = carried_out(budget, growth_min=0.05, **given)
    assert START < len(trials) < len(whole)
    assert [t.key for t in trials[:START]] == [t.key for t in whole[:START]]
    assert any("less than 5% more hypervolume" in text for text in told)
    assert all(trial.note.get("growth", 1.0) >= 0.05 for trial in trials)
    assert sum(trial.state == "complete" for trial in trials) >= len(trials) // 3
    assert bool(rungs) == any(trial.state == "stopped" for trial in trials)  # not trained on


def test_that_there_is_enough_is_said_when_nothing_runs_any_more() -> None:
    class Heard(SearchPlan):
        def next(self, now: Standing) -> Step | None:
            before, found = len(self._told), super().next(now)
            if len(self._told) > before:
                ran.append(len(now.running))
            return found

    ran: list[int] = []
    carried_out("60trials", rungs=(), sampler="ehvi", workers=3, growth_min=0.05, plan=Heard)
    assert ran == [0]


def test_as_things_stand_it_is_asked_once_what_is_expected_of_a_new_trial() -> None:
    def propose(trials: Sequence[Trial], seed: int) -> Proposal:
        asked.append(len(trials))
        return Proposal(SPACE.sample(drawer(seed)), {"growth": 0.04})

    asked: list[int] = []
    plan = SearchPlan(
        SPACE, propose, OBJECTIVES, 0, Ladder((9,), 3.0, ("macs",)), 0.0,
        Ledger(Budget.parse("60trials"), RECIPE, 1), growth_min=0.05,
    )  # fmt: skip
    now = Standing(carried_out("3trials", rungs=())[0], [], 0.0)
    assert [plan.next(now) for _ in range(3)] == [None] * 3
    assert asked == [3]


def test_what_is_left_of_a_search_that_has_enough_confirms_its_front() -> None:
    given = {"rungs": (), "sampler": "ehvi", "confirm": 0.25}
    trials, events, told = carried_out("900epochs", growth_min=0.05, **given)
    assert events[-1].epochs < 800 and CONFIRMING in told
    assert first_due(trials, OBJECTIVES) == []


@pytest.mark.parametrize("confirm", [0.25, 0.5])
def test_of_a_budget_of_trials_confirmation_has_its_share_of_all_epochs(confirm: float) -> None:
    _, events, _ = carried_out("30trials", rungs=(), confirm=confirm)
    fresh = sum(event.step.epochs for event in events if event.step.replicate)
    total = sum(event.step.epochs for event in events)
    assert confirm - 2 * 9 / total < fresh / total <= confirm


@pytest.mark.parametrize("confirm", np.linspace(0.1, 0.4, 7))
def test_many_workers_do_not_take_more_than_the_share(confirm: float) -> None:
    """Though what they train has not ended yet, nor what it lacks has begun."""
    _, events, _ = carried_out("500epochs", rungs=(), confirm=float(confirm), workers=8)
    assert sum(event.step.epochs for event in events if event.step.replicate) <= confirm * 500


def test_a_baseline_that_the_search_tried_itself_is_one_all_the_same() -> None:
    worst = np.argmin(table().scores[:, 0, -1])
    networks = {key(own): own for own in map(SPACE.architecture, SPACE.enumerate())}
    base = networks[table().keys[worst]]
    space = replace(SPACE, baselines=(("mine", base),))
    trials, _, _ = carried_out("1000epochs", confirm=0.25, space=space)
    (own,) = [trial for trial in trials if trial.baseline]
    assert (own.baseline, own.key, own.state) == ("mine", key(base), "complete")
    assert own.number not in {trial.number for trial in leaders(trials, OBJECTIVES)}
    assert {1, 2} <= own.fresh.keys()


def test_a_baseline_that_breaks_a_constraint_is_beside_the_front_and_never_on_it(
    tmp_path: Path,
) -> None:
    """Though it has the best score and beats members of the front."""
    best = int(np.argmax(table().scores.mean(axis=(1, 2))))
    networks = {key(own): own for own in map(SPACE.architecture, SPACE.enumerate())}
    good = networks[table().keys[best]]
    limit = int(cost(good).params) - 1
    space = from_yaml(to_yaml(SPACE).rstrip() + f"\nconstraints:\n  - params <= {limit}\n")
    space = replace(space, baselines=(("good", good), ("also", networks[table().keys[0]])))
    trials, _, _ = carried_out("500epochs", confirm=0.5, space=space)
    (own,) = [trial for trial in trials if trial.baseline == "good"]
    assert own.outside == f"breaks params <= {limit}" and len(own.fresh) >= 2
    members = front(trials, OBJECTIVES)
    assert members and own not in members
    assert all(cost(member.architecture).params <= limit for member in members)
    assert not any(trial.outside for trial in trials if trial is not own)
    record = Record(tmp_path / "record.db")
    record.add(own)
    assert record.trials()[0].outside == own.outside
    assert trial_in_words(own, []) == f"good (breaks params <= {limit})"


def test_a_baseline_that_the_search_left_on_a_rung_is_trained_beside_the_front(
    tmp_path: Path,
) -> None:
    first, _, _ = carried_out("500epochs", confirm=0.5, rungs=(1,))
    stopped = [trial for trial in first if trial.state == "stopped"]
    left = min(stopped, key=lambda trial: trial.rungs[1])
    space = replace(SPACE, baselines=(("mine", left.architecture),))
    trials, _, _ = carried_out("500epochs", confirm=0.5, rungs=(1,), space=space)
    tried, beside = [trial for trial in trials if trial.key == left.key]
    assert (tried.state, tried.fresh, tried.is_baseline) == ("stopped", {}, False)
    assert (beside.state, beside.baseline, beside.rungs) == ("baseline", "mine", {})
    assert {1, 2} <= beside.fresh.keys()
    assert [trial.number for trial in baselines(trials)] == [beside.number]
    record = Record(tmp_path / "record.db")
    for trial in trials:
        record.add(trial)
    assert [trial.key for trial in record.trials()] == [trial.key for trial in trials]
    promoted = [replace(trial, state="complete") if trial is tried else trial for trial in trials]
    assert [trial.number for trial in baselines(promoted)] == [beside.number]


def test_that_the_front_is_not_confirmed_is_said_when_it_is_sure() -> None:
    """The share of a budget of trials grows until the last of them has ended."""
    for budget in ("12trials", "20trials", "30trials"):
        for confirm in (0.25, 0.33, 0.4, 0.5):
            told = carried_out(budget, confirm=confirm, rungs=(4,), workers=8)[2]
            assert not {UNCONFIRMED, CONFIRMING} <= set(told)


@pytest.mark.parametrize("count", [25, 30, 40, 50])
def test_once_all_trials_have_begun_no_more_climb_than_is_due(count: int) -> None:
    _, events, _ = carried_out(f"{count}trials", rungs=(4,), sampler="ehvi")
    last = max(i for i, event in enumerate(events) if not event.step.from_epoch)
    climbed = [i for i, event in enumerate(events) if event.step.from_epoch]
    assert len(climbed) <= max(sum(i < last for i in climbed), count // 3)


def test_what_was_interrupted_and_does_not_fit_any_more_holds_nothing_up() -> None:
    trials, _, _ = carried_out("100epochs", rungs=(4,))
    dear = replace(trials[0], state="running", rungs={}, scores={}, epochs=0)
    propose, ladder = make_sampler("random", SPACE, OBJECTIVES), Ladder((4, 9), 3.0, ("macs",))
    ledger = Ledger(Budget.parse("8m"), RECIPE, 1)
    plan = SearchPlan(SPACE, propose, OBJECTIVES, 0, ladder, 0.0, ledger)
    costs = {**dear.costs, "macs": 100 * dear.costs["macs"]}
    stuck = [replace(dear, costs=costs), *trials[1:]]
    room = [plan.next(Standing(stuck, [], seconds)) for seconds in (0.0, 400.0)]
    assert [step and step.trial.number != 0 for step in room] == [False, True]


def test_what_failed_at_once_tells_nothing_of_the_time_of_an_epoch() -> None:
    trials, _, _ = carried_out("9trials", rungs=())
    dear = max(trials, key=lambda trial: trial.costs["macs"])
    failed = replace(dear, state="infeasible", rungs={}, scores={}, seconds=0.4, images=0)
    assert epoch_seconds(2e7, [*trials, failed, failed]) == epoch_seconds(2e7, trials)
    broken = replace(dear, fresh={1: math.nan}, epochs=2 * dear.epochs)  # at its fresh replicate
    assert epoch_seconds(2e7, [*trials, broken, broken]) == epoch_seconds(2e7, trials)


def test_idle_workers_begin_with_the_baselines_that_the_search_has_not_tried() -> None:
    first, _, _ = carried_out("500epochs", rungs=(1,), workers=3)
    stopped = [trial for trial in first if trial.state == "stopped"]
    (other,) = SPACE.baselines
    space = replace(SPACE, baselines=(("tried", stopped[0].architecture), other))
    trials, _, _ = carried_out("500epochs", confirm=0.5, rungs=(1,), space=space, workers=3)
    own = {trial.baseline: trial for trial in trials if trial.state == "baseline"}
    assert own["tried"].number > own[other[0]].number
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert all({1, 2} <= trial.fresh.keys() for trial in own.values())


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("budget", ["200epochs", "300epochs", "500epochs", "30trials"])
def test_no_replicate_is_trained_alone(budget: str, workers: int) -> None:
    """It would count for nothing."""
    for confirm in (0.3, 0.4, 0.5):
        trials, _, _ = carried_out(budget, confirm=confirm, rungs=(), workers=workers)
        assert 1 not in {len(trial.fresh) for trial in trials}


def test_a_baseline_alone_does_not_make_a_front_that_is_confirmed_in_part() -> None:
    """Idle workers have trained it before the front turned out to be too dear."""
    trials, _, _ = carried_out("500epochs", confirm=0.5, rungs=())
    own = [replace(t, fresh=dict(t.fresh) if t.state == "baseline" else {}) for t in trials]
    told: list[str] = []
    propose, ladder = make_sampler("random", SPACE, OBJECTIVES), Ladder((9,), 3.0, ("macs",))
    ledger = Ledger(Budget.parse("500epochs"), RECIPE, 1)
    plan = SearchPlan(SPACE, propose, OBJECTIVES, 0, ladder, 0.04, ledger, told.append)
    seen = [replace(t, epochs=18 if t.state == "baseline" else 60) for t in own]
    assert plan.next(Standing(seen, [], 0.0)) is None
    assert told == [UNCONFIRMED]


def test_where_two_replicates_do_not_fit_that_is_said_and_the_search_gets_all() -> None:
    trials, events, told = carried_out("60epochs", confirm=0.1)
    assert told == [UNCONFIRMED]
    assert not any(event.step.replicate for event in events)
    assert sum(trial.epochs for trial in trials) > 50


def test_of_a_front_that_does_not_fit_as_much_is_confirmed_as_does() -> None:
    partly = 0
    for budget in ("400epochs", "10m"):
        for confirm in np.linspace(0.1, 0.5, 9):
            trials, _, told = carried_out(budget, confirm=float(confirm), rungs=())
            lead = leaders(trials, OBJECTIVES)
            sure = [trial for trial in lead if confirmed(trial)]
            assert is_confirmed(trials, OBJECTIVES) == bool(sure) == (UNCONFIRMED not in told)
            assert (PARTLY in told) == (0 < len(sure) < len(lead))
            partly += PARTLY in told
    assert partly


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("rungs", [(), (4, 6)])
@pytest.mark.parametrize("budget", ["500epochs", "15m"])
def test_once_a_member_is_being_confirmed_the_search_is_over(
    budget: str, rungs: tuple[int, ...], workers: int
) -> None:
    _, events, told = carried_out(budget, confirm=0.5, rungs=rungs, workers=workers)
    assert CONFIRMING in told
    members = [i for i, e in enumerate(events) if e.step.replicate and not e.step.trial.baseline]
    assert all(event.step.replicate for event in events[members[0] + workers :])


def test_a_baseline_that_never_fits_keeps_nothing_else_from_being_trained() -> None:
    dear = (("dear", preset("osnet_x1_0").resized(SPACE.base.input)),)
    space = replace(SPACE, baselines=dear)
    trials, _, told = carried_out("200GMAC", confirm=0.4, rungs=(), space=space)
    assert "dear" not in {trial.baseline for trial in trials}
    assert told == [CONFIRMING, NO_ROOM.format("dear")]
    assert all(len(trial.fresh) >= 3 for trial in leaders(trials, OBJECTIVES))


@pytest.mark.parametrize(("spent", "budget"), [("27epochs", "50epochs"), ("13GMAC", "24GMAC")])
def test_where_nothing_is_complete_nothing_is_kept_to_confirm_it(spent: str, budget: str) -> None:
    """A baseline alone is no front."""
    trials, _, _ = carried_out(spent, rungs=())
    failed = [replace(trial, state="failed", rungs={}, scores={}) for trial in trials]
    propose, ladder = make_sampler("random", SPACE, OBJECTIVES), Ladder((9,), 3.0, ("macs",))
    ledger = Ledger(Budget.parse(budget), RECIPE, 1)
    plan = SearchPlan(SPACE, propose, OBJECTIVES, 0, ladder, 0.5, ledger)
    step = plan.next(Standing(failed, [], 0.0))
    assert step is not None and step.trial.number == len(failed) and not step.replicate


def test_a_confirmation_that_has_begun_is_finished_though_trainings_got_slower() -> None:
    """One fresh seed says nothing: all would be lost."""
    trials, _, _ = carried_out("400epochs", confirm=0.5, rungs=())
    half = [replace(t, fresh={1: t.fresh[1]} if 1 in t.fresh else {}) for t in trials]
    due = first_due(half, OBJECTIVES)
    propose, ladder = make_sampler("random", SPACE, OBJECTIVES), Ladder((9,), 3.0, ("macs",))
    ledger = Ledger(Budget.parse("1000s"), RECIPE, 1)
    plan = SearchPlan(SPACE, propose, OBJECTIVES, 0, ladder, 0.1, ledger)
    slow = [replace(trial, seconds=4 * trial.seconds) for trial in half]
    dearest = max(epoch_seconds(slow[number].costs["macs"], slow) * 9 for number, _ in due)
    step = plan.next(Standing(slow, [], 1000 - 1.01 * dearest))
    assert step is not None and (step.trial.number, step.replicate) in due
    assert plan.next(Standing(slow, [], 999)) is None


@pytest.mark.parametrize(("workers", "begins"), [(3, False), (4, True)])
def test_a_member_that_can_not_have_both_its_replicates_in_time_is_not_begun(
    workers: int, begins: bool
) -> None:
    """One worker is free, or two are, and there is time for a replicate, but not for another."""
    trials, _, _ = carried_out("400epochs", rungs=())
    one, other, *rest = leaders(trials, OBJECTIVES)
    sure = {trial.number for trial in rest}
    known = [replace(t, fresh={1: 0.5, 2: 0.5} if t.number in sure else {}) for t in trials]
    propose, ladder = make_sampler("random", SPACE, OBJECTIVES), Ladder((9,), 3.0, ("macs",))
    space, ledger = replace(SPACE, baselines=()), Ledger(Budget.parse("10000s"), RECIPE, workers)
    plan = SearchPlan(space, propose, OBJECTIVES, 0, ladder, 0.5, ledger)
    running = [Step(known[one.number], replicate, 0, 9) for replicate in (1, 2)]
    room = 1.8 * 9 * epoch_seconds(other.costs["macs"], known)
    step = plan.next(Standing(known, running, 10000 - room))
    assert (step is not None and step.trial.number == other.number) == begins


def test_a_plan_follows_from_what_has_happened_alone() -> None:
    """Stopped anywhere and asked anew, it goes on in the same way."""
    whole, events, _ = carried_out("12trials")
    again, others, _ = carried_out("12trials")
    assert [e.step.id for e in events] == [e.step.id for e in others]
    assert whole == again
    half, _, _ = carried_out("6trials")
    started = [trial.key for trial in whole[: len(half)]]
    assert started == [trial.key for trial in half]


def test_a_sampler_that_learns_from_rungs_never_proposes_twice() -> None:
    trials, _, _ = carried_out("40trials", sampler="ehvi", workers=2)
    own = searched(trials)
    assert len({trial.key for trial in own}) == 40
    assert sum("predicted" in trial.note for trial in own) > 20


def test_simulated_workers_work_side_by_side() -> None:
    one = carried_out("27trials")[1][-1].seconds
    three = carried_out("27trials", workers=3)[1][-1].seconds
    assert one / 3.01 < three < one / 2


def test_what_is_kept_for_confirmation_is_as_long_as_its_longest_job() -> None:
    """Eight workers do five jobs side by side, and none of them faster."""
    ledger = Ledger(Budget.parse("8h"), RECIPE, 8)
    assert ledger.together([9, 18, 27, 36, 360]) == 360
    assert ledger.together([40] * 16) == 80
    assert Ledger(Budget.parse("900epochs"), RECIPE, 8).together([9, 9, 9]) == 27


def test_a_front_is_confirmed_however_many_workers_share_the_time() -> None:
    for workers in (1, 4, 16):
        trials, _, told = carried_out("30m", confirm=0.25, workers=workers)
        assert CONFIRMING in told and UNCONFIRMED not in told and PARTLY not in told
        assert first_due(trials, OBJECTIVES) == []


def test_a_plan_that_is_made_anew_after_each_job_goes_on_alike() -> None:
    """As a driver that is killed makes it; nothing that it keeps in mind may decide."""

    class Forgetful(SearchPlan):
        def next(self, now: Standing) -> Step | None:
            self._refused, self._enough, self.exhausted = {}, None, False
            return super().next(now)

    for budget in ("150epochs", "20GMAC"):
        for sampler, least in (("random", 0.0), ("ehvi", 0.0), ("ehvi", 0.2)):
            given = {"rungs": (4, 6), "confirm": 0.25, "sampler": sampler, "growth_min": least}
            found = [carried_out(budget, plan=own, **given)[1] for own in (SearchPlan, Forgetful)]
            assert [e.step.id for e in found[0]] == [e.step.id for e in found[1]]


def test_a_baseline_that_was_interrupted_comes_before_anything_else() -> None:
    """It is in the record by then; a sampler that is asked again names something that fits."""

    class Killed(SearchPlan):
        def next(self, now: Standing) -> Step | None:
            step = super().next(now)
            if step and step.trial.state == "baseline" and step.trial.number == len(now.trials):
                self._refused = {}
                return super().next(replace(now, trials=[*now.trials, step.trial]))
            return step

    for budget in ("150GMAC", "200GMAC"):
        found = [
            carried_out(budget, rungs=(3,), confirm=0.5, plan=plan)[1]
            for plan in (SearchPlan, Killed)
        ]
        assert any(e.step.trial.state == "baseline" for e in found[0])
        assert [e.step.id for e in found[0]] == [e.step.id for e in found[1]]


def test_the_time_of_an_epoch_is_a_line_through_what_was_seen() -> None:
    trials, _, _ = carried_out("9trials", rungs=())
    assert epoch_seconds(2e7, trials) == pytest.approx(3.0, rel=1e-3)
    assert epoch_seconds(2e7, trials[:0]) == 0.0


@pytest.mark.parametrize(("first", "fresh"), [(24, {}), (0, {1: 0.5, 2: 0.5})])
def test_the_time_of_an_epoch_is_that_of_the_latest_trials(
    first: int, fresh: dict[int, float]
) -> None:
    """By number; but those that are trained again with fresh seeds are the latest of all."""
    trials, _, _ = carried_out("40trials", rungs=())
    slow = range(first, first + 16)
    late = [
        replace(t, seconds=3 * t.seconds, fresh=fresh) if t.number in slow else t for t in trials
    ]
    typical = float(np.median([trial.costs["macs"] for trial in trials]))
    before, now = epoch_seconds(typical, trials), epoch_seconds(typical, late)
    assert now == pytest.approx(3 * before, rel=0.1)


def test_the_hypervolume_of_all_is_one() -> None:
    found = table()
    assert found.hypervolume(range(len(found.keys))) == pytest.approx(1.0)
    assert found.hypervolume([]) == 0.0
    part = [found.hypervolume(range(n)) for n in range(len(found.keys))]
    assert (np.diff(part) >= -1e-12).all()


@pytest.mark.parametrize(
    ("least", "sampler", "said"),
    [
        (1.0, "ehvi", "1 is not a share"),
        (-0.1, "ehvi", "-0.1 is not"),
        (0.01, "tpe", "tpe expects"),
    ],
)
def test_growth_that_nobody_can_expect_is_refused(least: float, sampler: str, said: str) -> None:
    with pytest.raises(UserError, match=f"--growth-min: {said}"):
        check_growth(least, sampler)
    check_growth(0.0, "tpe")
