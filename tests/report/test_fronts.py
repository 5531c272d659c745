from pathlib import Path

import pytest

from nas.errors import UserError
from nas.report import pareto_figure
from nas.report.fronts import LOOKS, fronts_figure, write_fronts
from nas.search import open_run
from tests.made_up_runs import make_run


def test_each_run_has_its_front_and_its_own_look(tmp_path: Path) -> None:
    runs = [open_run(make_run(tmp_path / name)) for name in ("one", "two")]
    figure = fronts_figure(runs)
    named = [trace for trace in figure.data if trace.name]
    assert [trace.name for trace in named] == ["one", "two"]
    looks = [(t.marker.color, t.marker.symbol, t.line.dash) for t in named]
    assert looks == list(LOOKS[:2])
    members = runs[0].front().sort_values("macs")
    assert list(named[0].x) == members["macs"].tolist()
    assert list(named[0].y) == members["score"].tolist()
    paths = [run.path for run in runs]
    assert pareto_figure(paths) == figure
    assert pareto_figure(paths[:1]) == pareto_figure(paths[0])
    with pytest.raises(UserError, match="0 run"):
        pareto_figure([])


def test_means_of_fresh_seeds_beside_scores_that_chose_are_told_apart(tmp_path: Path) -> None:
    fresh: dict[int, tuple[float, ...]] = {0: (0.2, 0.2), 1: (0.3, 0.3)}
    sure = open_run(make_run(tmp_path / "old" / "run", fresh=fresh))
    other = open_run(make_run(tmp_path / "new" / "run"))
    names = [trace.name for trace in fronts_figure([sure, other]).data if trace.name]
    assert names == [f"{sure.path}, confirmed", f"{other.path}, not confirmed"]


def test_more_runs_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run"))
    with pytest.raises(UserError, match="8 runs; 7 at most"):
        fronts_figure([run] * 8)
    with pytest.raises(UserError, match="no trial at full length with 'flops'"):
        fronts_figure([run, run], "flops")


def test_the_picture_is_written_above_the_runs_or_where_it_is_asked_for(tmp_path: Path) -> None:
    runs = [open_run(make_run(tmp_path / "results" / name)) for name in ("one", "two")]
    assert write_fronts(runs) == [tmp_path / "results" / "pareto.html"]
    assert write_fronts(runs, stem=tmp_path / "fig") == [tmp_path / "fig.html"]
    assert write_fronts(runs, stem=tmp_path / "fig.html") == [tmp_path / "fig.html"]
    assert write_fronts(runs, stem=tmp_path / "eta0.25") == [tmp_path / "eta0.25.html"]
