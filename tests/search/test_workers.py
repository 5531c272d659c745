"""Which worker has which GPU, with a stand-in for torch's; and what a worker's process runs."""

import sys

import pytest
import torch

from nas.architecture import Component, gates
from nas.search.capacity import default_workers
from nas.search.workers import _starting, _take_gpu


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
