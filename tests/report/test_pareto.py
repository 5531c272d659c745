from pathlib import Path
from typing import Any

import pytest

from nas.architecture import key, preset
from nas.errors import UserError
from nas.report import front_table, pareto_figure
from nas.report.fronts import fronts_figure
from nas.report.words import compact, p_value, point_in_words, varying_names
from nas.search import Run, Trial, open_run
from tests.made_up_runs import make_run
from tests.report.text import text_of


class FakeRun(Run):
    """A run of five trials: 0, 1 and 4 are the front of (score, macs), 3 failed."""

    path = Path("run")
    objectives = ("score", "macs")
    asked: dict[str, Any] = {  # noqa: RUF012
        "space": "s", "data": "synthetic", "recipe": {"name": "quick"},
    }  # fmt: skip

    def __init__(self) -> None:
        self.costs = ("macs",)

    def all_trials(self) -> list[Trial]:
        scores = [0.2, 0.5, 0.4, None, 0.6]
        macs = [10, 20, 30, 5, 40]
        architecture = preset("osnet_x0_25")
        return [
            Trial(
                number,
                key(architecture) + str(number),
                {"width": 0.1 * number, "stages[*].gate": "none", "stem.kind": "conv3"},
                architecture,
                {"macs": cost * 10**6, "params": cost * 1000},
                state="failed" if score is None else "complete",
                scores={} if score is None else {"score": score, "mAP": score},
            )
            for number, (score, cost) in enumerate(zip(scores, macs, strict=True))
        ]


def test_every_complete_trial_is_drawn_and_the_front_is_a_step_line() -> None:
    figure = pareto_figure(FakeRun())
    dominated, line, front = figure.data
    assert list(dominated.x) == [30e6]
    assert list(front.x) == [10e6, 20e6, 40e6]
    assert line.line.shape == "hv"
    assert list(line.x) == [10e6, 20e6, 40e6, 40e6]
    assert figure.layout.xaxis.type == "log"


def test_hover_names_the_architecture_in_words() -> None:
    front = pareto_figure(FakeRun()).data[2]
    assert "width 0.1" in front.text[1]
    assert "20M macs" in front.text[1]
    assert "gate" not in front.text[1]  # it does not differ between trials


def test_another_cost_gives_another_picture_and_an_unknown_one_is_refused() -> None:
    assert list(pareto_figure(FakeRun(), "params").data[2].x) == [10e3, 20e3, 40e3]
    with pytest.raises(UserError, match="--cost: 'flops' is not one of macs, params"):
        pareto_figure(FakeRun(), "flops")


def test_the_table_has_the_front_cheapest_first() -> None:
    table = front_table(FakeRun())
    assert list(table.columns[0].cells) == ["0", "1", "4"]
    assert [column.header for column in table.columns] == [
        "trial", "mAP", "macs", "params", "architecture",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [40, 60, 80])
def test_on_a_narrow_terminal_no_number_is_cut_and_no_trial_has_a_tower_of_letters(
    tmp_path: Path, width: int
) -> None:
    run = open_run(make_run(tmp_path, fresh={0: (0.28, 0.30), 1: (0.45, 0.49)}))
    text = text_of(front_table(run, width), width)
    assert "0.2900 ±" in text and "0.4700 ±" in text and "…" not in text
    assert len(text.splitlines()) < 20
    for word in ("streams", "gate", "fusion"):
        assert word in text


def test_what_the_interval_of_a_table_is_of_is_said(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "sure", fresh={0: (0.28, 0.30), 1: (0.45, 0.49)}))
    assert "±: 95% interval of the mean" in text_of(front_table(run))
    assert "±" not in text_of(front_table(open_run(make_run(tmp_path / "unsure"))))


def test_bars_end_where_the_interval_does(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path, fresh={0: (0.28, 0.30), 1: (0.97, 0.999)}))
    for figure in (pareto_figure(run), fronts_figure([run])):
        bars = next(
            own.error_y for own in figure.data if own.error_y.array and any(own.error_y.array)
        )
        assert bars.array[1] == pytest.approx(1 - 0.9845)
        assert bars.arrayminus[1] > 2 * bars.array[1]


def test_the_score_of_a_row_of_an_ablation_is_of_all_seeds(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path, fresh={1: (0.4, 0.45)}, design="one-at-a-time"))
    text = text_of(front_table(run))
    assert "mAP" not in text and "confirmed" not in text
    assert "score" in text and "0.4500 ±" in text and "(3)" in text


def test_a_p_value_is_seen_to_be_above_or_below_5_percent() -> None:
    told = [p_value(p) for p in (0.0004, 0.0123, 0.0496, 0.0503, 0.049999, 0.05, 0.0506, 1.0)]
    assert told == ["<0.001", "0.012", "0.0496", "0.0503", "0.049999", "0.050", "0.051", "1.000"]
    assert p_value(float("nan")) == ""


def test_numbers_and_points_in_words() -> None:
    assert [compact(n) for n in (978_875_392, 201_864, 12, 3.2e9)] == [
        "978.9M", "201.9k", "12", "3.2G",
    ]  # fmt: skip
    points = [{"width": 1, "stages[*].gate": "none"}, {"width": 2, "stages[*].gate": "none"}]
    assert varying_names(points) == ["width"]
    assert point_in_words(points[0], ["width", "stages[*].gate"]) == "width 1, gate none"


def test_what_papers_report_stands_beside_a_run_on_the_same_data() -> None:
    run = FakeRun()
    run.asked = run.asked | {"data": "market1501:/data"}
    (stars,) = [own for own in pareto_figure(run).data if own.name == "published (test)"]
    assert max(stars.y) == 0.849
    assert "reported by" in stars.text[0]
    assert all(own.name != "published (test)" for own in pareto_figure(FakeRun()).data)
    run.asked = run.asked | {"data": "market1501:/data+msmt17:/other"}
    assert all(own.name != "published (test)" for own in pareto_figure(run).data)
