"""Whose weights a target means."""

from pathlib import Path

import pytest
import torch

from nas.architecture import preset
from nas.commands import targets
from nas.errors import UserError
from nas.models import Network, build
from nas.models.weights import save_network
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


def test_a_trial_has_the_average_that_its_run_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "_find", lambda _: ARCHITECTURE)
    model, last = build(ARCHITECTURE, 3, seed=5), build(ARCHITECTURE, 3, seed=6)
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / "4-6.pt"
    torch.save({"network": last.state_dict(), "average": model.state_dict(), "epoch": 6}, file)
    found, weights = targets.load(f"{tmp_path}#4", None, 0)
    assert equal(found, model)
    assert weights == str(file)
    with pytest.raises(UserError, match="no weights are kept of trial 3, only of the front: 4"):
        targets.load(f"{tmp_path}#3", None, 0)
    file.write_bytes(b"half")
    with pytest.raises(UserError, match=r"4-6.pt is damaged"):
        targets.load(f"{tmp_path}#4", None, 0)


def test_a_checkpoint_that_says_no_architecture_is_sent_to_import() -> None:
    with pytest.raises(UserError, match="does not say its architecture; `weights import` it first"):
        targets.load("ain.pth", None, 0)


def test_a_trial_is_trained_on_what_its_run_had(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", data="folder:images")
    assert targets.data_of(f"{run}#0") == "folder:images"
    assert targets.data_of("osnet_x0_25") == targets.data_of("osnet-mini@3") == "synthetic"
