"""Ablations that really train, on a data set that takes a second."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nas.ablation.looks import looked
from nas.ablation.run import (
    ABLATION,
    _default_path,
    _power,
    make_design,
    read_ablation,
    run_ablation,
)
from nas.directory import make_directory
from nas.errors import UserError
from nas.report.ablation import ablation_notes, effect_tables
from nas.search import open_run
from nas.search.view import SilentView
from nas.training import load_recipe
from tests.made_up_runs import make_run

pytestmark = pytest.mark.usefixtures("inline")
SPACE = """\
space: tiny
base: osnet_x0_25
input: 32x16
parameters:
  stem.kind: conv3
  width: 0.125
  stages[*].streams: [1, 4]
  stages[*].gate: [none, unified]
  stages[*].depth: 1
"""
RECIPE = "name: tiny\nepochs: 2\nbatch: 16\nlr: 0.01\nschedule: onecycle\n"


class Notices(SilentView):
    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return {
        "space": tmp_path / "space.yaml",
        "recipe": str(tmp_path / "recipe.yaml"),
        "data": "synthetic:ids=16,size=32x16",
        "out": tmp_path / "runs" / "one",
        "workers": 1,
    }


def test_interrupted_and_resumed_it_gives_the_identical_table(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    """Stopped twice by its budget, and once with fewer seeds."""
    whole = run_ablation(**tiny | {"out": tmp_path / "elsewhere" / "whole"}, seeds=3)
    assert np.isfinite(whole.scores).all()
    assert whole.scores.shape == (3, 3)
    for arguments in ({"budget": "5epochs"}, {"budget": "8epochs"}, {"seeds": 2}, {}):
        part = run_ablation(**tiny, **{"seeds": 3} | arguments)
        known = np.isfinite(part.scores)
        expected = whole.scores[:, : part.scores.shape[1]]
        np.testing.assert_array_equal(part.scores[known], expected[known])
    pd.testing.assert_frame_equal(part.table(), whole.table())
    record = open_run(tiny["out"]).all_trials()
    assert sum(trial.epochs for trial in record) == 9 * 2


def test_what_other_runs_have_trained_is_not_trained_again(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    """It costs nothing: with a budget of one training all of it is there, and one row more."""
    first = run_ablation(**tiny, seeds=2)
    other = tiny | {"out": tmp_path / "runs" / "two", "design": "factorial", "seeds": 2}
    other |= {"factors": ["streams", "gate"]}
    view = Notices()
    begun = run_ablation(**other, budget="2epochs", view=view)
    rows = len(begun.design.rows)
    assert f"{first.scores.size} of {2 * rows} trainings are there already" in view.said[0]
    assert "2 seeds show an effect of" in view.said[1]
    assert np.isfinite(begun.scores).sum() == first.scores.size + 1
    crossed = run_ablation(**other)
    assert crossed.effects is not None
    terms, contrasts = effect_tables(crossed)
    assert terms[:2] == ("terms", "Effects") and contrasts[:2] == ("contrasts", "Differences")
    assert [len(own) for own in terms[2:]] == [len(crossed.effects[0])] * 2
    assert [len(own) for own in contrasts[2:]] == [len(crossed.effects[1])] * 2
    trials = open_run(other["out"]).all_trials()
    epochs = [trial.epochs for trial in trials]
    assert epochs == [4 * (trial.images > 0) for trial in trials]
    assert epochs.count(0) == len(first.design.rows)
    np.testing.assert_array_equal(crossed.scores[0], first.scores[0])


@pytest.mark.parametrize("change", [{"code": "an earlier one"}, {"images": "others"}])
def test_what_other_code_has_trained_or_of_other_images_is_trained_again(
    tiny: dict[str, Any], tmp_path: Path, change: dict[str, str]
) -> None:
    one = run_ablation(**tiny, factors=["gate"], seeds=2)
    file = tiny["out"] / "run.json"
    about = json.loads(file.read_text())
    file.write_text(json.dumps(about | change))
    view = Notices()
    again = tiny | {"out": tmp_path / "runs" / "two", "factors": ["gate"], "view": view}
    two = run_ablation(**again, seeds=2)
    assert view.said[0].startswith(f"{one.scores.size} more are there by other code")
    assert all(trial.images for trial in open_run(two.path).all_trials())
    np.testing.assert_array_equal(one.scores, two.scores)


def test_what_was_begun_by_other_code_or_other_plug_ins_says_so_when_it_goes_on(
    tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tiny | {"factors": ["gate"], "seeds": 2}
    run_ablation(**asked, budget="2epochs")
    plugin = tmp_path / "layers.py"
    plugin.write_text("")
    about = json.loads((tiny["out"] / "run.json").read_text())["asked"]
    assert make_directory(tiny["out"], about, ABLATION, fresh=False) == ""
    monkeypatch.setattr("nas.plugins._loaded", {"layers.py": plugin})
    view = Notices()
    run_ablation(**asked, budget="2epochs", view=view)
    assert "was begun with other code of the training, or other plug-ins" in view.said[0]


def test_what_was_computed_in_parts_is_told_and_not_taken_over(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    """As memory was full: batch normalisation has seen other batches."""
    asked = tiny | {"factors": ["gate"], "seeds": 2}
    one = run_ablation(**asked)
    assert (one.in_parts, one.looks) == ({}, (2,))
    with sqlite3.connect(tiny["out"] / "record.db") as db:
        why = "out of memory, so batches were computed in 2 parts"
        db.execute("UPDATE jobs SET reason = ? WHERE id = '1-0-2'", (why,))
    label, view = one.design.rows[1].label, Notices()
    assert run_ablation(**asked, view=view).in_parts == {label: 1}
    assert "all 4 replicates are done; more --seeds go further" in view.said
    two = run_ablation(**asked | {"out": tmp_path / "runs" / "two"})
    assert not two.in_parts
    assert [t.images > 0 for t in open_run(two.path).all_trials()] == [False, True]


def test_each_look_with_other_seeds_is_kept_in_mind(tmp_path: Path) -> None:
    assert [looked(tmp_path, seeds) for seeds in (1, 2, 5, 2)] == [(), (2,), (2, 5), (2, 5)]


def test_looks_come_with_the_scores_that_are_taken_over(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    one = run_ablation(**tiny, factors=["gate"], seeds=2)
    assert not any("Effects of the factors" in note for note in ablation_notes(one))
    two = run_ablation(**tiny | {"out": tmp_path / "runs" / "two"}, seeds=3)
    assert two.looks == (2, 3)
    assert any("looked at with 2, 3 seeds" in note for note in ablation_notes(two))


def test_a_look_is_of_as_many_pairs_as_a_row_has(tiny: dict[str, Any]) -> None:
    """Whatever failed in another row."""
    asked = tiny | {"factors": ["streams", "gate"], "seeds": 3}
    run_ablation(**asked)
    with sqlite3.connect(tiny["out"] / "record.db") as db:
        db.execute(
            "UPDATE jobs SET outcome = 'failed', scores = '{}' WHERE trial = 1 AND replicate > 0"
        )
    assert run_ablation(**asked).looks == (3,)


def test_other_rows_or_another_split_have_another_directory() -> None:
    def path(rows: str, split: str, match: str | None = None, *, asked: bool = True) -> Path:
        about = {
            "space": "tiny", "data": "synthetic", "seed": 0, "design": "one-at-a-time",
            "objectives": ["score", "macs"], "recipe": load_recipe("quick-reid").model_dump(),
            "rows": {name: {"key": name} for name in rows}, "split": split,
        }  # fmt: skip
        return _default_path(about, match, rows=asked)

    plain = path("abc", "test", asked=False)
    assert plain == Path("results/ablation-one-at-a-time-tiny-synthetic-s0")
    assert plain == path("abcd", "test", asked=False)  # what the space says may change
    others = [
        plain, path("ab", "test"), path("ac", "test"), path("ab", "validation"),
        path("abc", "validation", asked=False), path("abc", "test", "macs", asked=False),
        path("abc", "test", "params", asked=False),
    ]  # fmt: skip
    assert len(set(others)) == len(others)


def test_a_front_of_an_ablation_has_the_means_of_all_seeds(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", fresh={0: (0.2, 0.1), 1: (0.4, 0.3)}, design="paper"))
    shown = run.trials()
    assert shown["confirmed"][:2].tolist() == pytest.approx([0.2, 0.4])
    assert shown["replicates"].tolist()[:3] == [3, 3, 0]


def test_what_the_record_says_of_an_ablation_is_what_it_found(tiny: dict[str, Any]) -> None:
    found = run_ablation(**tiny, factors=["gate"], seeds=2)
    again = read_ablation(open_run(tiny["out"]))
    assert again.table().equals(found.table())
    assert again.metric == "mAP" and list(again.beside) == ["rank1"]
    with open_run(tiny["out"]).record() as record:
        last = record.history()[-1]
    assert again.beside["rank1"][last["trial"], last["replicate"]] == last["scores"]["rank1"]
    assert repr(again).endswith(f"{len(found.scores)} rows, 2 seeds)")
    assert "rank1" in again._repr_html_()


def test_a_run_whose_rows_were_not_numbered_yet_goes_on(tiny: dict[str, Any]) -> None:
    run_ablation(**tiny, factors=["gate"], seeds=2, budget="2epochs")
    file = tiny["out"] / "run.json"
    about = json.loads(file.read_text())
    rows = about["asked"]["rows"]
    about["asked"]["rows"] = {label: row["key"] for label, row in rows.items()}
    file.write_text(json.dumps(about))
    found = run_ablation(**tiny, factors=["gate"], seeds=2)
    assert np.isfinite(found.scores).all()


def test_rows_in_another_order_are_another_ablation(tiny: dict[str, Any]) -> None:
    """Scores are recorded by the row's number."""
    run_ablation(**tiny, factors=["gate"], seeds=2, budget="2epochs")
    tiny["space"].write_text(SPACE.replace("[1, 4]", "[1, 2, 4]"))
    run_ablation(**tiny | {"out": tiny["out"].with_name("two")}, factors=["streams"], seeds=2)
    tiny["space"].write_text(SPACE.replace("[1, 4]", "[2, 1, 4]"))
    with pytest.raises(UserError, match=r"differs in rows\..*\.number: 1 there, 2 now"):
        run_ablation(**tiny | {"out": tiny["out"].with_name("two")}, factors=["streams"], seeds=2)


def test_a_factorial_of_one_seed_has_a_table_and_no_effects(tiny: dict[str, Any]) -> None:
    asked = tiny | {"design": "factorial", "factors": ["streams", "gate"]}
    found = run_ablation(**asked, seeds=2, budget="6epochs")
    assert np.isfinite(found.scores[:, 0]).sum() == 3
    assert found.effects is None and effect_tables(found) == []
    assert set(found.found.verdict[1:]) == {"not compared"}
    assert ablation_notes(found)[-1].startswith("Effects of the factors: not known yet")


def test_scores_that_do_not_vary_say_nothing_of_what_can_be_shown() -> None:
    assert "do not vary over seeds" in _power(np.ones((3, 4)))
    assert "no row is known with two seeds" in _power(np.array([[0.5, np.nan], [0.6, np.nan]]))
    assert "as if seeds were not shared" in _power(np.array([[0.5, 0.6], [np.nan, np.nan]]))
    partly = np.array([[0.5, 0.6, np.nan], [0.6, 0.65, np.nan], [np.nan] * 3])
    assert "3 seeds show an effect of" in _power(partly)


def test_seeds_are_paired_and_differ(tiny: dict[str, Any]) -> None:
    found = run_ablation(**tiny, seeds=2, design="leave-one-out", factors=["gate"])
    assert found.design.rows[0].label == "baseline"
    assert (found.scores[:, 0] != found.scores[:, 1]).all()
    for trial in open_run(tiny["out"]).all_trials():
        assert trial.state == "complete"
        assert list(trial.fresh) == [0, 1]  # no replicate has chosen anything


def test_a_width_that_matches_leaves_no_difference_in_cost(tiny: dict[str, Any]) -> None:
    from nas.cost import cost
    from nas.space import load_space

    space = load_space(tiny["space"])
    for name in ("macs", "params"):
        _, design = make_design(space, "osnet_x0_25", "one-at-a-time", ["streams"], name)
        costs = [getattr(cost(row.architecture), name) for row in design.rows]
        assert len(costs) > 1
        assert max(costs) / min(costs) < 1.03
        assert design.matched == name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": 1}, "--seeds: 1"),
        ({"design": "some"}, "--design: 'some' is not one of one-at-a-time"),
        ({"match": "width"}, "--match: 'width' is not macs or params"),
        ({"split": "train"}, "--split: 'train'"),
        ({"workers": 0}, "--workers: 0"),
        ({"factors": ["colour"]}, "colour"),
        ({"space": None, "design": "factorial", "baseline": "osnet_x0_25"}, "give one"),
        ({"space": None}, "--baseline: give a preset"),
        ({"data": "nothing"}, "nothing"),
        ({"budget": "20trials"}, "--budget: trainings are counted by --seeds"),
        ({"budget": "much"}, "--budget: 'much'"),
        ({"overrides": ["early_stop=3"]}, "early_stop is of `train`"),
    ],
)
def test_bad_input_is_one_clear_line_and_writes_nothing(
    tiny: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        run_ablation(**{**tiny, "seeds": 2, **arguments})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not tiny["out"].exists()


def test_what_is_left_out_is_told_before_anything_is_trained(
    tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = Notices()
    said: list[str] = []

    def work(*_: object) -> None:
        said.extend(view.said)
        raise UserError("not now")

    monkeypatch.setattr("nas.ablation.run.Driver.work", work)
    constraint = "constraints:\n  - all(stages[*].streams > 1)\n"
    (tmp_path / "space.yaml").write_text(SPACE + constraint)
    with pytest.raises(UserError, match="not now"):
        run_ablation(**tiny, seeds=2, view=view)
    assert "left out: streams 1: breaks all(stages[*].streams > 1)" in said
