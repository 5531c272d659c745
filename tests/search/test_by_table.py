"""A search by the latency of a device that is not here, which a table of parts predicts."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas.cost import LATENCY
from nas.cost.parts import PartTable, read_table, write_table
from nas.errors import UserError
from nas.report.page.sections import sections
from nas.report.run import run_fields
from nas.search import run_search
from nas.search.about import describe_run
from nas.search.choose import best_trials
from nas.search.compare import compare_runs
from nas.search.overview import overview
from nas.search.run import default_path
from nas.search.view import SilentView
from nas.space import load_space, on_device
from tests.space.test_device import device


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
    assert run.asked["cost_range"][LATENCY] == pytest.approx(
        on_device(space, table).cost_range()[LATENCY]
    )
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
    with pytest.raises(UserError, match=r"^--latency and --latency-table exclude each other"):
        run_search(latency_table=file, latency="torch", **wanted)


@pytest.mark.usefixtures("inline")
def test_a_search_within_limits_of_cost_and_of_latency(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    space = load_space(tiny["space"])
    table = device(space)
    every = on_device(space, table).members().costs
    limits = (float(np.median(every[LATENCY])), float(np.quantile(every["macs"], 0.7)))
    texts = [f"latency_ms <= {limits[0]:.6f}", f"macs <= {limits[1]:.0f}"]
    left = int(((every[LATENCY] <= limits[0] + 1e-6) & (every["macs"] <= limits[1])).sum())
    assert 0 < left < len(every["macs"])
    run = run_search(budget="3trials", workers=1, constraints=texts, latency_table=table, **tiny)
    for trial in run.all_trials():
        assert trial.outside or trial.costs[LATENCY] <= limits[0] + 1e-6
        assert trial.outside or trial.costs["macs"] <= limits[1]
    own = run.space()
    assert own is not None and own.count().value == left
    assert own.latency == read_table(run.path / "latency.csv")
    assert run.asked["cost_range"]["macs"][1] <= limits[1]
    assert best_trials(run, {LATENCY: limits[0] + 1e-6})
    described = dict(run_fields(describe_run(run), overview(run.path)))
    assert described["constraints"] == "; ".join(texts)
    with pytest.raises(UserError, match=r"differs in constraints: .*latency_ms.* there, None now"):
        run_search(budget="3trials", workers=1, **tiny)
    with pytest.raises(UserError, match=r"^--constraint: latency_ms is of a device: give"):
        run_search(constraints=texts, **tiny)
    with pytest.raises(UserError, match=r"is empty: .*`macs <= 3` alone leaves 0 .*macs [\d,]+ to"):
        run_search(constraints="macs <= 3", **tiny)


@pytest.mark.usefixtures("inline")
def test_the_space_of_a_run_that_was_given_it_with_its_limits(
    tiny: dict[str, Any],
) -> None:
    plain = load_space(tiny["space"])
    fast = load_space(plain, constraints="latency_ms <= 1e3", latency_table=device(plain))
    run = run_search(**tiny | {"space": fast}, constraints="macs <= 1G", budget="1trials")
    own = run.space()
    assert own is not None and run.asked["constraints"] == ["macs <= 1G", "latency_ms <= 1e3"]
    assert own.hash() == load_space(fast, constraints="macs <= 1G").hash()


def test_limits_are_part_of_the_default_directory() -> None:
    asked = {"space": "s", "data": "synthetic", "seed": 0}
    plain = default_path(asked)
    assert default_path(asked | {"constraints": []}) == plain
    assert default_path(asked | {"constraints": ["macs <= 3M"]}) != plain


def test_so_is_the_table() -> None:
    asked = {"space": "s", "data": "synthetic", "seed": 0}
    plain = default_path(asked)
    assert default_path(asked | {"latency": {"backend": "frozen"}}) == plain  # as it was
    tables = [default_path(asked | {"latency": {"parts": digest}}) for digest in ("a", "b")]
    assert len({plain, *tables}) == 3


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
    third = run_search(
        budget="1trial", workers=1, warm_start=run, **tiny | {"out": str(tmp_path / "third")}
    )
    assert not any(LATENCY in trial.costs for trial in third.all_trials())  # it has no device
    found = compare_runs([run, run])
    assert found.ranges[LATENCY] == pytest.approx(on_device(space, table).cost_range()[LATENCY])


def test_a_table_of_another_tool_may_leave_its_setting_empty(tmp_path: Path) -> None:
    table, file = device(load_space("osnet-mini")), tmp_path / "device.csv"
    write_table(PartTable({**table.setting, "machine": ""}, table.p50_ms), file)
    again = read_table(file)
    assert again.setting["machine"] == "" and again.p50_ms == pytest.approx(table.p50_ms)
    assert again.noted() == read_table(file).noted()
