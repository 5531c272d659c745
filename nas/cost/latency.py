"""Latency: measured, never called exact. Smaller is better.

A measurement says how sure it is: the 95% interval of a quantile comes from order statistics (the
number of runs below the true quantile is binomial), so it supposes nothing of how times are spread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Architecture
from nas.cost.backends import Setting, ready, threads
from nas.cost.measure import LEAST_RUNS, ROUND_SECONDS, ROUNDS, warm_up
from nas.errors import Unwritable
from nas.files import FOLDER_VARIABLE, cache_folder
from nas.progress import Tell, untold

LEVEL = 0.95
WITHIN = 0.02
"""Of the median: how far the ends of its interval may be from it, to each side."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds for one batch. p50_low and p50_high: the 95% interval of the median."""

    p50_ms: float
    p90_ms: float
    p50_low_ms: float
    p50_high_ms: float
    runs: int

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def measure_latency(
    architecture: Architecture, setting: Setting | None = None, *, seconds: float = 3.0
) -> Latency:
    """Latency of the network with random weights: as many runs as its median needs.

    Runs until the 95% interval of the median is within 2% of it to each side, for `seconds` at
    most (but 30 runs at least). Nobody else measures on this machine in the meantime; what other
    programs do to it is the caller's matter.
    """
    from nas.models import build

    setting = setting or Setting()
    with alone(), threads(setting):
        return time_runs(ready(build(architecture), setting), seconds=seconds)


def time_runs(run: Callable[[], object], *, seconds: float) -> Latency:
    """Time `run` until its median is known to a share of WITHIN, or `seconds` are over."""
    warm_up(run)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while True:
        for _ in range(LEAST_RUNS):
            started = time.perf_counter()
            run()
            times.append(1000 * (time.perf_counter() - started))
        found = summary(times)
        sure = found.p50_high_ms - found.p50_low_ms <= 2 * WITHIN * found.p50_ms
        if sure or time.perf_counter() > end:
            return found


def time_in_rounds(
    runs: Sequence[Callable[[], object]],
    *,
    progress: Tell = untold,
) -> list[float]:
    """Median milliseconds of each of several, to be compared with each other.

    Each is timed in rounds that are far apart, and the lowest of its medians taken: what else the
    machine does only adds, and would fall on some of them alone.
    """
    found: list[list[float]] = [[] for _ in runs]
    for turn in range(ROUNDS):
        for i, run in enumerate(runs):
            found[i].append(time_runs(run, seconds=ROUND_SECONDS).p50_ms)
            progress(turn * len(runs) + i + 1, ROUNDS * len(runs))
    return [min(times) for times in found]


def summary(times: Sequence[float]) -> Latency:
    """Quantiles of n times in milliseconds, with the median's interval."""
    ordered = np.sort(np.asarray(times, dtype=np.float64))
    low, high = median_interval(ordered)
    p50, p90 = np.quantile(ordered, [0.5, 0.9]).tolist()
    return Latency(p50, p90, low, high, len(ordered))


def median_interval(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """The 95% interval of the median of n ascending values; all of them where n is below 6.

    The order statistics l and u with P(l <= Binomial(n, 1/2) < u) >= 0.95 (Conover, Practical
    Nonparametric Statistics, 1999, section 3.2).
    """
    from scipy.stats import binom

    n = len(ordered)
    below = int(binom.ppf((1 - LEVEL) / 2, n, 0.5))
    if below < 1:
        return float(ordered[0]), float(ordered[-1])
    return float(ordered[below - 1]), float(ordered[n - below])


@contextmanager
def alone() -> Iterator[None]:
    """Within it no other process measures latencies on this machine, for the same user.

    Unwritable where the lock's file can not be.
    """
    from filelock import FileLock

    folder = cache_folder()
    lock = FileLock(folder / "latency.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise Unwritable(
            f"the cache {folder} can not be used ({error.strerror}); set {FOLDER_VARIABLE} to "
            "another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()
