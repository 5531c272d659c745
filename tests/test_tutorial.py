"""The tutorial, step by step as it stands, with a small budget and a short recipe."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import BLOCK, ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
SHORT = "name: short\nepochs: 1\nepoch_images: 192\nbatch: 32\nlr: 0.003\nrungs: []\n"
SMALLER = {
    "--budget 5m": "--budget 2trials --workers 1 --recipe short.yaml",
    "--set epochs=40 ": "",
    "--out results/shapes-net": "--out results/shapes-net --recipe short.yaml",
    "python ": f"{sys.executable} ",
    "cli.py ": f"{ROOT / 'cli.py'} ",
}


def said_before(text: str) -> str:
    """The file that a block is to be saved as; empty where it is only to be run."""
    before = PAGE[: PAGE.index(text)]
    paragraph = before.rpartition("```")[0].rstrip().rpartition("\n\n")[2]
    match = re.search(r"`(\S+\.(?:py|yaml))`", paragraph)
    return match[1] if match else ""


def run(command: list[str] | str, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, shell=isinstance(command, str),
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_step_of_the_tutorial_works(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "short.yaml").write_text(SHORT)
    told = []
    for language, text in BLOCK.findall(PAGE):
        name = said_before(text)
        if language != "sh" and name:
            (tmp_path / name).write_text(text)
        elif language == "python":
            told.append(run([sys.executable, "-c", text], tmp_path))
        else:
            for line in text.splitlines():
                for long, short in SMALLER.items():
                    line = line.replace(long, short)
                told.append(run(line, tmp_path))
    assert (tmp_path / "results" / "shapes" / "report.html").stat().st_size > 4e6
    scores = (float(match[1]) for text in told if (match := re.search(r"top1 (\d\.\d+)", text)))
    trained = f"{next(scores):.4f}"
    assert f"{trained} of 600 images are told right\n" in told
    assert trained in told[-1].split()
