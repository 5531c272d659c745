"""Latency of a device that is not here, as a cost that is known before training."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas.architecture import lower, preset
from nas.architecture.canonical import part_key
from nas.cost import Setting, cost
from nas.cost.parts import NOTHING, PartTable, read_table, write_table
from nas.errors import UserError
from nas.report.page.sections import sections
from nas.search import run_search
from nas.search.compare import compare_runs
from nas.search.driver import SilentView
from nas.search.known import (
    LATENCY,
    costs_of_points,
    known_costs,
    known_range,
    noted,
    parts_to_measure,
    table_for,
)
from nas.space import Space, from_yaml, load_space

TEXT = (
    "space: s\nbase: osnet_x0_25\ninput: 32x16\nparameters:\n  width: [0.0625, 0.125]\n"
    "  stages[each].streams: 1..3\n  stages[*].gate: [none, unified]\n"
)


def device(space: Space) -> PartTable:
    """Slow where there are many layers: at odds with macs."""
    parts = parts_to_measure(space)
    times = {part_key(part): 0.1 * len(part.layers) for part in parts}
    return PartTable(Setting(threads=1).record(), {part_key(NOTHING): 0.5} | times)


def test_what_is_known_of_points_is_what_is_known_of_their_architectures() -> None:
    space = from_yaml(TEXT)
    table, points = device(space), space.members()
    for name in (LATENCY, "macs"):
        own = costs_of_points(points, name, table)
        each = [
            known_costs(space.architecture(points.point(row)), table)[name]
            for row in range(len(points))
        ]
        np.testing.assert_allclose(own, each)
        assert known_range(space, table)[name] == pytest.approx((min(each), max(each)))
    latency = costs_of_points(points, LATENCY, table)
    assert np.corrcoef(latency, points.costs["macs"])[0, 1] < 0.9
    assert LATENCY not in known_costs(preset("osnet_x1_0"), table)
    assert known_costs(preset("osnet_x1_0")) == cost(preset("osnet_x1_0")).as_dict()


def test_a_table_has_the_parts_of_all_architectures_and_baselines() -> None:
    for name in ("osnet-mini", "osnet-ain"):
        space = load_space(name)
        wanted = {part_key(part) for part in parts_to_measure(space)}
        for architecture in (space.base, *(own for _, own in space.baselines)):
            assert {part_key(placed.part) for placed in lower(architecture)} <= wanted


def test_a_table_that_lacks_parts_is_refused() -> None:
    space = from_yaml(TEXT)
    table = device(space)
    assert table_for(space, table) is table
    gone = part_key(parts_to_measure(space)[0])
    fewer = PartTable(table.setting, {k: v for k, v in table.p50_ms.items() if k != gone})
    with pytest.raises(UserError, match=r"^--latency-table: it has not 1 of the parts of s; make"):
        table_for(space, fewer)


@pytest.mark.usefixtures("inline")
def test_a_search_by_the_latency_of_another_device(tiny: dict[str, Any], tmp_path: Path) -> None:
    space = load_space(tiny["space"])
    table = device(space)
    file = tmp_path / "device.csv"
    write_table(table, file)
    wanted = tiny | {"objectives": "score,latency_ms", "workers": 1}
    run = run_search(budget="3trials", latency_table=file, **wanted)
    assert run.asked["sampler"] == "ehvi"
    assert run.asked["latency"]["backend"] == "frozen"
    trials = run.all_trials()
    for trial in trials:
        expected = table.latency(trial.architecture)
        assert trial.costs[LATENCY] == pytest.approx(expected, abs=1e-6)
    assert run.asked["cost_range"][LATENCY] == pytest.approx(known_range(space, table)[LATENCY])
    again = run_search(budget="4trials", latency_table=str(file), **wanted)  # goes on
    assert [trial.key for trial in again.all_trials()][:3] == [trial.key for trial in trials]
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    rows[0]["p50_ms"] = "9.0"
    other = PartTable(table.setting, {row["part"]: float(row["p50_ms"]) for row in rows})
    with pytest.raises(UserError, match="latency"):
        run_search(budget="5trials", latency_table=other, **wanted)
    (section,) = [s for s in sections(again, again.all_trials(), [], None) if s.name == "latency"]
    assert "predicted from parts measured on" in section.notes[0]
    with pytest.raises(UserError, match=r"^--latency-table: latency_ms is not one of --objectives"):
        run_search(latency_table=file, **tiny)
    with pytest.raises(UserError, match=r"^--latency and --latency-table exclude each other"):
        run_search(latency_table=file, latency="torch", **wanted)


class Told(SilentView):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def notice(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.usefixtures("inline")
def test_scores_of_a_search_by_macs_are_taken_over_with_the_latency_of_the_table(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    first = run_search(budget="2trials", workers=1, **tiny)
    space = load_space(tiny["space"])
    table = device(replace(space, baselines=()))
    told = Told()
    wanted = tiny | {"objectives": "score,latency_ms", "out": str(tmp_path / "second")}
    run = run_search(
        budget="1trial", workers=1, latency_table=table, warm_start=first, view=told, **wanted
    )
    taken = run.all_trials()[:2]
    assert [trial.key for trial in taken] == [trial.key for trial in first.all_trials()]
    for trial in taken:
        assert trial.costs[LATENCY] == table.latency(trial.architecture)
    assert "the latency table has not all parts of osnet_x0_25: without latency" in told.lines
    found = compare_runs([run, run])
    assert found.ranges[LATENCY] == pytest.approx(known_range(space, table)[LATENCY])


def test_a_table_of_another_tool_may_leave_its_setting_empty(tmp_path: Path) -> None:
    table, file = device(from_yaml(TEXT)), tmp_path / "device.csv"
    write_table(PartTable({**table.setting, "machine": ""}, table.p50_ms), file)
    again = read_table(file)
    assert again.setting["machine"] == "" and again.p50_ms == pytest.approx(table.p50_ms)
    assert noted(again) == noted(read_table(file))


def test_the_latency_of_a_space_that_is_not_listed_is_within_bounds() -> None:
    large = from_yaml(
        "space: s\nbase: osnet_x0_25\ninput: 32x16\nparameters:\n"
        "  stages[each].streams: 1..4\n  stages[each].gate: [none, fixed, unified, streamwise]\n"
        "  stages[each].fusion: [add, concat]\n  stages[each].bottleneck: [2, 4, 8, 16]\n"
        "  stages[each].depth: [1, 2]\n"
    )
    assert not large.listable
    table = device(large)
    low, high = known_range(large, table)[LATENCY]
    own = costs_of_points(large.members(500), LATENCY, table)
    assert low <= own.min() < own.max() <= high
