from pathlib import Path

from nas.report import pareto_figure
from nas.report.kinds import UNCONFIRMED, kinds
from nas.search import front, open_run
from tests.made_up_runs import add_baseline, make_run

FRESH: dict[int, tuple[float, ...]] = {0: (0.28, 0.30), 1: (0.45, 0.49)}


def test_beside_means_of_fresh_seeds_one_score_is_told_apart(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", fresh=FRESH)
    add_baseline(path, 0.6, outside="macs <= 4M")
    run = open_run(path)
    trials = run.all_trials()
    members = {trial.number for trial in front(trials, run.objectives)}
    assert list(kinds(trials, run.objectives, members).values()) == [
        "front", "front", "stopped", UNCONFIRMED, "stopped", "failed", "outside",
    ]  # fmt: skip
    names = [trace.name for trace in pareto_figure(run).data if trace.name]
    assert names == ["stopped", UNCONFIRMED, "front", "baseline outside the constraints"]
    assert "mean of fresh seeds" in pareto_figure(run).layout.title.text


def test_before_confirmation_all_are_of_one_score(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run"))
    assert kinds(run.all_trials(), run.objectives, {1})[3] == "dominated"


def test_a_member_by_another_cost_is_not_called_dominated(tmp_path: Path) -> None:
    scores = ({9: 0.5}, {9: 0.4}, {9: 0.3})  # of rising macs
    run = open_run(
        make_run(tmp_path / "run", scores, failed=0, objectives=["score", "macs", "seconds"])
    )
    trials = run.all_trials()
    for trial, seconds in zip(trials, (3.0, 2.0, 1.0), strict=True):
        trial.costs["seconds"] = seconds
    run.all_trials = lambda: trials  # type: ignore[method-assign]
    drawn = {trace.name: len(trace.x) for trace in pareto_figure(run, "macs").data if trace.name}
    assert drawn == {"front by all objectives": 2, "front": 1}
