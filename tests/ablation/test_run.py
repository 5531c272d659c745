"""Ablations that really train, on a data set that takes a second."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nas.ablation.run import make_design, run_ablation
from nas.errors import UserError
from nas.search import open_run

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
    first = run_ablation(**tiny, seeds=2)
    other = tiny | {"out": tmp_path / "runs" / "two"}
    crossed = run_ablation(**other, seeds=2, design="factorial", factors=["streams", "gate"])
    assert crossed.effects is not None
    same = {row.label: i for i, row in enumerate(first.design.rows)}
    trials = open_run(other["out"]).all_trials()
    assert [trial.epochs for trial in trials].count(0) == 0
    trained = sum(trial.images > 0 for trial in trials)
    assert trained == len(trials) - len(same)
    np.testing.assert_array_equal(crossed.scores[0], first.scores[0])


def test_seeds_are_paired_and_differ(tiny: dict[str, Any]) -> None:
    found = run_ablation(**tiny, seeds=2, design="leave-one-out", factors=["gate"])
    assert found.design.rows[0].label == "baseline"
    assert (found.scores[:, 0] != found.scores[:, 1]).all()
    for trial in open_run(tiny["out"]).all_trials():
        assert trial.state == "complete"
        assert list(trial.fresh) == [1]


def test_a_width_that_matches_leaves_no_difference_in_cost(tiny: dict[str, Any]) -> None:
    from nas.cost import cost
    from nas.space import load_space

    space = load_space(tiny["space"])
    design = make_design(space, "osnet_x0_25", "one-at-a-time", ["streams"], "macs")
    macs = [cost(row.architecture).macs for row in design.rows]
    assert max(macs) / min(macs) < 1.03


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": 1}, "--seeds: 1"),
        ({"design": "some"}, "--design: 'some' is not one of one-at-a-time"),
        ({"match": "params"}, "--match: 'params' is not macs"),
        ({"split": "train"}, "--split: 'train'"),
        ({"workers": 0}, "--workers: 0"),
        ({"factors": ["colour"]}, "colour"),
        ({"space": None, "design": "factorial", "baseline": "osnet_x0_25"}, "give one"),
        ({"space": None}, "--baseline: give a preset"),
        ({"data": "nothing"}, "nothing"),
        ({"budget": "much"}, "--budget: 'much'"),
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
