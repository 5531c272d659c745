"""The samplers by their names."""

from __future__ import annotations

from collections.abc import Sequence

from nas.arguments import check_one_of
from nas.cost import MEASURED
from nas.errors import UserError
from nas.search.samplers.ehvi import START, START_ON_RUNGS, EhviSampler
from nas.search.samplers.from_optuna import OPTUNA, OptunaSampler
from nas.search.samplers.proposal import Proposal, Propose
from nas.seeds import drawer
from nas.space import Space

SAMPLERS = ("ehvi", *OPTUNA, "random")


def default_sampler(objectives: Sequence[str], space: Space) -> str:
    """The sampler that serves where none is named."""
    return "tpe" if measured(objectives, space) else "ehvi"


def measured(objectives: Sequence[str], space: Space) -> list[str]:
    """Those that are known only once they were measured, as the space does not tell them."""
    return [name for name in objectives if name in MEASURED and name not in space.costs]


def make_sampler(
    name: str,
    space: Space,
    objectives: Sequence[str],
    *,
    rungs: bool = False,
    score_min: float | None = None,
) -> Propose:
    """The sampler of that name; UserError where there is none, or it can not serve these.

    rungs: whether trials are scored below full length first. score_min: as for `EhviSampler`.
    """
    check_one_of("--sampler", name, SAMPLERS)
    if score_min is not None and name != "ehvi":
        costs = measured(objectives, space)
        remedy = f"predict {costs[0]} by a --latency-table" if costs else "leave out one of both"
        raise UserError(f"--score-min: {name} looks for the whole front, unlike ehvi; {remedy}")
    if name == "random":
        return lambda trials, seed: Proposal(space.sample(drawer(seed)))
    if name == "ehvi":
        if unknown := measured(objectives, space):
            raise UserError(
                f"--sampler: ehvi takes costs that are known beforehand, and {unknown[0]} is "
                "measured; use tpe, nsga2 or gp, or predict it by a --latency-table"
            )
        return EhviSampler(space, objectives, START_ON_RUNGS if rungs else START, score_min)
    return OptunaSampler(space, objectives, OPTUNA[name])
