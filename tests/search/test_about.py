"""What is told of a run and of a trial."""

import json
from pathlib import Path

import pytest

from nas.architecture import from_document
from nas.errors import UserError
from nas.models import build
from nas.models.weights import save_network
from nas.program import program
from nas.report.run import run_fields
from nas.search import open_run
from nas.search.about import audit_command, describe_run, describe_trial
from nas.search.budget import Budget
from nas.search.overview import overview
from nas.search.session import note_session
from nas.training import load_recipe
from tests.made_up_runs import RECIPE, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "a", fresh={0: (0.28, 0.30), 1: (0.45, 0.49)})


def test_where_trials_stopped_adds_up(run: Path) -> None:
    found = describe_run(run)
    assert found["rungs"] == [
        {"epoch": 1, "scored": 5, "stand": 1},
        {"epoch": 3, "scored": 4, "stand": 1},
        {"epoch": 9, "scored": 3, "stand": 3},
    ]
    assert found["trials"] == {"complete": 3, "stopped": 2, "failed": 1}


def test_what_was_asked_and_what_is_left_is_told(run: Path) -> None:
    found = describe_run(run)
    assert found["asked"]["recipe"]["name"] == RECIPE.name
    assert (found["budget"], found["left"]) == ({"kind": "time", "amount": 300.0}, 60.0)
    assert {"torch", "python"} <= set(found["versions"])
    assert found["machine"]["cores"]


def test_the_front_is_that_of_the_run_cheapest_first(run: Path) -> None:
    rows = describe_run(run)["front"]
    assert [row["trial"] for row in rows] == [0, 1]
    assert rows[1]["confirmed"]["mean"] == pytest.approx(0.47)
    macs = [row["costs"]["macs"] for row in rows]
    assert macs == sorted(macs)


def test_a_trial_has_its_scores_of_every_rung_and_seed(run: Path) -> None:
    found = describe_trial(run, 1)
    assert {epoch: own["mAP"] for epoch, own in found["rungs"].items()} == {
        1: 0.15, 3: 0.25, 9: 0.50,
    }  # fmt: skip
    assert found["confirmed"] == describe_run(run)["front"][1]["confirmed"]
    assert {seed: own["score"] for seed, own in found["fresh"].items()} == {1: 0.45, 2: 0.49}
    assert found["seconds"] == pytest.approx(2.0 * 27 + 0.5 * 5)
    assert from_document(found["architecture"]) == open_run(run).trial(1).architecture
    assert found["commands"]["train"] == f"python cli.py train {run}#1"
    assert "export_as_it_is" not in found["commands"]


def test_the_weights_that_are_kept_can_be_exported(run: Path) -> None:
    kept = run / "checkpoints" / "3-9.pt"
    kept.write_bytes(b"")
    try:
        assert f"export {run}#3 --out" in describe_trial(run, 3)["commands"]["export_as_it_is"]
    finally:
        kept.unlink()


def test_a_failed_trial_says_why(run: Path) -> None:
    found = describe_trial(run, 5)
    assert (found["state"], found["reason"]) == ("failed", "the loss is nan at step 3")
    assert found["rungs"] == {}


def test_other_data_and_names_that_a_shell_splits_stay_whole(tmp_path: Path) -> None:
    path = make_run(tmp_path / "my run", data="folder:my images")
    line = describe_trial(path, 0)["commands"]["train"]
    assert line == f"python cli.py train '{path}#0' --data 'folder:my images'"


def test_a_run_whose_name_begins_with_a_dash_is_not_printed_as_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path / "-mine")
    monkeypatch.chdir(tmp_path)
    assert describe_trial("-mine", 0)["commands"]["train"] == "python cli.py train ./-mine#0"
    (tmp_path / "-mine" / "space.yaml").touch()
    assert "audit ./-mine/space.yaml" in audit_command(open_run("-mine"))


def test_a_network_begins_with_the_weights_that_trials_began_with(tmp_path: Path) -> None:
    weights = tmp_path / "net.safetensors"
    save_network(build("osnet_x0_25"), weights)
    recipe = load_recipe("quick-reid", [f"weights={weights}"]).model_dump()
    path = make_run(tmp_path / "run", recipe=recipe)
    commands = describe_trial(path, 0)["commands"]
    assert commands["train"] == f"python cli.py train {path}#0 --set weights={weights}"
    plain = describe_trial(make_run(tmp_path / "plain" / "run"), 0)["commands"]["export"]
    assert commands["export"].split()[3] != plain.split()[3]  # another directory
    weights.unlink()
    assert list(describe_trial(path, 0)["commands"]) == ["train"]


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("/venv/bin/osnet-nas", "osnet-nas"), ("C:/osnet-nas.exe", "osnet-nas"),
        ("cli.py", "python cli.py"), ("../my code/cli.py", "python '../my code/cli.py'"),
        ("-c", "python cli.py"), ("/lib/ipykernel_launcher.py", "python cli.py"),
    ],
)  # fmt: skip
def test_commands_are_of_the_program_that_was_called(
    monkeypatch: pytest.MonkeyPatch, called: str, expected: str
) -> None:
    monkeypatch.setattr("sys.argv", [called, "best"])
    assert program() == expected


def test_from_python_without_the_project_commands_are_of_the_console_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wheel has no cli.py."""
    monkeypatch.setattr("sys.argv", ["/lib/ipykernel_launcher.py"])
    monkeypatch.setattr("nas.program.PROJECT", tmp_path)
    assert program() == "osnet-nas"


def test_the_network_is_where_the_printed_command_leaves_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nas.commands.app import app

    commands = describe_trial(run, 0)["commands"]

    def stop(path: Path, noun: str) -> None:
        raise UserError(f"here: {path}")

    monkeypatch.setattr("nas.training.full.locked", stop)
    with pytest.raises(UserError) as error:
        app(commands["train"].split()[2:], standalone_mode=False)
    assert f"export {str(error.value)[6:]}/" in commands["export"]


def test_the_first_command_and_the_last_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["cli.py", "search", "x"])
    own = make_run(tmp_path / "run")
    assert not dict(run_fields(describe_run(own), overview(own)))["and last"]
    monkeypatch.setattr("sys.argv", ["cli.py", "search", "x", "--budget", "9m"])
    note_session(own, Budget("time", 540.0), 2, 1, ended=True)
    fields = dict(run_fields(describe_run(own), overview(own)))
    assert (fields["command"], fields["and last"]) == (
        "cli.py search x",
        "cli.py search x --budget 9m",
    )


def test_a_training_is_told_by_its_own_file(tmp_path: Path) -> None:
    asked = {"key": "k" * 16, "data": "synthetic", "recipe": RECIPE.model_dump(), "seed": 0}
    (tmp_path / "train.json").write_text(json.dumps({"asked": asked, "command": "x"}))
    (tmp_path / "scores.json").write_text('{"synthetic": {"mAP": 0.6, "score": 0.6}}')
    (tmp_path / "last.safetensors").write_bytes(b"")
    found = describe_run(tmp_path)
    assert found["scores"] == {"synthetic": {"mAP": 0.6, "score": 0.6}}
    assert found["networks"] == [str(tmp_path / "last.safetensors")]


def test_what_is_not_there_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no trial 17; its trials are 0 to 5"):
        describe_trial(run, 17)
    with pytest.raises(UserError, match="is not a run"):
        describe_run(tmp_path)
