"""The study in PostgreSQL: a server of the test's own, where one can be started."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from nas.search import Run, Status, run_search
from nas.search.view import SilentView

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install '.[postgres]'")

pytestmark = pytest.mark.usefixtures("inline")
SCRIPT = Path(__file__).with_name("postgres.sh")
RUNGS = "name: tiny\nepochs: 2\nrungs: [1]\nbatch: 16\nlr: 0.01\n"


def server(verb: str, folder: Path) -> str:
    """What the script prints; skips the test where there is no server to start."""
    done = subprocess.run(
        ["sh", str(SCRIPT), verb, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Of the server. The path of a socket may have 107 bytes, which pytest's may not leave."""
    found = Path(tempfile.mkdtemp(prefix="nas-pg-", dir="/tmp"))
    yield found
    subprocess.run(["sh", str(SCRIPT), "stop", str(found)], check=False, capture_output=True)
    shutil.rmtree(found)


class Watch(SilentView):
    """Calls `act` once, when a trial has reached a rung; keeps what is told."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act, self.acted = act, False
        self.told: list[str] = []

    def notice(self, text: str) -> None:
        self.told.append(text)

    def update(self, status: Status) -> None:
        if not self.acted and any(trial.rungs for trial in status.trials):
            self.acted = True
            self.act()


def states(run: Run) -> list[tuple[str, list[float] | None]]:
    """What the study is to say of each trial."""
    named = {"complete": "COMPLETE", "stopped": "PRUNED"}
    return [
        (named[t.state], [t.scores["score"], t.costs["macs"]] if t.state == "complete" else None)
        for t in run.all_trials()
    ]


def test_a_search_outlives_its_storage_and_brings_it_up_to_date_the_next_time(
    tiny: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server("start", folder)
    monkeypatch.setattr("sys.argv", ["cli.py", "search", "--storage", url])
    Path(tiny["recipe"]).write_text(RUNGS)
    asked: dict[str, Any] = {**tiny, "workers": 1, "confirm": 0.0, "storage": url}
    view = Watch(lambda: server("stop", folder))
    run = run_search(budget="3trials", view=view, **asked)
    assert len(run.all_trials()) == 3
    assert (
        sum("can not be written" in text and "//nas@/postgres" in text for text in view.told) == 1
    )
    server("start", folder)
    run = run_search(budget="4trials", **asked)
    (name,) = optuna.get_all_study_names(url)
    assert name.startswith("run-")
    study = optuna.load_study(study_name=name, storage=url)
    assert [(t.state.name, t.values) for t in study.trials] == states(run)
    texts = [file.read_text() for file in run.path.glob("*.json")]
    assert len(texts) == 3 and not any("secret" in text for text in [*texts, *view.told])
