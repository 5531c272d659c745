"""Whose weights a target means."""

from pathlib import Path

import pytest
import torch

from nas.architecture import preset, to_json
from nas.commands import targets
from nas.errors import UserError
from nas.models import Network, build
from nas.models.weights import save_network
from nas.search import open_run
from tests.made_up_runs import make_run
from tests.models.test_onnx import ARCHITECTURES

ARCHITECTURE = ARCHITECTURES["one stream"]


def equal(one: Network, other: Network) -> bool:
    state = other.state_dict()
    found = one.state_dict()
    return set(found) == set(state) and all(torch.equal(found[n], state[n]) for n in state)


def test_a_checkpoint_keeps_its_weights_at_another_input_size(tmp_path: Path) -> None:
    model, file = build(ARCHITECTURE, 3, seed=5), tmp_path / "model.safetensors"
    save_network(model, file)
    found, weights = targets.load(str(file), "32x32", 0)
    assert equal(found, model)
    assert (str(found.input_size), weights) == ("32x32", str(file))
    assert str(found.architecture.input) == "32x32"


def test_a_name_is_initialised_by_the_seed_and_that_is_said() -> None:
    found, weights = targets.load("osnet_x0_25", None, 7)
    assert equal(found, build(preset("osnet_x0_25"), seed=7))
    assert weights == "initialised by seed 7, not trained"
    assert not found.training


def test_a_trial_has_the_average_that_its_run_kept(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run"))
    architecture, file = run.trial(4).architecture, run.path / "checkpoints" / "4-6.pt"
    model, last = build(architecture, 3, seed=5), build(architecture, 3, seed=6)
    torch.save({"network": last.state_dict(), "average": model.state_dict(), "epoch": 6}, file)
    found, weights = targets.load(f"{run.path}#4", None, 0)
    assert equal(found, model)
    assert (found.classes, weights) == ((), str(file))
    saved = {"average": model.state_dict(), "classes": ["bag", "boot", "shirt"]}
    torch.save(saved, file)
    resized = targets.load(f"{run.path}#4", "32x32", 0)[0]
    assert (resized.classes, str(resized.input_size)) == (("bag", "boot", "shirt"), "32x32")
    with pytest.raises(UserError, match=r"of trial 3, only .* by its search score: 4; `train` it"):
        targets.load(f"{run.path}#3", None, 0)
    file.write_bytes(b"half")
    with pytest.raises(UserError, match=r"4-6.pt is damaged"):
        targets.load(f"{run.path}#4", None, 0)


def test_files_come_before_what_their_names_could_mean(tmp_path: Path) -> None:
    """Of an architecture or a checkpoint, with the signs of a sample and of a trial in its path."""
    folder = tmp_path / "me@home#2"
    folder.mkdir()
    (folder / "own.json").write_text(to_json(ARCHITECTURE))
    save_network(build(ARCHITECTURE, 3), folder / "own.safetensors")
    for name in ("own.json", "own.safetensors"):
        assert targets.resolve(str(folder / name)) == ARCHITECTURE
    assert targets.data_of(str(folder / "own.json")) is None


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("osnet_x025", "did you mean osnet_x0_25"),
        ("missing.json", "there is no file missing.json"),
        ("/", "/ is a folder; a trial of a run is /#NUMBER"),
    ],
)
def test_what_is_meant_is_guessed(target: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        targets.resolve(target)


def test_only_what_was_trained_is_taken_where_scores_are_asked_for(tmp_path: Path) -> None:
    save_network(build(ARCHITECTURE, 3, seed=5), tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"is a folder; there is .*a\.safetensors"):
        targets.resolve(str(tmp_path))
    found = targets.load_trained(str(tmp_path / "a.safetensors"))
    assert equal(found, build(ARCHITECTURE, 3, seed=5))
    with pytest.raises(UserError, match="'osnet_x0_25' is not a trained network"):
        targets.load_trained("osnet_x0_25")
    with pytest.raises(UserError, match="`weights import` it first"):
        targets.load_trained("osnet.pth")


def test_a_checkpoint_that_says_no_architecture_is_sent_to_import(tmp_path: Path) -> None:
    for name in ("model.pth.tar-50", "net.pt"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(UserError, match=rf"{name}: such a checkpoint .*`weights import` it"):
            targets.resolve(str(tmp_path / name))
    (tmp_path / "net.onnx").write_bytes(b"")
    with pytest.raises(UserError, match="an ONNX file can be scored, but is no architecture"):
        targets.resolve(str(tmp_path / "net.onnx"))
    (tmp_path / "ain.pth").write_bytes(b"")
    with pytest.raises(UserError, match="does not say its architecture; `weights import` it first"):
        targets.load(str(tmp_path / "ain.pth"), None, 0)


def test_a_trial_is_trained_on_what_its_run_had(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", data="folder:images")
    assert targets.data_of(f"{run}#0") == "folder:images"
    assert targets.data_of("osnet_x0_25") is targets.data_of("osnet-mini@3") is None
