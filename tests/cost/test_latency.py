"""Latency: the statistics by hand, and that what is timed is the network. No time is asserted."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from nas.architecture import Size, lower, preset
from nas.cost import Setting, measure_latency
from nas.cost.backends import BACKENDS, ready, threads
from nas.cost.latency import LEAST_RUNS, median_interval, summary, time_in_rounds, time_runs
from nas.errors import UserError
from nas.files import FOLDER_VARIABLE
from nas.models import build
from nas.models.network import PartNetwork

SMALL = preset("osnet_x0_25").resized(Size(32, 16))


@pytest.mark.parametrize(("n", "low", "high"), [(5, 1, 5), (6, 1, 6), (10, 2, 9), (30, 10, 21)])
def test_the_medians_interval_is_that_of_tables(n: int, low: int, high: int) -> None:
    # the ranks that tables of the sign test give for n values; 5 are too few for 95%
    assert median_interval(np.arange(1.0, n + 1)) == (low, high)


def test_the_interval_covers_the_median_of_a_skewed_distribution_often_enough() -> None:
    draws = np.sort(np.random.default_rng(0).lognormal(sigma=2, size=(4000, 40)), axis=1)
    found = [median_interval(row) for row in draws]
    covered = np.mean([low <= 1.0 <= high for low, high in found])  # the median is 1
    assert 0.94 < covered < 0.98


def test_summary_is_of_quantiles() -> None:
    found = summary([float(x) for x in range(100, -1, -1)])
    assert (found.p50_ms, found.p90_ms, found.runs) == (50, 90, 101)
    assert found.p50_low_ms <= 50 <= found.p50_high_ms


def test_runs_stop_when_the_median_is_known_or_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: clock)
    steps = iter([0.001] * 10_000)

    def steady() -> None:
        nonlocal clock
        clock += next(steps)

    assert time_runs(steady, seconds=100).runs == LEAST_RUNS
    random = np.random.default_rng(0)

    def unsteady() -> None:
        nonlocal clock
        clock += random.lognormal(sigma=3)

    found = time_runs(unsteady, seconds=1)
    assert found.runs == LEAST_RUNS
    assert found.p50_high_ms - found.p50_low_ms > 0.04 * found.p50_ms


def test_the_lowest_of_the_rounds_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = 0.0, 0
    monkeypatch.setattr(time, "perf_counter", lambda: clock)

    def disturbed() -> None:
        nonlocal clock, calls
        calls += 1
        clock += 0.002 if calls > 100 else 0.004

    assert time_in_rounds([disturbed]) == [pytest.approx(2.0)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_runs_networks_and_parts(backend: str) -> None:
    setting = Setting(backend, threads=1, batch=2)
    ready(build(SMALL), setting)()
    for placed in lower(SMALL):
        ready(PartNetwork(placed.part), setting)()


def test_a_measurement_and_its_record() -> None:
    before = torch.get_num_threads()
    found = measure_latency(SMALL, Setting("torch", threads=1), seconds=0.1)
    assert torch.get_num_threads() == before
    assert 0 < found.p50_low_ms <= found.p50_ms <= found.p50_high_ms
    assert found.p50_ms <= found.p90_ms
    record = Setting("frozen", batch=3).record()
    assert record["memory_format"] == "channels_last"
    assert record["threads"] == before
    assert record["batch"] == 3


def test_a_cache_that_can_not_be_written_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / place))
        with pytest.raises(UserError, match=r"^the cache \S+ can not be used \(.+; set OSNET_NAS_"):
            measure_latency(SMALL, seconds=0.1)


def test_threads_are_set_for_a_while() -> None:
    before = torch.get_num_threads()
    with threads(Setting(threads=before + 1)):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_a_setting_is_read_from_text() -> None:
    assert Setting.parse("frozen") == Setting()
    text = "torch:threads=2,batch=8,precision=bfloat16,device=cpu"
    assert Setting.parse(text) == Setting("torch", 2, 8, "bfloat16", "cpu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tflite", "backend: 'tflite' is not one of torch, frozen, onnxruntime"),
        ("torch:cores=2", "'cores=2' is not one of threads=NUMBER"),
        ("torch:threads=1,threads=2", "'threads=2' is not one of"),
        ("torch:threads=-1", "threads=-1 is not a whole number"),
        ("torch:batch=0", "batch 0 must be positive"),
        ("torch:precision=int8", "precision: 'int8' is not one of float32, bfloat16"),
        ("onnxruntime:device=cuda", "in float32 on the cpu only"),
    ],
)
def test_a_wrong_setting_is_said(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Setting.parse(text)


def test_without_a_gpu_its_setting_is_refused_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="device: there is no GPU that torch can use"):
        Setting.parse("torch:device=cuda").record()
