"""Searches that differ by their seed alone."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nas.report.compare import groups_table
from nas.search import open_run
from nas.search.compare import compare_runs
from nas.search.groups import Group, groups_of
from tests.made_up_runs import make_run
from tests.report.text import text_of

AREAS = np.array([0.30, 0.34, 0.31, 0.36, 0.37, 0.38])


def made(folder: Path, *asked: dict[str, Any]) -> list[Path]:
    return [make_run(folder / str(place), **own) for place, own in enumerate(asked)]


def grouped(folder: Path, *asked: dict[str, Any]) -> tuple[Group, ...]:
    runs = [open_run(path) for path in made(folder, *asked)]
    return groups_of(runs, AREAS[: len(runs)].tolist())


def test_a_group_has_the_interval_of_its_mean_and_of_pairs(tmp_path: Path) -> None:
    seeds = [{"seed": seed} for seed in (3, 4, 5)]
    first, second = grouped(tmp_path, *seeds, *({"sampler": "tpe"} | own for own in seeds))
    assert (first.name, second.name) == ("sampler random", "sampler tpe")
    assert (first.runs, second.runs) == ((0, 1, 2), (3, 4, 5))
    for group, values in ((first, AREAS[:3]), (second, AREAS[3:])):
        reach = stats.t.ppf(0.975, 2) * values.std(ddof=1) / math.sqrt(3)
        assert group.mean == pytest.approx(values.mean())
        assert (group.low, group.high) == pytest.approx(
            (values.mean() - reach, values.mean() + reach)
        )
    known = stats.ttest_rel(AREAS[3:], AREAS[:3]).confidence_interval()
    assert first.difference is None and second.paired == 3
    assert second.difference == pytest.approx(
        (AREAS[3:].mean() - AREAS[:3].mean(), known.low, known.high)
    )


def test_without_the_same_seeds_the_difference_is_of_independent_means(tmp_path: Path) -> None:
    own = [{"seed": seed} for seed in (0, 1, 2)]
    other = [{"seed": seed, "eta": 2.0} for seed in (2, 3, 4)]
    first, second = grouped(tmp_path, *own, *other)
    known = stats.ttest_ind(AREAS[3:], AREAS[:3], equal_var=False).confidence_interval()
    assert (first.name, second.name, second.paired) == ("eta 3.0", "eta 2.0", 0)
    assert second.difference is not None
    assert second.difference[1:] == pytest.approx((known.low, known.high))


def test_one_run_of_a_kind_has_no_interval(tmp_path: Path) -> None:
    first, second = grouped(tmp_path, {"seed": 0}, {"seed": 1}, {"seed": 0, "sampler": "tpe"})
    assert (second.mean, second.difference) == (AREAS[2], None)
    assert math.isnan(second.low) and not math.isnan(first.low)
    assert grouped(tmp_path / "apart", {"seed": 0}, {"seed": 0, "sampler": "tpe"}) == ()


def test_runs_of_one_seed_count_once(tmp_path: Path) -> None:
    (found,) = grouped(tmp_path, {"seed": 0}, {"seed": 0}, {"seed": 1})
    assert (found.runs, found.seeds) == ((0, 1, 2), 2)
    assert found.mean == pytest.approx((AREAS[:2].mean() + AREAS[2]) / 2)
    assert grouped(tmp_path / "again", {"seed": 0}, {"seed": 0}) == ()


def test_what_is_none_and_what_an_older_run_does_not_say_are_alike(tmp_path: Path) -> None:
    (found,) = grouped(tmp_path, {"seed": 0}, {"seed": 1, "score_min": None, "init": []})
    assert found.seeds == 2


def test_compare_shows_groups_over_seeds(tmp_path: Path) -> None:
    seeds = [{"seed": 0}, {"seed": 1}]
    runs = made(tmp_path, *seeds, *(own | {"sampler": "tpe"} for own in seeds))
    found = compare_runs(runs)
    assert [group.runs for group in found.groups] == [(0, 1), (2, 3)]
    assert [row["name"] for row in found.as_dict()["groups"]] == ["sampler random", "sampler tpe"]
    areas = [own.hypervolume for own in found.runs]
    text = text_of(groups_table(found, 120), 120)
    assert "Over seeds, by search scores" in text and "2 pairs" in text
    assert f"{np.mean(areas[:2]):.4f} ±0.0000" in text and "+0.0000 (+0.0000 to +0.0000)" in text
    alone = compare_runs(runs[:2]).groups
    assert [group.name for group in alone] == ["osnet-mini"]


def test_confirmed_searches_count_by_their_fresh_seeds(tmp_path: Path) -> None:
    fresh = ({0: (0.2, 0.24), 1: (0.3, 0.36)}, {0: (0.22, 0.2), 1: (0.4, 0.42)})
    runs = made(tmp_path, *({"seed": seed, "fresh": own} for seed, own in enumerate(fresh)))
    found = compare_runs(runs, reference=0.1)
    (group,) = found.groups
    assert found.by == "fresh seeds"
    assert group.mean == pytest.approx(np.mean([own.confirmed for own in found.runs]))
    assert group.mean != pytest.approx(np.mean([own.hypervolume for own in found.runs]))
