"""How many more trials an hour two workers finish than one.

    python benchmarks/workers.py [--trials 6] [--rounds 2] [--workers 2]

The same random search of osnet-mini on the default data, every trial trained at the full length of
`quick`, with one worker and with several in turn; each has all cores (one worker computes on as
many threads as there are cores). Trials an hour, start to end, and their ratio in each round.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from nas import load_recipe, run_search


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    ratios = []
    for turn in range(options.rounds):
        rates = {n: trials_an_hour(n, options.trials, turn) for n in (1, options.workers)}
        ratios.append(rates[options.workers] / rates[1])
        told = ", ".join(f"{n} workers {rate:.0f} trials an hour" for n, rate in rates.items())
        print(f"{told}: {ratios[-1]:.2f} times", flush=True)
    print(f"median {statistics.median(ratios):.2f} times")


def trials_an_hour(workers: int, trials: int, seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        run_search(
            "osnet-mini", budget=f"{trials}trials", recipe=load_recipe("quick", ["rungs=[]"]),
            sampler="random", confirm=0.0, workers=workers, seed=seed, out=Path(folder) / "run",
        )  # fmt: skip
        return 3600 * trials / (time.monotonic() - started)


if __name__ == "__main__":
    main()
