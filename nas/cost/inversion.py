"""Where MACs and latency disagree: the smaller network that is slower."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nas.cost.backends import Setting, ready, threads
from nas.cost.latency import alone, time_in_rounds
from nas.cost.parts import PartTable
from nas.cost.table import table as cost_table

ROWS = 2_000  # at most: all pairs of them are looked at
CHECKED = 8  # architectures that are measured whole


class Pair(NamedTuple):
    """Rows of two networks: the first has fewer MACs, and takes longer."""

    smaller: int
    larger: int


def kendall_tau(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b of two rankings: 1 where they agree, -1 where they are reversed."""
    from scipy.stats import kendalltau

    return float(kendalltau(first, second).statistic)


def inversions(macs: ArrayLike, latency_ms: ArrayLike, count: int = 5) -> tuple[float, list[Pair]]:
    """The share of pairs that MACs rank the other way than latency, and the widest of them.

    Of n networks, both of shape (n,); of more than 2,000 every k-th is looked at. Pairs of equal
    MACs or latency are not inverted. Widest by the smaller of the two ratios; a network is in one
    pair at most.
    """
    size, slow = np.asarray(macs, dtype=float), np.asarray(latency_ms, dtype=float)
    rows = np.arange(0, len(size), -(-len(size) // ROWS) or 1)
    larger = np.log(size[rows][None, :] / size[rows][:, None])
    slower = np.log(slow[rows][:, None] / slow[rows][None, :])
    width = np.minimum(larger, slower)  # of (i, j): i has fewer MACs and takes longer
    pairs = len(rows) * (len(rows) - 1) / 2
    share = float((width > 0).sum() / pairs) if pairs else 0.0
    found: list[Pair] = []
    used: set[int] = set()
    for flat in np.argsort(-width, axis=None).tolist():
        i, j = divmod(flat, len(rows))
        if width[i, j] <= 0 or len(found) == count:
            break
        if not used & {i, j}:
            used |= {i, j}
            found.append(Pair(int(rows[i]), int(rows[j])))
    return share, found


def rank_space(space: Any, latency: PartTable, *, setting: Setting | None = None) -> dict[str, Any]:
    """How MACs and latency (summed over parts) rank a space's architectures; plain data.

    setting: the table's. tau: Kendall's tau of the two. inverted: the share of pairs with fewer
    MACs that take longer. pairs: the widest of these, each with point, macs and latency_ms of both.
    checked: CHECKED architectures, evenly spread over latency, also measured whole in `setting`
    (the table's), with the median error of the prediction and its tau with what was measured.
    """
    frame = cost_table(space, limit=20_000, latency=latency)
    share, pairs = inversions(frame["macs"], frame["latency_ms"])

    def row(index: int) -> dict[str, Any]:
        found = frame.iloc[index]
        values = {p.name: p.values[0] for p in space.parameters}
        for p in (p for p in space.parameters if p.name in frame):
            values[p.name] = p.values[frame[p.name].cat.codes.iloc[index]]
        return {
            "point": space.active(values),
            "macs": int(found["macs"]),
            "latency_ms": float(found["latency_ms"]),
        }

    result: dict[str, Any] = {
        "space": space.name,
        "setting": dict(latency.setting),
        "architectures": len(frame),
        "tau": kendall_tau(frame["macs"], frame["latency_ms"]),
        "inverted": share,
        "pairs": [{"smaller": row(p.smaller), "larger": row(p.larger)} for p in pairs],
    }
    if setting is not None:
        order = np.argsort(frame["latency_ms"].to_numpy(), kind="stable")
        spread = np.linspace(0, len(order) - 1, min(CHECKED, len(order))).round().astype(int)
        chosen = [row(int(order[i])) for i in spread]
        measured = measure_points(space, [x["point"] for x in chosen], setting)
        predicted = np.array([x["latency_ms"] for x in chosen])
        result["checked"] = {
            "architectures": len(chosen),
            "median_error": float(np.median(np.abs(predicted / np.array(measured) - 1))),
            "tau": kendall_tau(predicted, measured),
        }
    return result


def measure_points(space: Any, points: list[dict[str, Any]], setting: Setting) -> list[float]:
    """Median milliseconds of the networks of these points, measured to be compared."""
    from nas.models import build

    with alone(), threads(setting):
        models = [build(space.architecture(point)) for point in points]
        return time_in_rounds([ready(model, setting) for model in models])
