"""What an audit found, as frames of numbers: all tables and figures are made from these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nas.architecture import key
from nas.audit.judge import Judgement
from nas.audit.ranking import Range

if TYPE_CHECKING:
    import pandas as pd

FULL = "full length"


def ranking_frame(found: Judgement) -> pd.DataFrame:
    """A row for each cheap score, the rungs first, and one for a training at full length.

    epochs: trained, 0 for none. tau: over all and within bands, with *_low and *_high; of the row
    for full length it is the noise ceiling. share: of that ceiling, within bands. ahead: tau within
    bands less that of the macs. lost, lost_share: see `nas.audit.regret.Regret`.
    """
    import pandas as pd

    rungs = len(found.rungs)
    columns: dict[str, Any] = {
        "score": [*found.names[:rungs], FULL, *found.names[rungs:]],
        "epochs": [*found.epochs[:rungs], found.evidence.epochs[-1], *found.epochs[rungs:]],
    }
    ranges = {
        "tau": (found.over_all.tau, found.over_all.ceiling),
        "tau_bands": (found.within.tau, found.within.ceiling),
        "share": (found.within.share, _certain(1.0)),
        "ahead": (found.within.ahead, _certain(np.nan)),
        "lost": (found.regret.lost, _certain(0.0)),
        "lost_share": (found.regret.share, _certain(0.0)),
    }
    for name, (own, full) in ranges.items():
        for suffix, part in (("", "estimate"), ("_low", "low"), ("_high", "high")):
            values = getattr(own, part)
            columns[name + suffix] = [*values[:rungs], float(getattr(full, part)), *values[rungs:]]
    return pd.DataFrame(columns)


def _certain(value: float) -> Range:
    own = np.array(value)
    return Range(own, np.array(np.nan), np.array(np.nan))


def importance_frame(found: Judgement) -> pd.DataFrame:
    """A row for each parameter, and one for chance, over all and within bands; shares of the sum.

    above_chance: the share of resamples in which the parameter was above one that does nothing.
    """
    import pandas as pd

    rows = []
    for where, own in found.importance.items():
        names = (*own.names, "chance")
        for i, name in enumerate(names):
            last = i == len(own.names)
            share = own.chance if last else own.share
            ends = [float(np.ravel(part)[0 if last else i]) for part in _parts(share)]
            above = np.nan if last else float(own.above_chance[i])
            rows.append((where, name, *ends, above))
    return pd.DataFrame(
        rows, columns=["pairs", "parameter", "share", "share_low", "share_high", "above_chance"]
    )


def _parts(range_: Range) -> tuple[Any, Any, Any]:
    return range_.estimate, range_.low, range_.high


def architecture_frame(found: Judgement, zero_cost: dict[str, Any]) -> pd.DataFrame:
    """A row for each architecture that was compared: band, costs, cheap scores, and the truth.

    epoch_*: means over the replicates that were scored there; full_length: over all.
    """
    import pandas as pd

    own = found.evidence
    band = np.zeros(len(own), dtype=np.int64)
    for number, rows in enumerate(found.bands, 1):
        band[rows] = number
    columns: dict[str, Any] = {"key": [key(a) for a in own.architectures], "band": band}
    columns |= {name: values.astype(np.int64) for name, values in own.costs.items()}
    columns |= zero_cost
    for place, epoch in enumerate(own.epochs[:-1]):
        columns[f"epoch_{epoch}"] = own.rungs[:, :, place].mean(axis=1)
    columns["full_length"] = own.mean
    frame = pd.DataFrame(columns)
    return pd.concat([frame, pd.DataFrame(list(own.points))], axis=1)
