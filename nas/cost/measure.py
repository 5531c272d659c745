"""Measure the parts of networks on this device, where onnxruntime and numpy are all that is needed.

    python measure.py [--out device.csv] [--threads 1] [--provider CPUExecutionProvider]

It reads parts.csv and the ONNX files beside it, which `cli.py latency SPACE --parts FOLDER` wrote,
and writes their latency as a table that `--latency-table` of other verbs takes. The table is
written after each of the rounds, so that one may stop it before the last. Python 3.8 is enough.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

LEAST_RUNS = 30
ROUNDS, ROUND_SECONDS = 5, 0.2
WARM_UP_SECONDS = 0.1
WARM_UP_RUNS = 5
CALL = "a call"
LEAST_MS = 1e-4  # of a part that takes no longer than a call


def warm_up(run: Callable[[], object], seconds: float = WARM_UP_SECONDS) -> None:
    """Run until caches, allocators and whatever compiles itself are at rest."""
    end = time.perf_counter() + seconds
    count = 0
    while count < WARM_UP_RUNS or time.perf_counter() < end:
        run()
        count += 1


def processor() -> str:
    """The name of the CPU, or of the board that it is on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    pairs = [line.partition(":") for line in lines]
    named = {name.strip().lower(): value.strip() for name, _, value in reversed(pairs)}
    known = named.get("model name") or named.get("model", "")
    return known if not known.isdecimal() and known else platform.processor() or platform.machine()


def median_ms(run: Callable[[], object], seconds: float) -> float:
    """Milliseconds of one run, for about as long as that."""
    warm_up(run, seconds / 2)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_RUNS or time.perf_counter() < end:
        started = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="device.csv", help="the table to write")
    parser.add_argument("--threads", type=int, default=1, help="0: one a core")
    parser.add_argument("--provider", default="CPUExecutionProvider", help="of onnxruntime")
    parser.add_argument("--seconds", type=float, default=ROUND_SECONDS, help="of a part in a round")
    options = parser.parse_args()
    import numpy
    import onnxruntime

    if options.provider not in onnxruntime.get_available_providers():
        known = ", ".join(onnxruntime.get_available_providers())
        sys.exit(f"--provider: {options.provider} is not one of {known}")
    if options.threads < 0:
        sys.exit(f"--threads: {options.threads} is below 0")
    if not Path(options.out).resolve().parent.is_dir():  # said before the first round
        sys.exit(f"--out: {options.out} is in no folder that exists")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads or os.cpu_count() or 1
    settings.log_severity_level = 3
    folder = Path(__file__).resolve().parent
    if not (folder / "parts.csv").is_file():
        sys.exit(f"{folder}: there is no parts.csv; copy the whole folder")
    with (folder / "parts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing = [row["part"] for row in rows if not (folder / f"{row['part']}.onnx").is_file()]
    if missing:
        sys.exit(f"{folder}: {len(missing)} of {len(rows)} parts are missing, as {missing[0]}.onnx")
    runs = []
    for row in rows:
        content = str(folder / f"{row['part']}.onnx")
        opened = onnxruntime.InferenceSession(content, settings, providers=[options.provider])
        (asked,) = opened.get_inputs()
        shape = (1, *asked.shape[1:])
        images = numpy.random.default_rng(0).standard_normal(shape).astype("float32")
        runs.append(lambda opened=opened, fed={asked.name: images}: opened.run(None, fed))
        cpu = options.provider == "CPUExecutionProvider"
        row.update(
            threads=str(settings.intra_op_num_threads),
            device="cpu" if cpu else options.provider,
            machine=processor(),
            library=f"onnxruntime {onnxruntime.__version__}",
        )
    best = [float("inf")] * len(rows)
    for turn in range(ROUNDS):  # far apart: what else the device does only adds
        for number, run in enumerate(runs):
            best[number] = min(best[number], median_ms(run, options.seconds))
            if sys.stdout.isatty():
                done = f"round {turn + 1} of {ROUNDS}, part {number + 1} of {len(runs)}"
                print(f"\r{done} ", end="", flush=True)
        (call,) = (best[number] for number, row in enumerate(rows) if row["about"] == CALL)
        for number, row in enumerate(rows):
            own = best[number]
            row["p50_ms"] = repr(own if row["about"] == CALL else max(own - call, LEAST_MS))
        with open(options.out + ".part", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(options.out + ".part", options.out)
        print(f"\rround {turn + 1} of {ROUNDS}: {options.out}     ")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # the table of the last round is there
        sys.exit(130)
