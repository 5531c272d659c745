"""Audits of a table, of a space that is really trained for it, and of what that left behind."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nas.architecture import key
from nas.audit.plan import spread_trials
from nas.audit.run import _of_run, default_rungs, run_audit
from nas.errors import UserError
from nas.report.audit import importance_words
from nas.search import open_run
from nas.space import load_space
from nas.training import load_recipe
from tests.audit.made_up import table
from tests.made_up_runs import make_run

pytestmark = pytest.mark.usefixtures("inline")
SPACE = """\
space: tiny
base: osnet_x0_25
input: 32x16
parameters:
  stem.kind: conv3
  width: [0.0625, 0.125]
  stages[*].streams: 1..4
  stages[*].gate: [none, unified]
  stages[*].depth: 1
"""
RECIPE = "name: tiny\nepochs: 2\nbatch: 16\nlr: 0.01\n"


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return {
        "target": tmp_path / "space.yaml",
        "recipe": str(tmp_path / "recipe.yaml"),
        "data": "synthetic:ids=16,size=32x16",
        "out": tmp_path / "audit",
        "architectures": 8,
        "workers": 1,
    }


def test_a_space_is_trained_once_and_its_directory_can_be_audited_again(
    tiny: dict[str, Any],
) -> None:
    with pytest.raises(UserError, match=r"4 of 8 architectures are complete, .* --budget goes on"):
        run_audit(**tiny, budget="18epochs")
    found = run_audit(**tiny)
    trials = open_run(tiny["out"]).all_trials()
    assert sum(trial.epochs for trial in trials) == 8 * 2 * 2
    assert all(sorted(t.rungs) == [1, 2] and list(t.fresh) == [1] for t in trials)
    assert "8 architectures, 2 seeds" in found.title
    assert found.found.names == (
        "epoch 1", "synflow", "naswot", "gradient norm", "params", "macs",
    )  # fmt: skip
    again = run_audit(tiny["out"])
    pd.testing.assert_frame_equal(again.ranking(), found.ranking())
    pd.testing.assert_frame_equal(again.importance(), found.importance())
    assert again.caveats == ()


def test_what_breaks_a_constraint_is_not_trained(tiny: dict[str, Any]) -> None:
    limits = ["stages[0].streams >= 3"]
    assert {
        row.point["stages[*].streams"] for row in spread_trials(load_space(tiny["target"]), 8, 0)
    } > {3, 4}
    with pytest.raises(UserError, match=r"2 of 8 architectures are complete"):
        run_audit(**tiny, constraints=limits, budget="8epochs")
    run = open_run(tiny["out"])
    assert {trial.point["stages[*].streams"] for trial in run.all_trials()} <= {3, 4}
    assert run.asked["constraints"] == limits
    assert run.asked["space_hash"] == load_space(tiny["target"], constraints=limits).hash()
    with pytest.raises(UserError, match="constraints"):
        run_audit(**tiny)  # that is another audit


def test_what_a_search_has_confirmed_was_chosen_and_what_an_audit_has_was_not(
    tmp_path: Path,
) -> None:
    for name, asked, chosen in (("a", {}, True), ("b", {"audit": {}}, False)):
        run = open_run(make_run(tmp_path / name, **asked))
        assert _of_run(run, run.all_trials()).evidence.chosen == chosen


def test_of_a_table_every_seed_is_judged_by_the_others(tmp_path: Path) -> None:
    found = run_audit(table(), zero_cost=False, out=tmp_path / "audit")
    own = found.found.evidence
    assert own.choices == (0, 1, 2)
    assert own.epochs == tuple(range(1, 10))
    assert [key(a) for a in own.architectures] == list(table().keys)
    full = table().scores[:, :, -1]
    apart = own.truth[:, 1] - (full[:, 0] + full[:, 2]) / 2
    np.testing.assert_allclose(apart, apart[0])  # the level of a replicate, for all alike
    tau = found.found.within.tau.estimate
    assert tau[0] < tau[7] <= found.found.within.ceiling.estimate + 0.1
    assert found.found.over_all.tau.estimate[-1] > found.found.within.tau.estimate[-1]
    importance = found.found.importance
    assert importance["over all"].names[0] == "width"
    assert importance["within bands"].names[0] == "stages[*].gate"
    words = importance_words(found.importance())
    assert words["parameter"].tolist()[0] == "gate" and words["parameter"].tolist()[-1] == "chance"
    assert words["above chance"].tolist()[0] == "yes" and words["above chance"].tolist()[-1] == ""


def test_more_rungs_come_from_the_recipe_or_in_threes() -> None:
    assert default_rungs(load_recipe("quick", ["rungs=[2, 4]"])) == (2, 4)
    assert default_rungs(load_recipe("quick", ["epochs=9", "rungs=[]"])) == (1, 3)
    assert default_rungs(load_recipe("quick", ["epochs=1", "rungs=[]"])) == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architectures": 7}, "--architectures: 7; 8 at least can be ranked"),
        ({"seeds": 1}, "--seeds: 1; the seeds that rank and that judge have to differ"),
        ({"rungs": "2"}, "--rungs: '2'"),
        ({"rungs": ""}, "--rungs: no rung is below the recipe's 2 epochs"),
        ({"budget": "8trials"}, "--budget: trials are counted by --architectures"),
        ({"cost": "latency_ms"}, "--cost: 'latency_ms' is not one of macs, params"),
        ({"bands": 0}, "--bands: 0"),
        ({"bands": 2.5}, "--bands: 2.5 is not a whole number from 1"),
        ({"workers": 0}, "--workers: 0"),
        ({"target": "nothing"}, "no space 'nothing'"),
        ({"data": "nothing"}, "nothing"),
        ({"overrides": ["schedule=onecycle", "warmup_steps=0"]}, "onecycle"),
    ],
)
def test_bad_input_is_one_clear_line_and_writes_nothing(
    tiny: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        run_audit(**{**tiny, **arguments})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not tiny["out"].exists()


def test_what_asks_for_training_is_refused_where_nothing_is_trained() -> None:
    with pytest.raises(UserError, match="--seeds is for the audit of a space"):
        run_audit(table(), seeds=3)
    with pytest.raises(UserError, match="--budget is for the audit of a space"):
        run_audit(table(), budget="1h")
    with pytest.raises(UserError, match="--constraint is for the audit of a space"):
        run_audit(table(), constraints="macs <= 5M")
