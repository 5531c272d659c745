"""Runs beside each other."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nas.errors import UserError
from nas.report.compare import compared_table, comparison_notes, joint_table
from nas.report.tables import front_table
from nas.report.words import point_in_words
from nas.search import open_run
from nas.search.compare import compare_runs
from nas.search.record import Record
from nas.search.replay import read_table
from tests.made_up_runs import RECIPE, SCORES, make_run
from tests.report.text import text_of

OTHER: tuple[dict[int, float], ...] = (
    {9: 0.35}, {1: 0.1}, {9: 0.40}, {1: 0.1}, {9: 0.55},
)  # fmt: skip


def area(run: Path, scores: dict[int, float], reference: float) -> float:
    """Slow and obvious: a fine grid over the scaled log of macs."""
    space = open_run(run).space()
    assert space is not None
    macs = np.log10(space.members().costs["macs"])
    own = {t.number: t.costs["macs"] for t in open_run(run).all_trials()}
    grid = (np.arange(200_000) + 0.5) / 200_000
    heights = np.zeros_like(grid)
    for number, score in scores.items():
        at = (math.log10(own[number]) - macs.min()) / (macs.max() - macs.min())
        heights = np.where(grid >= at, np.maximum(heights, score - reference), heights)
    return float(heights.mean())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return make_run(folder / "a"), make_run(folder / "b", OTHER)


def test_hypervolume_is_that_above_the_least_median(plain: tuple[Path, Path]) -> None:
    found = compare_runs(plain)
    assert found.reference == pytest.approx(0.40)  # medians are 0.45 and 0.40
    assert found.by == "search scores"
    one, two = found.runs
    assert one.hypervolume == pytest.approx(area(plain[0], {1: 0.50, 3: 0.45}, 0.40), abs=1e-5)
    assert two.hypervolume == pytest.approx(area(plain[1], {4: 0.55}, 0.40), abs=1e-5)
    assert (one.confirmed, one.low, one.high) == (None, None, None)
    given = compare_runs(plain, reference=0.0).runs[0].hypervolume
    scores = {0: 0.30, 1: 0.50, 3: 0.45}
    assert given == pytest.approx(area(plain[0], scores, 0.0), abs=1e-5)


def test_the_front_of_all_says_whose_each_member_is(plain: tuple[Path, Path]) -> None:
    found = compare_runs(plain)
    assert [(place, trial.number) for place, trial, _ in found.front] == [(1, 0), (0, 1), (1, 4)]
    assert [own.on_front for own in found.runs] == [1, 2]
    rows = found.as_dict()["front"]
    assert [row["run"] for row in rows] == [str(plain[i]) for i in (1, 0, 1)]


def test_the_interval_is_the_jackknife_over_fresh_seeds(tmp_path: Path) -> None:
    fresh = {0: (0.28, 0.30, 0.32), 1: (0.44, 0.47, 0.50)}
    first, second = make_run(tmp_path / "a", fresh=fresh), make_run(tmp_path / "b", fresh=fresh)
    found = compare_runs([first, second], reference=0.2)
    own = found.runs[0]
    assert found.by == "fresh seeds"
    assert own.confirmed == pytest.approx(area(first, {0: 0.30, 1: 0.47}, 0.2), abs=1e-5)
    left_out = [
        area(first, {n: float(np.mean(np.delete(s, out))) for n, s in fresh.items()}, 0.2)
        for out in range(3)
    ]
    error = math.sqrt(2 / 3 * sum((x - np.mean(left_out)) ** 2 for x in left_out))
    assert own.low is not None and own.high is not None
    assert own.high - own.confirmed == pytest.approx(stats.t.ppf(0.975, 2) * error, abs=1e-4)
    assert own.high - own.confirmed == pytest.approx(own.confirmed - own.low)


def test_a_difference_has_an_interval_of_its_own(tmp_path: Path) -> None:
    one = {0: (0.28, 0.31, 0.37), 1: (0.44, 0.47, 0.53)}
    alike = {n: tuple(s + 0.02 for s in scores) for n, scores in one.items()}
    other = {0: (0.33, 0.29, 0.36), 1: (0.50, 0.55, 0.48)}
    paths = [
        make_run(tmp_path / name, fresh=fresh)
        for name, fresh in (("a", one), ("b", alike), ("c", other))
    ]
    paths.append(make_run(tmp_path / "d", seed=1, fresh=other))
    found = compare_runs(paths, reference=0.2)
    first, second, third, fourth = found.runs
    assert first.difference is None and fourth.difference is None  # of other fresh seeds
    assert second.difference is not None and third.difference is not None
    assert second.difference[0] == pytest.approx(second.confirmed - first.confirmed)
    assert second.difference[1] == pytest.approx(second.difference[2], abs=1e-9)  # of all seeds

    def left_out(fresh: dict[int, tuple[float, ...]], out: int) -> float:
        return area(paths[0], {n: float(np.mean(np.delete(s, out))) for n, s in fresh.items()}, 0.2)

    more = [left_out(other, out) - left_out(one, out) for out in range(3)]
    error = math.sqrt(2 / 3 * sum((x - np.mean(more)) ** 2 for x in more))
    middle, low, high = third.difference
    assert middle == pytest.approx(third.confirmed - first.confirmed)
    assert high - middle == pytest.approx(stats.t.ppf(0.975, 2) * error, abs=1e-4)
    assert middle - low == pytest.approx(high - middle)
    wanted = f"#3 less #1, by fresh seeds: {middle:+.4f} ({low:+.4f} to {high:+.4f})"
    assert wanted in comparison_notes(found)
    assert not any("#4 less" in note for note in comparison_notes(found))


def test_a_difference_is_by_the_seeds_that_both_have(tmp_path: Path) -> None:
    """The fourth seed is a good one; nothing that it does to one run alone is a difference."""
    seeds = (0.00, 0.03, 0.01, 0.12)
    paths = [
        make_run(tmp_path / str(n), fresh={0: tuple(0.3 + s for s in seeds[:n])}) for n in (3, 4)
    ]
    first, second = compare_runs(paths, reference=0.2).runs
    assert first.confirmed is not None and second.confirmed is not None
    assert second.confirmed > first.confirmed
    assert second.difference == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)


def test_seeds_that_not_all_trials_have_make_no_interval(tmp_path: Path) -> None:
    fresh = {0: (0.28, math.nan, 0.32), 1: (0.44, 0.47)}
    runs = [make_run(tmp_path / name, fresh=fresh) for name in "ab"]
    first, second = compare_runs(runs, reference=0.2).runs
    assert first.confirmed == pytest.approx(area(runs[0], {0: 0.30, 1: 0.455}, 0.2), abs=1e-5)
    assert (first.low, first.high, second.difference) == (None, None, None)


def test_an_interval_is_within_what_a_hypervolume_may_be(tmp_path: Path) -> None:
    fresh = {0: (0.10, 0.20), 1: (0.30, 0.60)}
    runs = [make_run(tmp_path / name, fresh=fresh) for name in "ab"]
    found = compare_runs(runs, reference=0.4)
    own = found.runs[0]
    assert own.confirmed is not None and own.confirmed > 0
    assert (own.low, own.high) == (0.0, pytest.approx(0.6))  # no score is above 1
    text = text_of(compared_table(found))
    assert f"{own.confirmed:.4f} (0.0000 to 0.6000)" in text
    assert "another --seed of the search would find another" in comparison_notes(found)[1]


def test_where_one_is_not_confirmed_all_go_by_search_scores(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a", fresh={0: (0.2, 0.2), 1: (0.3, 0.3)})
    found = compare_runs([first, make_run(tmp_path / "b")])
    assert found.by == "search scores"
    assert found.runs[0].confirmed is not None
    assert found.runs[1].confirmed is None
    assert any("not every run is confirmed" in note for note in found.notes)
    assert {worth for _, _, worth in found.front} == {0.30, 0.50}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"data": "fashion-mnist"}, "data is synthetic and fashion-mnist"),
        ({"recipe": RECIPE.model_copy(update={"lr": 0.02}).model_dump()}, "recipe.lr is 0.01"),
        ({"split": "test"}, "split is None and test"),
    ],
)
def test_scores_that_mean_other_things_are_refused(
    tmp_path: Path, asked: dict[str, object], message: str
) -> None:
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", **asked)]
    with pytest.raises(UserError, match=message):
        compare_runs(runs)


def test_baselines_are_not_what_a_search_has_found(plain: tuple[Path, Path]) -> None:
    with_base = make_run(plain[0].parent / "with base", fresh={1: (0.3, 0.3)})
    record = Record(with_base / "record.db")
    record.change(1, state="baseline", baseline="osnet_x0_25")
    record.close()
    found = compare_runs([with_base, plain[1]])
    assert found.runs[0].trials == 2
    assert all(not trial.baseline for _, trial, _ in found.front)


def test_what_can_be_compared_with_care_is_labelled(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"rungs": (), "name": "other"}).model_dump()
    other = make_run(tmp_path / "b", seed=1, recipe=recipe, objectives=["score", "params"])
    found = compare_runs([make_run(tmp_path / "a"), other])
    assert found.objectives == ("score", "macs")
    assert any("other seeds (0, 1) hold out other" in note for note in found.notes)


def test_latencies_of_other_settings_are_not_compared(tmp_path: Path) -> None:
    asked = {"objectives": ["score", "macs", "latency_ms"]}
    one = make_run(tmp_path / "a", **asked, latency={"backend": "frozen", "threads": 1})
    two = make_run(tmp_path / "b", **asked, latency={"backend": "frozen", "threads": 2})
    found = compare_runs([one, two])
    assert found.objectives == ("score", "macs")
    assert found.notes == ("latency is of other settings or devices: compared by score and macs",)


def test_a_training_is_not_a_run_and_a_run_no_table(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text("{}")
    with pytest.raises(UserError, match="is a training, which has no trials"):
        open_run(tmp_path)
    run = make_run(tmp_path / "run")
    with pytest.raises(UserError, match=r"is a run: name one of its trials, as .*run#0"):
        read_table(run)


def test_one_run_is_not_a_comparison(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give two at least"):
        compare_runs([make_run(tmp_path / "a")])


def test_all_runs_that_are_not_that_far_are_named(plain: tuple[Path, Path], tmp_path: Path) -> None:
    early = [make_run(tmp_path / name, ({1: 0.1},)) for name in ("c", "d")]
    with pytest.raises(UserError, match=rf"^{early[0]}, {early[1]}: no trial is complete yet$"):
        compare_runs([*plain, *early])


def test_where_all_lie_below_the_reference_no_interval_is_shown(tmp_path: Path) -> None:
    fresh = {0: (0.28, 0.30), 1: (0.45, 0.49)}
    runs = [make_run(tmp_path / name, fresh=fresh) for name in "ab"]
    found = compare_runs(runs, reference=0.9)
    assert found.runs[0].confirmed == 0
    text = text_of(compared_table(found))
    assert "0.0000 (none above)" in text and "±" not in text


def test_what_all_members_share_is_said_once(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "a", SCORES[:1], failed=0))
    (own,) = run.all_trials()
    text = " ".join(text_of(front_table(run)).split())
    assert text.endswith(f"all searched: {point_in_words(own.point, list(own.point))}")
    whole = text_of(front_table(open_run(make_run(tmp_path / "b"))))
    assert "width" not in whole.splitlines()[-1].partition("all searched:")[2]


def test_the_tables_hold_all_of_it_in_80_columns(plain: tuple[Path, Path]) -> None:
    found = compare_runs(plain)
    text = text_of(compared_table(found)) + text_of(joint_table(found))
    assert all(str(path) in text.replace("\n", "").replace(" ", "") for path in plain)
    assert f"{found.runs[0].hypervolume:.4f}" in text
    assert max(map(len, text.splitlines())) <= 80
    assert comparison_notes(found)[0].startswith("hypervolume above score 0.4000; log10 of macs ")
