"""evaluate, embed and rank as a user meets them, in this process."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas import evaluate
from nas.architecture import Architecture, Size, Stage
from nas.commands import main
from nas.commands.targets import data_to_score
from nas.data import Dataset, Images, load_dataset
from nas.models import build
from nas.models.weights import save_network
from tests.made_up_runs import make_run

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)
DATA = "synthetic:ids=10,size=32x16"
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs the command line: (exit code, standard output, standard error)."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cli.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        found = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, found.out, found.err

    return run


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    save_network(build(TINY, 3, seed=1), path)
    return path


def classes(count: int) -> Dataset:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (12, 32, 16, 3), dtype=np.uint8)
    images = Images(pixels, np.arange(12, dtype=np.int64) % count)
    return Dataset("x", "classification", images, test=images)


def test_a_file_without_the_classes_of_its_network_is_said_to_be(cli: Cli, tmp_path: Path) -> None:
    network = build(TINY, 3, seed=1)
    for task, told in (("reid", False), ("classification", True)):
        network.task, path = task, tmp_path / f"{task}.safetensors"
        save_network(network, path)
        code, shown, _ = cli("export", path, "--out", tmp_path / "net.pt")
        assert code == 0 and ("--logits adds the 3 classes" in shown) == told
        assert "--logits adds" not in cli("export", path, "--out", tmp_path / "x.safetensors")[1]
        assert "--logits adds" not in cli("export", path, "--out", tmp_path / "l.pt", "--logits")[1]


def test_evaluate_prints_what_the_function_returns_a_row_a_data_set(
    cli: Cli, checkpoint: Path
) -> None:
    other = DATA + ",seed=2"
    code, shown, _ = cli("evaluate", checkpoint, "--data", DATA, "--data", other)
    assert code == 0
    header, *rows = shown.splitlines()
    assert header.split() == [
        "data", "query", "gallery", "mAP", "mINP", "rank1", "rank5", "rank10",
    ]  # fmt: skip
    for spec, row in zip((DATA, other), rows, strict=True):
        found = evaluate(checkpoint, spec)
        scores = [f"{value:.4f}" for value in found["scores"].values()]
        assert row.split() == [spec, *map(str, found["images"].values()), *scores]


def test_a_trial_is_scored_on_the_data_of_its_run(
    cli: Cli, checkpoint: Path, tmp_path: Path
) -> None:
    trial = f"{make_run(tmp_path / 'run', data=DATA)}#0"
    assert data_to_score(trial, None) == DATA
    assert data_to_score(trial, "market1501:there") == "market1501:there"
    assert data_to_score(trial, "") == ""  # which is refused as no data set
    for verb in ("evaluate", "rank", "activations"):
        code, _, told = cli(verb, checkpoint)
        assert code == 2 and f"--data: give a data set for {checkpoint}, such as" in told
        code, _, told = cli(verb, trial)
        assert code == 2 and "no weights are kept of trial 0" in told
        code, _, told = cli(verb, "osnet_x1_0")
        assert code == 2 and "'osnet_x1_0' is not a trained network" in told


def test_evaluate_by_distance_with_flip_as_json(cli: Cli, checkpoint: Path) -> None:
    options = ("--metric", "euclidean", "--flip", "--json")
    code, shown, _ = cli("evaluate", checkpoint, "--data", DATA, *options)
    found = json.loads(shown)
    assert (code, found["metric"], found["flip"]) == (0, "euclidean", True)
    assert found["results"] == [evaluate(checkpoint, DATA, metric="euclidean", flip=True)]
    assert found["results"] != [evaluate(checkpoint, DATA, metric="euclidean")]


@pytest.mark.parametrize("suffix", [".onnx", ".pt"])
def test_what_export_wrote_is_taken_in_place_of_the_checkpoint(
    cli: Cli, checkpoint: Path, tmp_path: Path, suffix: str
) -> None:
    pytest.importorskip("onnxruntime")
    file = checkpoint.with_suffix(suffix)
    assert cli("export", checkpoint, "--out", file)[0] == 0
    tables = [cli("evaluate", source, "--data", DATA)[:2] for source in (checkpoint, file)]
    assert tables[0] == tables[1]
    assert cli("rank", file, "--data", DATA, "--out", tmp_path / "r.png", "--queries", 1)[0] == 0
    code, _, told = cli("export", file, "--out", tmp_path / "again.onnx")
    assert (code, len(told.splitlines())) == (2, 1)


def test_each_task_has_its_columns_and_other_classes_are_refused(
    cli: Cli, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {DATA: load_dataset(DATA), "fashion-mnist": classes(3)}
    monkeypatch.setattr("nas.data.check_spec", lambda spec: None)
    monkeypatch.setattr("nas.training.evaluation.check_spec", lambda spec: None)
    monkeypatch.setattr("nas.training.evaluation.load_dataset", lambda spec, size, **_: sets[spec])
    both = ("evaluate", checkpoint, "--data", DATA, "--data", "fashion-mnist")
    headers = [line.split() for line in cli(*both)[1].splitlines()[::2]]
    assert headers[1] == ["data", "test", "top1", "top5", "nll", "ece"]
    sets["fashion-mnist"] = classes(4)
    code, shown, told = cli(*both)
    assert (code, shown) == (2, "")
    assert told == "error: fashion-mnist: it has 4 classes, and the network's classifier 3\n"
    save_network(build(TINY), checkpoint)
    assert "the network has no classifier" in cli(*both)[2]


def test_embed_writes_the_file_and_tells_what_it_left_out(
    cli: Cli, checkpoint: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "images", tmp_path / "x.npz"
    folder.mkdir()
    Image.new("RGB", (16, 32), "red").save(folder / "a.png")
    (folder / "b.png").write_bytes(b"")
    code, _, told = cli("embed", checkpoint, folder, "--out", out)
    assert (code, len(told.splitlines())) == (2, 1)
    assert "b.png: empty file; --skip-damaged leaves out such files" in told
    code, shown, told = cli("embed", checkpoint, folder, "--out", out, "--skip-damaged")
    assert code == 0
    assert shown.endswith("x.npz: 1 images, 1 left out, 512 values each\n")
    assert told.endswith("b.png: empty file\n")
    assert np.load(out)["name"].tolist() == ["a.png"]


def test_rank_writes_the_picture(cli: Cli, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "ranking.png"
    code, shown, _ = cli("rank", checkpoint, "--data", DATA, "--out", out, "--queries", 2)
    assert code == 0
    assert "2 queries, mean AP of these 0." in shown
    assert Image.open(out).format == "PNG"
    assert cli("rank", checkpoint, "--data", DATA, "--out", out, "--queries", 0)[0] == 2
