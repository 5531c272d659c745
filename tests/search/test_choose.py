"""Which trial is the one to take."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from nas.architecture import lower
from nas.architecture.canonical import part_key
from nas.cost import LATENCY, Setting
from nas.cost.parts import NOTHING, PartTable, write_table
from nas.errors import UserError
from nas.search import Trial, front, open_run
from nas.search.choose import best_trials, expected, not_in_table
from nas.search.record import Record
from tests.made_up_runs import add_baseline, make_run


def macs(run: Path, number: int) -> float:
    return open_run(run).trial(number).costs["macs"]


def numbers(found: list[Trial]) -> list[int]:
    return [trial.number for trial in found]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "a")


def test_without_fresh_seeds_the_score_decides(plain: Path) -> None:
    assert numbers(best_trials(plain, {}, 9)) == [1, 3, 0]  # and none that is not complete


def test_a_limit_is_kept_and_may_be_reached(plain: Path) -> None:
    assert numbers(best_trials(plain, {"macs": macs(plain, 1)})) == [1]
    assert numbers(best_trials(plain, {"macs": macs(plain, 1) - 1})) == [0]
    limits = {"macs": macs(plain, 5), "params": open_run(plain).trial(0).costs["params"]}
    assert numbers(best_trials(plain, limits)) == [0]


def test_of_those_that_are_good_enough_the_cheapest_comes_first(
    plain: Path, tmp_path: Path
) -> None:
    worth = expected(open_run(plain).all_trials())
    by_macs = sorted((1, 3, 0), key=lambda number: macs(plain, number))
    for least in (worth[1], worth[3], worth[0]):
        enough = [number for number in by_macs if worth[number] >= least]
        assert numbers(best_trials(plain, count=9, score_min=least)) == enough
    most = {"macs": macs(plain, 1) - 1}
    assert numbers(best_trials(plain, most, 9, score_min=worth[0])) == [0]
    with pytest.raises(UserError, match=r"no trial within the limits has a score of at least 0.8;"):
        best_trials(plain, most, score_min=0.8)
    with pytest.raises(UserError, match=rf"least 0.8; the best is #1 with {worth[1]:.4f}$"):
        best_trials(plain, score_min=0.8)
    lucky = make_run(tmp_path / "a", fresh={0: (0.29, 0.29), 1: (0.39, 0.41)})
    assert worth[0] == 0.3
    assert 0 not in numbers(best_trials(lucky, count=9, score_min=0.3))  # by its fresh seeds


def test_of_equal_ones_the_cheaper_comes_first(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", ({9: 0.3}, {9: 0.5}, {9: 0.5}), failed=0)
    with closing(Record(run / "record.db")) as record:
        record.change(1, costs=json.dumps({"macs": 2 * macs(run, 2)}))
    assert numbers(best_trials(run, count=9)) == [2, 1, 0]


@pytest.mark.parametrize("most", [0, "5M"])
def test_a_limit_that_is_no_number_above_0_is_refused(most, plain: Path) -> None:
    with pytest.raises(UserError, match=f"macs: at most {most!r} is not a number above 0"):
        best_trials(plain, {"macs": most})


def test_less_than_one_trial_is_refused(plain: Path) -> None:
    with pytest.raises(UserError, match="--count: -1 is not a whole number from 1"):
        best_trials(plain, {}, -1)


def test_a_baseline_outside_of_the_constraints_is_none_of_them(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "a", fresh={0: (0.30, 0.30), 1: (0.39, 0.41)}))
    out, inside = add_baseline(run.path, 0.9, "breaks macs <= 1M"), add_baseline(run.path, 0.8)
    assert numbers(best_trials(run, {}, 3)) == [inside, 1, 3]
    assert out not in {trial.number for trial in front(run.all_trials(), run.objectives)}


def test_the_latency_of_a_device_is_told_by_its_table(plain: Path, tmp_path: Path) -> None:
    trials = {number: open_run(plain).trial(number).architecture for number in (0, 1, 3)}
    table = PartTable(Setting(threads=1).record(), {part_key(NOTHING): 0.5})
    for own in (trials[0], trials[1]):
        layers = {part_key(p.part): 0.1 * len(p.part.layers) for p in lower(own)}
        table.p50_ms.update(layers)
    write_table(table, tmp_path / "device.csv")
    within = {LATENCY: table.latency(trials[1])}
    for given in (table, tmp_path / "device.csv"):
        (found,) = best_trials(plain, within, latency_table=given)
        assert not_in_table(plain, given)[-1] == 3 and not {0, 1} & set(not_in_table(plain, given))
        assert found.number == 1  # of 3, which is next, the table has not all parts
        assert found.costs[LATENCY] == pytest.approx(within[LATENCY])
    expected = [n for n in (1, 0) if table.latency(trials[n]) <= within[LATENCY]]
    assert numbers(best_trials(plain, within, 9, table)) == expected
    dear = {part_key(p.part): 100.0 for p in lower(trials[0])}
    reversed_ = PartTable(table.setting, dear | {part_key(NOTHING): 0.5})
    for placed in lower(trials[1]):
        reversed_.p50_ms[part_key(placed.part)] = 0.1
    assert macs(plain, 0) < macs(plain, 1)
    assert numbers(best_trials(plain, {}, 9, reversed_, score_min=0.1)) == [1, 0, 3]
    with pytest.raises(UserError, match=r"^--latency-table: it has not all parts of any of the"):
        best_trials(plain, within, latency_table=PartTable(table.setting, {"a": 1.0}))


def test_none_within_says_the_cheapest(plain: Path) -> None:
    with pytest.raises(UserError, match=r"no trial has macs of at most 1,000; the cheapest is #0"):
        best_trials(plain, {"macs": 1000})
    with pytest.raises(UserError, match="has no latency_ms"):
        best_trials(plain, {"latency_ms": 5.0})


def test_fresh_seeds_outweigh_a_lucky_score(tmp_path: Path) -> None:
    """Trial 1 scored 0.50 and is 0.40 by fresh seeds; trial 3, not confirmed, scored 0.45."""
    run = make_run(tmp_path / "a", fresh={0: (0.30, 0.30), 1: (0.39, 0.41)})
    found = expected(open_run(run).all_trials()[:4])
    assert found[1] == pytest.approx(0.40)
    assert found[3] == pytest.approx(0.45 - (0.0 + 0.10) / 2)
    assert found[0] == pytest.approx(0.30)


def test_fresh_seeds_that_were_better_than_scores_raise_nothing_else(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", fresh={0: (0.40, 0.42)})
    assert expected(open_run(run).all_trials())[3] == 0.45  # a search does not choose bad luck


def test_a_confirmed_trial_is_not_beaten_by_a_score_of_equal_luck(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", fresh={0: (0.24, 0.24), 1: (0.43, 0.43)})
    assert numbers(best_trials(run, {}, 2)) == [1, 3]  # 0.43, and 0.45 less 0.065
