"""Architectures a second: the cost of a whole space, against fvcore one by one.

python benchmarks/cost.py
"""

from __future__ import annotations

import time

from nas.cost import raw_counts, table
from nas.models import build
from nas.seeds import drawer
from nas.space import load_space

FVCORE_RUNS = 20


def main() -> None:
    space = load_space("osnet-stages")
    started = time.perf_counter()
    frame = table(space)
    ours = len(frame) / (seconds := time.perf_counter() - started)
    print(f"table: {len(frame):,} architectures of {space.name} in {seconds:.2f} s")
    draw = drawer("benchmark")
    models = [build(space.architecture(space.sample(draw))) for _ in range(FVCORE_RUNS)]
    started = time.perf_counter()
    for model in models:
        raw_counts(model, ["fvcore"])
    theirs = FVCORE_RUNS / (seconds := time.perf_counter() - started)
    print(f"fvcore: {FVCORE_RUNS} architectures in {seconds:.2f} s")
    print(f"ratio: {ours / theirs:,.0f} times as many architectures a second")


if __name__ == "__main__":
    main()
