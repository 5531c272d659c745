"""Parts that are measured where this toolkit is not: what is written, and the program beside it."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from nas.architecture import lower
from nas.architecture.canonical import part_key
from nas.cost.measure import LEAST_MS, processor
from nas.cost.parts import COLUMNS, read_table, write_parts
from nas.errors import UserError
from nas.models.network import PartNetwork
from nas.report.latency import setting_in_words
from nas.space import load_space, make_space, parts_to_measure

SPACE = make_space(
    "two",
    "osnet_x0_25",
    {"stages[*].streams": "1..2", "stages[*].depth": 1},
    input="32x16",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("device") / "parts"
    write_parts(parts_to_measure(SPACE), found)
    return found


def test_every_part_lies_there_and_the_table_lacks_its_times_alone(folder: Path) -> None:
    with (folder / "parts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {row["part"] for row in rows} == {file.stem for file in folder.glob("*.onnx")}
    assert not any(row["p50_ms"] for row in rows)
    assert [row["about"] for row in rows].count("a call") == 1
    with pytest.raises(UserError, match=r"parts\.csv:2: p50_ms is not a positive number"):
        read_table(folder / "parts.csv")


def test_a_file_computes_what_the_part_computes(folder: Path) -> None:
    part = lower(SPACE.base)[1].part
    network = PartNetwork(part)
    before = torch.random.get_rng_state()
    write_parts([part], folder.parent / "one")
    assert torch.equal(torch.random.get_rng_state(), before)  # the caller's
    assert {file.stem for file in (folder.parent / "one").glob("*.onnx")} >= {part_key(part)}
    opened = onnxruntime.InferenceSession(str(folder.parent / "one" / f"{part_key(part)}.onnx"))
    images = np.random.default_rng(0).standard_normal((2, *part.input)).astype("float32")
    (found,) = opened.run(None, {opened.get_inputs()[0].name: images})
    assert found.shape == tuple(network.embed(torch.from_numpy(images)).shape)
    assert np.isfinite(found).all() and found.std() > 0


def test_another_tool_may_fill_the_times_alone(folder: Path, tmp_path: Path) -> None:
    first, *rows = (folder / "parts.csv").read_text().splitlines()
    filled = [row.replace(",,", ",0.25,", 1) for row in rows]
    (tmp_path / "filled.csv").write_text("\n".join([first, *filled]))
    table = read_table(tmp_path / "filled.csv")
    assert table.latency(SPACE.base) > 0.25
    assert setting_in_words(table.setting) == "onnxruntime, batch 1, float32, nchw"
    known = {"threads": 2, "device": "npu", "machine": "board", "library": "own 1"}
    words = "onnxruntime, 2 threads, batch 1, float32, nchw; npu board, own 1"
    assert setting_in_words({**table.setting, **known}) == words


def test_the_program_measures_it_without_this_toolkit(folder: Path, tmp_path: Path) -> None:
    text = (folder / "measure.py").read_text()
    assert "import nas" not in text and "from nas" not in text
    asked = [sys.executable, "-I", str(folder / "measure.py"), "--seconds", "0", "--threads", "1"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "round 5 of 5: device.csv"
    table = read_table(tmp_path / "device.csv")
    assert all(table.has(SPACE.architecture(own)) for own in SPACE.enumerate())
    assert min(table.p50_ms.values()) >= LEAST_MS
    assert table.setting["backend"] == "onnxruntime" and table.setting["machine"] == processor()
    known = load_space(SPACE, latency_table=tmp_path / "device.csv")
    assert "latency_ms" in known.cost_range()
    assert not list(tmp_path.glob("*.part"))


def test_the_program_says_in_one_line_what_is_wrong_before_it_measures(
    folder: Path, tmp_path: Path
) -> None:
    torn = tmp_path / "torn"
    torn.mkdir()
    shutil.copy(folder / "measure.py", torn)

    def said(where: Path, *options: str) -> str:
        asked = [sys.executable, "-I", str(where / "measure.py"), "--seconds", "0", *options]
        done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1 and not done.stdout
        return line

    assert "--provider: None is not one of" in said(folder, "--provider", "None")
    assert said(folder, "--threads", "-1") == "--threads: -1 is below 0"
    assert said(folder, "--out", "no/device.csv").startswith("--out: no/device.csv is in no folder")
    assert said(torn).endswith("there is no parts.csv; copy the whole folder")
    shutil.copy(folder / "parts.csv", torn)
    assert "parts are missing, as " in said(torn)
