"""Does a search beat scaling the width? Hypervolume of its confirmed front and of the baselines.

    python benchmarks/against_width.py RUN

Both by the means of fresh seeds, at the same recipe, on the same held-out identities. Cost is log10
of macs from the least to the largest of both; a score counts above the least of the baselines. The
interval is of the difference when every mean is drawn again, by Student's t with the noise that all
confirmed trials have together: 95% of 10,000 draws.
"""

from __future__ import annotations

import argparse

import numpy as np

from nas.search import Trial, open_run
from nas.search.confirm import confirmed, spread
from nas.search.hypervolume import Scale

DRAWS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    trials = open_run(parser.parse_args().run).all_trials()
    noise = spread(trials)
    scaled = [t for t in trials if t.baseline.startswith("osnet_") and confirmed(t)]
    found = [t for t in trials if t.state != "baseline" and confirmed(t)]
    if noise is None or not scaled or not found:
        raise SystemExit("the run has no confirmed front, or no baseline named osnet_...")
    macs = [trial.costs["macs"] for trial in (*scaled, *found)]
    scale = Scale({"macs": (min(macs), max(macs))}, min(means(scaled)))

    def area(trials: list[Trial], scores: list[float]) -> float:
        return scale.hypervolume([trial.costs for trial in trials], scores)

    both = area(found, means(found)), area(scaled, means(scaled))
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        again = []
        for own in (found, scaled):
            errors = noise.deviation / np.sqrt([count(trial) for trial in own])
            moved = np.array(means(own)) + errors * random.standard_t(noise.freedom, len(own))
            again.append(area(own, moved.tolist()))
        drawn.append(again[0] - again[1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    print(
        f"{len(found)} searched trials, {len(scaled)} widths of OSNet; noise {noise.deviation:.4f}"
    )
    print(f"hypervolume above {scale.reference:.4f}: search {both[0]:.4f}, widths {both[1]:.4f}")
    print(f"difference {both[0] - both[1]:+.4f} (95% interval {low:+.4f} to {high:+.4f})")


def means(trials: list[Trial]) -> list[float]:
    return [found.mean for trial in trials if (found := confirmed(trial))]


def count(trial: Trial) -> int:
    found = confirmed(trial)
    return found.replicates if found else 0


if __name__ == "__main__":
    main()
