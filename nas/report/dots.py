"""Dots of score against cost: bars of their intervals, where names stand, ticks of the costs."""

from __future__ import annotations

from collections.abc import Sequence

from nas.report.words import compact
from nas.search.confirm import Confirmed

TICKS = 12  # that a wide range has at most, if powers of ten are few enough


def bars(means: Sequence[Confirmed | None], *, visible: bool = True) -> dict[str, object]:
    """Their 95% intervals, as plotly's error bars."""
    return {
        "symmetric": False,
        "array": [found.high - found.mean if found else 0 for found in means],
        "arrayminus": [found.mean - found.low if found else 0 for found in means],
        "thickness": 1.2,
        "visible": visible and any(means),
    }


def beside(costs: Sequence[float]) -> list[str]:
    """Where names stand beside dots, and beside their bars; those of the dearest to the left."""
    return [f"middle {'left' if 1.6 * cost > max(costs) else 'right'}" for cost in costs]


def log_ticks(costs: Sequence[float]) -> dict[str, object]:
    """Ticks at round numbers, with units; plotly's own where a narrow range has none."""
    low, high = min(costs) * 0.9, max(costs) * 1.1
    at: list[float] = []
    for round_ones in ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1,)):
        steps = (m * 10**e for e in range(-3, 13) for m in round_ones)
        at = [step for step in steps if low <= step <= high]
        if len(at) <= TICKS:
            break
    if len(at) < 2:
        return {"exponentformat": "SI"}
    return {"tickvals": at, "ticktext": [compact(step) for step in at]}
