"""What a sampler is, and how it is asked for an architecture that was not tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nas.architecture import Architecture, key
from nas.architecture.fields import Value
from nas.errors import UserError
from nas.search.record import Trial
from nas.search.rungs import Ladder, Promote
from nas.seeds import derived_seed, drawer
from nas.space import Space

PROPOSALS = 20


@dataclass(frozen=True)
class Proposal:
    """A point to try; `note` is kept with the trial and shown to the sampler again."""

    point: dict[str, Value]
    note: dict[str, Any] = field(default_factory=dict)


Propose = Callable[[Sequence[Trial], int], Proposal]
"""(all trials so far, the running ones included, and a seed) to a proposal."""


def propose_untried(
    propose: Propose, space: Space, trials: Sequence[Trial], seed: int
) -> tuple[Proposal, Architecture] | None:
    """A valid proposal whose key was not tried; None when the whole space was.

    The sampler is asked a limited number of times, then an untried architecture is drawn.
    """
    tried = {trial.key for trial in trials}
    for attempt in range(PROPOSALS):
        proposal = propose(trials, proposal_seed(seed, trials, attempt))
        try:
            architecture = space.architecture(proposal.point)
            fresh = key(architecture) not in tried and space.broken(architecture) is None
        except UserError:
            continue
        if fresh:
            return Proposal(space.active(proposal.point), proposal.note), architecture
    point = space.untried(tried, drawer(seed, len(trials), "untried"))
    return None if point is None else (Proposal(point), space.architecture(point))


def proposal_seed(seed: int, trials: Sequence[Trial], attempt: int = 0) -> int:
    """What a sampler is asked with, in a search with this seed and these trials."""
    return derived_seed(seed, len(trials), attempt)


def promoter(propose: Propose, ladder: Ladder, seed: int) -> Promote:
    """What says which trial is trained on: the sampler, where it has a view of that."""
    own = getattr(propose, "promotion", None)
    if own is None:
        return ladder.promotion
    return lambda trials, least, fits: own(ladder, trials, least, proposal_seed(seed, trials), fits)
