"""Which worker has which GPU, with a stand-in for torch's; and what a worker's process runs."""

import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest
import torch

from nas.architecture import Component, gates
from nas.errors import Unavailable, UserError
from nas.search.capacity import default_workers, slots
from nas.search.workers import LocalWorkers, _published, _starting, _take_gpu, adopt
from nas.training.job import Job, Result
from nas.training.recipe import Recipe
from tests.training.test_loop import TINY


def gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> list[int]:
    """As if there were so many; what is chosen of them."""
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def test_each_worker_has_a_gpu_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = gpus(monkeypatch, 3)
    assert default_workers() == 3
    for slot in range(7):
        _take_gpu(slot)
    assert chosen == [0, 1, 2, 0, 1, 2, 0]


def test_without_one_nothing_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = gpus(monkeypatch, 0)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(12))
    assert default_workers() == 8
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert default_workers() == 3
    _take_gpu(1)
    assert not chosen


@pytest.mark.parametrize(("outcome", "lost", "ends"), [
    ("failed", True, True), ("failed", False, False), ("done", True, False),
])  # fmt: skip
def test_a_worker_ends_that_can_compute_no_more_on_its_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: str, lost: bool, ends: bool
) -> None:
    """A kernel that failed leaves nothing to the process: all its later trials would fail too."""

    def synchronize() -> None:
        if lost:
            raise RuntimeError("CUDA error: device-side assert triggered")

    codes: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    monkeypatch.setattr("os._exit", codes.append)
    job = Job("1-0-1", 1, TINY, Recipe(name="test", epochs=1, batch=8, lr=0.1), "synthetic", 0)
    _published(job, tmp_path, Result(outcome, "CUDA error"))
    assert codes == [1] * ends
    found = adopt(tmp_path, job.id)
    assert found is not None and found.outcome == outcome


def test_a_worker_runs_the_script_only_for_a_kind_that_it_registers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = sys.modules["__main__"]
    with _starting():
        assert not hasattr(sys.modules["__main__"], "__file__")
    assert sys.modules["__main__"] is script
    own = type("Own", (Component,), {"__module__": "__main__"})
    monkeypatch.setitem(gates._kinds, "own", own)
    with _starting():
        assert sys.modules["__main__"] is script


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_a_driver_is_heard_by_it_alone_and_once_a_worker_has_started(
    which: signal.Signals,
) -> None:
    asked = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    before = signal.getsignal(which)
    done = subprocess.CompletedProcess[bytes]([], 1)

    def start() -> None:
        nonlocal done
        with _starting():
            os.kill(os.getpid(), which)
            done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False)

    with pytest.raises(KeyboardInterrupt):
        start()
    assert done.returncode == 0 and signal.getsignal(which) is before
    assert which.name.encode() in done.stdout  # blocked in a process that began meanwhile
    assert which not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize("script", [None, "<stdin>"])
def test_a_kind_of_a_notebook_is_refused_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", script, raising=False)
    assert slots(2, None) == 2
    own = type("Own", (Component,), {"__module__": "__main__"})
    monkeypatch.setitem(gates._kinds, "own", own)
    with pytest.raises(UserError, match=r"^gate own: .* nas.load_plugin"):
        slots(2, None)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", __file__)
    assert slots(2, None) == 2


def test_a_script_that_its_workers_can_not_run_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise SystemExit(3)\n")  # as a search that is under way in the parent does
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    own = type("Own", (Component,), {"__module__": "__main__"})
    monkeypatch.setitem(gates._kinds, "own", own)
    workers = LocalWorkers(1, 1, tmp_path)
    try:
        with pytest.raises(BrokenExecutor):
            workers.submit(None).result(timeout=60)  # type: ignore[arg-type]
        with pytest.raises(Unavailable, match="has to stand behind `if __name__"):
            workers.submit(None)  # type: ignore[arg-type]
    finally:
        workers.close()
