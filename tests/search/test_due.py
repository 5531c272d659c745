"""What confirmation has to do: what is counted, chosen, and kept for it."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from nas.architecture import preset
from nas.search.due import SPARE, Due, Replicate
from nas.search.record import Trial

NETWORK = preset("osnet_x0_25")
MEMBERS = [(0.5, 1), (0.6, 2), (0.7, 3), (0.8, 4), (0.4, 5)]
"""Score and macs; all but the last one lead."""


def trial(number: int, score: float, macs: float, fresh: int = 0) -> Trial:
    return Trial(
        number, f"k{number}", {}, NETWORK, {"macs": macs}, state="complete",
        scores={"score": score}, rungs={9: score}, fresh=dict.fromkeys(range(1, fresh + 1), score),
    )  # fmt: skip


def due(fresh: Sequence[int], affordable: float = 100.0, running: Sequence[Replicate] = ()) -> Due:
    """A replicate costs what the macs are, and one worker does all."""
    trials = [
        trial(n, *own, count) for n, (own, count) in enumerate(zip(MEMBERS, fresh, strict=True))
    ]
    return Due(trials, ("score", "macs"), running, lambda t: t.costs["macs"], sum, affordable)


def test_two_replicates_of_each_that_leads_are_due() -> None:
    own = due([0, 0, 0, 0, 0])
    assert own.now == own.first == own.every
    assert own.first == [(n, r) for r in (1, 2) for n in range(4)]
    assert own.kept == SPARE * 20


def test_what_runs_is_not_due_again() -> None:
    own = due([1, 0, 0, 0, 0], running=[(1, 1)])
    assert (0, 1) not in own.first and (1, 1) not in own.first
    assert own.first == [(2, 1), (3, 1), (0, 2), (1, 2), (2, 2), (3, 2)]
    assert sum(own.lacking) == 1 + 2


@pytest.mark.parametrize(
    ("affordable", "chosen"), [(20, {0, 1, 2, 3}), (19, {0, 1, 2}), (6, {0, 1}), (5, set())]
)
def test_as_many_as_are_affordable_but_half_of_them_at_least(
    affordable: float, chosen: set[int]
) -> None:
    own = due([0, 0, 0, 0, 0], affordable)
    assert {number for number, _ in own.first} == chosen
    assert own.kept == min(SPARE * sum(2 * MEMBERS[n][1] for n in chosen), affordable)


def test_a_member_that_is_sure_already_is_none_that_is_not_affordable() -> None:
    own = due([2, 0, 0, 0, 0], 4)  # two of four will have no replicates: the other half is sure
    assert own.first == [(1, 1), (1, 2)]


def test_what_is_below_the_least_score_comes_last() -> None:
    own = replace(due([0, 0, 0, 0, 0], 19), score_min=0.65)
    assert {number for number, _ in own.first} == {2, 3, 0}  # 1 is affordable in place of 3
    own = replace(due([0, 0, 0, 0, 0], 19), score_min=0.7)
    assert {number for number, _ in own.first} == {2, 3, 0}  # 2 has just this score
    own = replace(due([0, 0, 0, 0, 0], 9), score_min=0.75)
    assert {number for number, _ in own.first} == {0, 1}  # 3 alone is no half of the front


def test_what_has_begun_is_finished_though_nothing_is_affordable() -> None:
    own = due([2, 1, 0, 1, 0], -3)
    assert own.now == [(1, 2), (3, 2)]
    assert own.kept == 2 + 4


def test_what_no_longer_leads_lacks_nothing() -> None:
    own = due([0, 0, 0, 0, 1])
    assert own.lacking == []
    assert all(number != 4 for number, _ in own.now)


def test_once_a_member_has_begun_all_that_is_of_use_is_kept() -> None:
    third_and_fourth = 2 * (1 + 2 + 3 + 4)
    assert due([2, 2, 2, 2, 0]).kept == third_and_fourth
    assert due([2, 2, 2, 1, 0]).kept == third_and_fourth + 4
    assert due([2, 2, 2, 1, 0], 7).kept == 7
    assert due([2, 2, 2, 1, 0], 3).kept == 4


def test_more_than_two_are_trained_once_any_is_sure() -> None:
    assert due([2, 2, 2, 2, 0]).now[:4] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    beyond = due([2, 2, 2, 0, 0], 7)
    assert beyond.first == [] and (0, 3) in beyond.now
    assert not beyond.whole and beyond.sure
    assert due([0, 0, 0, 0, 0], 5).now == []


def test_in_place_of_one_that_failed_there_is_another() -> None:
    own = due([1, 0, 0, 0, 0], 1)
    own.trials[0].fresh[2] = math.nan
    assert own.now == own.first == [(0, 3)]
    assert own.lacking == [1] and own.kept == 1
