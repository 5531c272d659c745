"""Does a search beat scaling the width? Hypervolume of its confirmed front and of the baselines.

    python benchmarks/against_width.py RUN

The baselines are those named osnet_...; one that the search found itself is on both sides. Both by
the means of fresh seeds, at the same recipe, on the same held-out identities. Cost is log10 of macs
from the least to the largest of both; a score counts above the least of the baselines. The interval
is of the difference when every mean is drawn again, by Student's t with the noise that all
confirmed trials have together: 95% of 10,000 draws.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from nas.search import open_run
from nas.search.confirm import Confirmed, confirmed, spread
from nas.search.hypervolume import Scale

DRAWS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    trials = open_run(parser.parse_args().run).all_trials()
    noise, known = spread(trials), {t.number: own for t in trials if (own := confirmed(t))}
    scaled = [t for t in trials if t.baseline.startswith("osnet_") and t.number in known]
    found = [t for t in trials if t.state == "complete" and t.number in known]
    if noise is None or not scaled or not found:
        raise SystemExit("the run has no confirmed front, or no baseline named osnet_...")
    macs = [trial.costs["macs"] for trial in (*scaled, *found)]
    reference = min(known[trial.number].mean for trial in scaled)
    scale = Scale({"macs": (min(macs), max(macs))}, reference)

    def areas(scores: dict[int, float]) -> list[float]:
        return [
            scale.hypervolume([t.costs for t in own], [scores[t.number] for t in own])
            for own in (found, scaled)
        ]

    random = np.random.default_rng(0)

    def again(own: Confirmed) -> float:
        error: float = noise.deviation / math.sqrt(own.replicates)
        return own.mean + error * float(random.standard_t(noise.freedom))

    search, widths = areas({number: own.mean for number, own in known.items()})
    drawn = []
    for _ in range(DRAWS):
        one, other = areas({number: again(own) for number, own in known.items()})
        drawn.append(one - other)
    low, high = np.quantile(drawn, [0.025, 0.975])
    print(
        f"{len(found)} searched trials, {len(scaled)} widths of OSNet; noise {noise.deviation:.4f}"
    )
    print(f"hypervolume above {scale.reference:.4f}: search {search:.4f}, widths {widths:.4f}")
    print(f"difference {search - widths:+.4f} (95% interval {low:+.4f} to {high:+.4f})")


if __name__ == "__main__":
    main()
