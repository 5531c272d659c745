"""What an ablation found, as frames of numbers: all tables and figures are made from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nas.ablation.design import Design
from nas.ablation.effects import Contrast, Term
from nas.ablation.statistics import Comparisons
from nas.architecture import key
from nas.cost import cost

if TYPE_CHECKING:
    import pandas as pd


def comparison_frame(
    design: Design, found: Comparisons, beside: Mapping[str, ArrayLike] | None = None
) -> pd.DataFrame:
    """A row for each of the design's: its scores, its difference to the baseline, and its costs.

    Differences and intervals are in the score's unit, larger is better. *_change: a cost over the
    baseline's, less 1. beside: other scores (rows, seeds) by name, of which the mean and the
    deviation over seeds are columns. Empty where there is no number.
    """
    import pandas as pd

    costs = [cost(row.architecture).as_dict() for row in design.rows]
    columns: dict[str, Any] = {
        "row": [row.label for row in design.rows],
        "key": [key(row.architecture) for row in design.rows],
        "scores": found.count,
        "mean": found.mean,
        "deviation": found.deviation,
        "pairs": found.pairs,
        "difference": found.paired.estimate,
        "low": found.paired.low,
        "high": found.paired.high,
        "p": found.paired.p,
        "p_holm": found.holm,
        "effect_size": found.effect,
        "correlation": found.correlation,
        "unpaired_difference": found.unpaired.estimate,
        "unpaired_low": found.unpaired.low,
        "unpaired_high": found.unpaired.high,
        "unpaired_p_holm": found.unpaired_holm,
        "verdict": found.verdict,
    }
    for name, scores in (beside or {}).items():
        own = pd.DataFrame(np.asarray(scores))
        columns |= {name: own.mean(axis=1), f"{name}_deviation": own.std(axis=1)}
    for name in costs[0]:
        columns[name] = [own[name] for own in costs]
        columns[f"{name}_change"] = [own[name] / costs[0][name] - 1 for own in costs]
    columns["width"] = [row.architecture.width for row in design.rows]
    factors = dict.fromkeys(name for row in design.rows for name in row.factors)
    set_to = {f"set {name}": [row.factors.get(name) for row in design.rows] for name in factors}
    return pd.DataFrame(columns | set_to)


def term_frame(terms: Sequence[Term]) -> pd.DataFrame:
    """A row for each main effect and interaction, with its F test."""
    import pandas as pd

    return pd.DataFrame(
        {
            "term": [" x ".join(term.factors) for term in terms],
            "f": [term.f for term in terms],
            "freedom": [term.freedom[0] for term in terms],
            "rest_freedom": [term.freedom[1] for term in terms],
            "p": [term.p for term in terms],
            "p_holm": [term.holm for term in terms],
        }
    )


def contrast_frame(contrasts: Sequence[Contrast]) -> pd.DataFrame:
    """A row for each difference of levels, in the score's unit, larger is better."""
    import pandas as pd

    rows = [asdict(contrast) for contrast in contrasts]
    for row in rows:
        levels = zip(row.pop("factors"), row.pop("levels"), strict=True)
        row["effect"] = " x ".join(f"{name} {level}" for name, level in levels)
        row["p_holm"] = row.pop("holm")
    names = ["effect", "estimate", "low", "high", "p", "p_holm", "verdict"]
    return pd.DataFrame(rows, columns=names)
