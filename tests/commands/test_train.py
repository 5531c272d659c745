"""`train` as a user meets it: killed, interrupted, mistaken."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from nas.architecture import Architecture, Size, Stage, to_json
from nas.commands.app import app
from nas.errors import UserError
from nas.models.weights import read_checkpoint

ROOT = Path(__file__).parents[2]
TINY = Architecture((Stage(8, 1), Stage(8, 1)), Size(16, 8), stem="conv3", stem_channels=4)
RECIPE = "name: tiny\nextends: standard\nepochs: 6\nbatch: 16\nprecision: float32\n"
ARGUMENTS = ["net.json", "--data", "synthetic:ids=24,size=16x8", "--recipe", "tiny.yaml"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), "train", *arguments]


def cli(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def stopped(folder: Path, how: int, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command that is sent a signal once a step is saved."""
    file = folder / arguments[-1] / "checkpoint.pt"
    before = file.stat().st_mtime_ns if file.exists() else 0
    process = subprocess.Popen(
        command(*arguments, "--checkpoint-minutes", "0"),
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # as a shell
    )  # fmt: skip
    try:
        limit = time.monotonic() + 60
        while not file.exists() or file.stat().st_mtime_ns == before:
            assert time.monotonic() < limit and process.poll() is None
            time.sleep(0.01)
        process.send_signal(how)
        error = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    return process.returncode, error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.json").write_text(to_json(TINY))
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    return tmp_path


def test_scores_on_the_way_are_told(folder: Path) -> None:
    done = cli(folder, *ARGUMENTS, "--set", "epochs=2", "--eval-every", "2", "--out", "run")
    assert done.returncode == 0, done.stderr
    first, last = (line for line in done.stderr.splitlines() if line.startswith("epoch "))
    assert "score" not in first
    assert re.search(r"images/s  test score 0\.\d{4}  \d+s left$", last)


def test_killed_and_interrupted_it_goes_on_to_the_same_bits(folder: Path) -> None:
    arguments = [*ARGUMENTS, "--out", "run"]
    assert stopped(folder, signal.SIGKILL, *arguments)[0] == -signal.SIGKILL
    code, error = stopped(folder, signal.SIGINT, *arguments)
    assert code == 130
    assert "resuming run at epoch" in error
    assert "interrupted: run is saved; the same command goes on" in error
    assert "Traceback" not in error
    resumed = cli(folder, *arguments)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming run at epoch" in resumed.stderr
    assert "6 epochs; metrics in run/metrics.csv" in resumed.stdout
    assert "network  run/last.safetensors" in resumed.stdout
    whole = cli(folder, *ARGUMENTS, "--out", "whole")
    assert "epoch 6/6  loss " in whole.stderr
    one, other = (read_checkpoint(folder / n / "last.safetensors") for n in ("run", "whole"))
    assert all(torch.equal(one[name], other[name]) for name in {**one, **other})


def test_a_diverging_training_is_one_line_and_exit_code_1(folder: Path) -> None:
    wild = ["--set", "optimizer=sgd", "--set", "lr=1e12", "--out", "run"]
    done = cli(folder, *ARGUMENTS, *wild)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: the loss is")
    assert "what was saved before is kept in run" in last


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "'nothing' is not a preset"),
        (["net.json", "--recipe", "slow"], "no recipe 'slow': neither a file nor one of"),
        (["net.json", "--set", "bogus=1"], "--set bogus=1: not KEY=VALUE with a KEY of name"),
        (["net.json", "--set", "epochs=0"], "--set epochs=0: Input should be greater than"),
        (["net.json", "--data", "market"], "'market' is not a data set; valid are"),
        (["net.json", "--eval", "market"], "'market' is not a data set; valid are"),
        (["net.json", "--device", "tpu9"], "--device: 'tpu9' can not be used here"),
        (["net.json", "--init", "none.pth"], "--init: none.pth: No such file"),
        (["net.json", "--init", "net.json"], "net.json: not a file of tensors"),
        (["net.json", "--input", "big"], "--input: 'big' is not a size"),
        (["net.json", "--out", "net.json"], "--out: net.json is a file, not a directory"),
        (
            ["net.json", "--set", "loss=triplet"],
            "recipe standard with --set: loss triplet needs sampler identity",
        ),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_made(
    folder: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    data = [] if "--data" in arguments else ["--data", "synthetic:ids=24,size=16x8"]
    with pytest.raises(UserError) as error:
        app(["train", *arguments, *data], standalone_mode=False)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not [path for path in folder.glob("results/*") if path.suffix != ".lock"]
