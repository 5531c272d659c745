"""Samplers: which point to try next, given what is known.

A sampler is a function of the history and a seed, without memory of its own, so that a resumed
search goes on as if it had never stopped.
"""

from nas.search.samplers.choice import SAMPLERS, default_sampler, make_sampler, measured
from nas.search.samplers.proposal import Proposal, Propose, promoter, propose_untried

__all__ = [
    "SAMPLERS",
    "Proposal",
    "Propose",
    "default_sampler",
    "make_sampler",
    "measured",
    "promoter",
    "propose_untried",
]
