"""What a sampler predicted of trials before they were trained, and what they scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nas.search.record import Trial

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("trial", "epoch", "predicted", "deviation", "score")
REACH = 1.96  # deviations, which 95% of a normal distribution are within


def predicted(trials: Sequence[Trial]) -> pd.DataFrame:
    """One row for each trial of which a score was predicted that it has since.

    epoch: after which; the last of which enough was known to predict it. deviation: of the score
    about the predicted one, by the sampler: what it does not know, and the noise of a training.
    score: what was observed; larger is better. within: whether it is in the 95% interval.
    """
    import pandas as pd

    rows = [
        (t.number, epoch, t.note["predicted"], t.note["deviation"], t.rungs[epoch])
        for t in trials
        if (epoch := t.note.get("epoch")) in t.rungs
    ]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    found["within"] = (found["score"] - found["predicted"]).abs() <= REACH * found["deviation"]
    return found


def expected_growth(trials: Sequence[Trial]) -> float | None:
    """What the last new trial was expected to add to the hypervolume, as a share of what the front
    had then: it falls as there is less to be found. None where nothing was expected, as by samplers
    that predict nothing."""
    shares = [trial.note["growth"] for trial in trials if "growth" in trial.note]
    return shares[-1] if shares else None
