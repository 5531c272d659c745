"""Fast inference against the plain module, and how well a sum of parts ranks networks by latency.

    python benchmarks/latency.py [--networks 40] [--space osnet-mini] [--backend frozen] ..

First, for osnet_x1_0 and osnet_x0_25 at batch 1: the plain module in eval mode (NCHW), the frozen
one and onnxruntime, measured in turns. Then random architectures of a space are measured twice, and
predicted from their parts; Kendall's tau of each ranking with the first pass is printed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from nas.architecture import lower, preset
from nas.cost import cost
from nas.cost.backends import BACKENDS, Setting, ready, threads
from nas.cost.inversion import inversions, kendall_tau
from nas.cost.latency import time_in_rounds
from nas.cost.measure import warm_up
from nas.cost.parts import PartTable, measure_parts
from nas.models import build
from nas.report.words import point_in_words
from nas.seeds import drawer
from nas.space import Point, load_space

TURNS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--space", default="osnet-mini")
    parser.add_argument("--backend", default="frozen", choices=BACKENDS)
    parser.add_argument("--threads", type=int, default=1, help="of the second half")
    options = parser.parse_args()
    setting = Setting(options.backend, options.threads)
    print(setting.record())
    for count in (1, torch.get_num_threads()):
        for name in ("osnet_x1_0", "osnet_x0_25"):
            compare(name, count)
    predict(options.space, options.networks, setting)


def compare(name: str, count: int) -> None:
    """Medians of the backends, one run of each in turn."""
    runs = {b: ready(build(preset(name)), Setting(b, count)) for b in BACKENDS}
    times: dict[str, list[float]] = {backend: [] for backend in runs}
    with threads(Setting(threads=count)):
        for run in runs.values():
            warm_up(run)
        for _ in range(TURNS):
            for backend, run in runs.items():
                times[backend].append(milliseconds(run))
    found = {backend: statistics.median(own) for backend, own in times.items()}
    text = ", ".join(f"{b} {ms:.2f} ms ({found['torch'] / ms:.2f}x)" for b, ms in found.items())
    print(f"{name}, batch 1, {count} threads: {text}", flush=True)


def milliseconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - started)


def predict(space_name: str, count: int, setting: Setting) -> None:
    space, draw = load_space(space_name), drawer("benchmark")
    points: dict[str, Point] = {}
    while len(points) < count:
        point = space.sample(draw)
        points[str(point)] = point
    chosen = [space.architecture(point) for point in points.values()]
    models = [build(architecture) for architecture in chosen]
    with threads(setting):
        runs = [ready(model, setting) for model in models]
        first, second = time_in_rounds(runs), time_in_rounds(runs)
    table = PartTable(setting.record())
    started = time.perf_counter()
    measure_parts(table, [placed.part for a in chosen for placed in lower(a)], setting)
    seconds = time.perf_counter() - started
    predicted = [table.latency(architecture) for architecture in chosen]
    macs = [cost(architecture).macs for architecture in chosen]
    modules = [sum(1 for _ in model.modules()) for model in models]
    retest = kendall_tau(first, second)
    error = statistics.median(abs(p / m - 1) for p, m in zip(predicted, first, strict=True))
    print(f"{count} architectures of {space_name}, {len(table.p50_ms)} parts in {seconds:.0f} s")
    print(f"tau, test and retest           {retest:.3f}")
    for what, values in (("sum of parts", predicted), ("modules", modules), ("macs", macs)):
        tau = kendall_tau(values, first)
        print(f"tau, {what:25} {tau:.3f}, {tau / retest:.3f} of the retest's")
    print(f"median error of the sum of parts: {error:.1%}")
    share, pairs = inversions(macs, first)
    print(f"{share:.1%} of pairs: fewer MACs, and slower; the widest:")
    named = list(points.values())
    for pair in pairs:
        for row in pair:
            words = point_in_words(named[row], list(named[row]))
            print(f"  {macs[row] / 1e6:7.2f} M  {first[row]:6.2f} ms  {words}")
        print()


if __name__ == "__main__":
    main()
