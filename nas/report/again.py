"""A trial that was trained again, in words."""

from __future__ import annotations

from nas.search.again import QUANTILE, Again, ReplayedTrial


def rung_line(own: Again) -> str:
    """A score then and now."""
    seed = f"fresh seed {own.replicate}, " if own.replicate else ""
    apart = "equal bits" if own.equal else f"difference {own.difference:+.3g}"
    then, now = own.then["score"], own.now["score"]
    return f"{seed}epoch {own.epoch}: score {then:.6f} then, {now:.6f} now, {apart}"


def verdict(found: ReplayedTrial) -> list[str]:
    """Whether it is the same, by what measure; and what may be why it is not."""
    noise = f"a deviation over seeds of {found.noise:.4g} ({found.source})" if found.noise else ""
    if found.equal:
        return ["the same: every score is equal to the last bit"]
    if found.same:
        first = f"the same within its noise: {noise}, by which two differ by {QUANTILE:.2f} x that"
    elif found.noise is None:
        first = (
            f"not the same: bits differ, and the noise is not known ({found.source}); --noise says "
            "what differences are allowed"
        )
    else:
        first = f"not the same: a score differs by more than {QUANTILE:.2f} x {noise}"
    return [first, *found.changed]
