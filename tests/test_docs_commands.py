"""Every command of README and docs is run, the long ones on little data and with a small budget."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nas.commands.app import app
from nas.cost.parts import write_table
from nas.search.workers import LocalWorkers
from nas.space import load_space
from tests.data.trees import MARKET, make
from tests.inline import Inline
from tests.space.test_device import device
from tests.test_docs import BLOCK, PAGES, ROOT, spaces

pytestmark = pytest.mark.xdist_group("commands")  # their workplace takes long to make
WORKERS = "nas.search.driver.LocalWorkers"
TINY = "synthetic:ids=12,size=32x16"
RECIPE = (
    "name: tiny\nepochs: 2\nepoch_images: 16\nbatch: 8\nlr: 0.003\nrungs: [1]\nvalidation: 0.33\n"
)
SMALL_SPACE = (
    "space: small\nbase: osnet_x0_25\ninput: 32x16\nbaseline: []\nparameters:\n"
    "  stages[*].streams: 1..2\n  stages[*].depth: 1\n"
)
SIZES = {
    "osnet-mini": "32x16",
    "osnet-ain": "64x32",
    "osnet-paper": "64x32",
    "osnet-stages": "64x32",
}
SPACES: dict[str, str | None] = {name: f"{name}.yaml" for name in SIZES}
"""Shipped spaces, and the same at a small input."""
COUNTED = "--confirm 0 --recipe tiny.yaml --workers 1"
TRAINED = {"--data": TINY, "--recipe": "tiny.yaml", "--workers": "1"}
SMALLER: dict[str, dict[str, str | None]] = {
    "search": {
        **SPACES,
        **TRAINED,
        "--budget": "1trials",
        "--out": "results/search-{line}",
        "--executor": None,
        "--gpus-per-job": None,
    },
    "train": {
        "--data": TINY,
        "--recipe": "tiny.yaml",
        "--eval": f"{TINY},seed=2",
        "--set": None,
        "--init": None,
        "--input": "32x16",
        "--out": "results/train-{line}",
    },
    "ablate": {**SPACES, **TRAINED, "--seeds": "2", "64x32": "32x16"},
    "audit": {**SPACES, **TRAINED, "--architectures": "8", "--seeds": "2"},
    "evaluate": {"--data": TINY},
    "rank": {"--data": TINY},
    "activations": {"--data": TINY},
    "data": {"synthetic": TINY},
    "latency": {"osnet-mini": "small.yaml"},
    "profile": {"osnet-mini": "small.yaml"},
}
"""Options of a verb, and what they are here (None: left out); and words that are replaced."""
BY_TABLE = "tests/search/test_by_table.py"
ELSEWHERE = {
    "search osnet-mini --objectives score,latency_ms --latency-table": BY_TABLE,
    "search osnet-mini --latency-table": BY_TABLE,
    "best results/osnet-mini-synthetic-s0 --latency-table": "tests/search/test_choose.py",
    "audit osnet-mini --constraint": "tests/audit/test_audit_run.py",
    "dashboard": "tests/search/test_dashboard.py",
    "audit benchmarks/tabular": "takes a minute; its table is read in tests/audit/test_shipped.py",
    "audit results/audit-osnet-mini-synthetic-s0": "so few short trainings rank nothing",
}
"""Commands that are run by other tests, or can not be here, and why."""
FOUND = ("data check market1501:PATH",)
"""What ends with exit code 1: the small set lacks images of the public one."""


def commands() -> list[str]:
    """Lines that begin with `python`, without their comments, but those of the tutorial."""
    pages = [page for page in PAGES if page.name != "tutorial.md"]
    texts = [
        text for p in pages for kind, text in BLOCK.findall(p.read_text("utf-8")) if kind == "sh"
    ]
    lines = (re.split(r"\s#\s", line)[0].strip() for text in texts for line in text.splitlines())
    found = (line.removeprefix("OMP_NUM_THREADS=1 ") for line in lines)
    return sorted({line for line in found if line.startswith("python ")})


def cli(line: str) -> None:
    """In this process, which has torch already; what is bad input raises."""
    assert (app(shlex.split(line), standalone_mode=False) or 0) == (line in FOUND)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with everything that the documents name. Jobs are done in this process, and what is
    measured is measured for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WORKERS, Inline)
        patch.setattr("nas.cost.latency.ROUND_SECONDS", 0.01)
        yield from _made(tmp_path_factory)


def _made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("workplace")
    for name in ("examples", "benchmarks"):
        (place / name).symlink_to(ROOT / name)
    (place / "results").mkdir()
    (place / "results" / "paper-ablation").symlink_to(ROOT / "results" / "paper-ablation")
    (place / "tiny.yaml").write_text(RECIPE)
    (place / "small.yaml").write_text(SMALL_SPACE)
    for name, size in SIZES.items():
        text = f"space: {name}\nextends: {name}\ninput: {size}\n"
        (place / f"{name}.yaml").write_text(text)
    (place / "my_space.yaml").write_text(spaces()["mine"])
    make(place / "PATH", MARKET)
    make(place / "FOLDER", {".": ["one.png", "two.png"]})
    before, cache = Path.cwd(), os.environ.get("OSNET_NAS_CACHE")
    os.chdir(place)
    os.environ["OSNET_NAS_CACHE"] = str(place / "cache")
    try:
        for seed, count in ((0, 4), (1, 1)):
            asked = f"--budget {count}trials --data {TINY} --seed {seed} {COUNTED}"
            cli(f"search osnet-mini.yaml {asked} --out results/osnet-mini-synthetic-s{seed}")
        cli(f"train small.yaml@0 --data {TINY} --recipe tiny.yaml --out results/net")
        Path("net.safetensors").symlink_to("results/net/last.safetensors")
        for suffix in ("pth", "safetensors"):
            cli(f"export osnet_ain_x1_0 --input 64x32 --out ain.{suffix}")
        cli("export osnet_ain_x1_0 --input 32x16 --out ain.onnx")
        write_table(device(load_space("small.yaml")), Path("device.csv"))
        people = np.arange(24).reshape(6, 4)  # four images each, two by each camera
        np.savez(
            "people.npz", pixels=np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), np.uint8),
            person=people.ravel() // 4, camera=people.ravel() % 2, train=people.ravel() < 12,
        )  # fmt: skip
    finally:
        os.chdir(before)
    yield place
    os.environ.pop("OSNET_NAS_CACHE")
    if cache is not None:
        os.environ["OSNET_NAS_CACHE"] = cache


def shortened(line: str, number: int) -> str:
    """The command on little data, with a small budget, for a place of its own."""
    words = shlex.split(line)[2:]
    changes = SMALLER.get(words[0], {})
    options = {name: value for name, value in changes.items() if name.startswith("--")}
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word not in options:
            kept.append(changes.get(word) or word)
        skip = word in options
    for name, value in options.items():
        if value is not None:
            kept += [name, value.format(line=number)]
    return shlex.join(kept)


@pytest.mark.parametrize(("number", "line"), list(enumerate(commands())))
def test_the_command_runs(
    number: int, line: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    own = line.removeprefix("python cli.py ")
    if own == line:  # a benchmark: its options are there
        done = subprocess.run(
            [sys.executable, *shlex.split(line)[1:2], "--help"], capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
        )  # fmt: skip
        options = re.findall(r"--[\w-]+", line)
        assert done.returncode == 0 and all(option in done.stdout for option in options)
    elif any(own.startswith(name) for name in ELSEWHERE):
        pytest.skip(next(why for name, why in ELSEWHERE.items() if own.startswith(name)))
    elif "--plugin" in own:  # in a process of its own: what is registered stays
        done = subprocess.run(
            [sys.executable, str(ROOT / "cli.py"), *shlex.split(shortened(line, number))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    else:
        if "latency_ms" in own:  # which workers measure
            monkeypatch.setattr(WORKERS, LocalWorkers)
        cli(shortened(line, number))
