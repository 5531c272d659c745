"""Designs over a space: one factor at a time, each component left out, all combinations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from nas.ablation.design import Candidate, Design, collect
from nas.ablation.factors import (
    active,
    candidate,
    field,
    find_factors,
    start_document,
    value_in,
    values_in_words,
)
from nas.architecture import Architecture, from_document
from nas.architecture.fields import Value
from nas.errors import UserError
from nas.space import Space

NEUTRAL: dict[str, Value] = {
    "gate": "none",
    "streams": 1,
    "stream_depth": 1,
    "fusion": "add",
    "convolution": "full",
    "convolution_kernel": 3,
    "depthwise_kernel": 3,
    "instance_norm": "none",
    "stem.norm": "batch",
    "reduction": 0,
    "cardinality": 1,
    "expansion": 1,
    "squeeze": 0,
}
"""What a field is where the component that it stands for is taken away."""

MOST_CELLS = 512


def one_at_a_time(space: Space, baseline: Architecture, names: Sequence[str] = ()) -> Design:
    """The baseline, and with each other value of each factor the baseline again.

    names: of factors, as `find_factors` takes them; all that vary where there are none.
    UserError where no row is left beside the baseline's.
    """
    start, context = start_document(space, baseline)
    factors = find_factors(space, names)
    candidates: list[Candidate] = [("baseline", {}, lambda: from_document(start))]
    left_out = []
    for factor in factors:
        if active(start, factor):
            own = value_in(start, factor)
            candidates += [candidate(start, {factor: v}) for v in factor.values if v != own]
        else:
            left_out.append(f"{factor.name}: inactive in the baseline")
    return collect(candidates, space, left_out, values_in_words(start, factors, context))


def leave_one_out(space: Space, baseline: Architecture, names: Sequence[str] = ()) -> Design:
    """The baseline, and for each factor the baseline with it at its neutral value.

    Neutral values are those of NEUTRAL, in the factor's domain or not. Arguments and errors as for
    `one_at_a_time`.
    """
    start, context = start_document(space, baseline)
    factors = find_factors(space, names)
    candidates: list[Candidate] = [("baseline", {}, lambda: from_document(start))]
    left_out = []
    for factor in factors:
        path = factor.fields[0]
        neutral = NEUTRAL.get(path, NEUTRAL.get(field(path)))
        if neutral is None:
            left_out.append(f"{factor.name}: has no neutral value")
        elif not active(start, factor):
            left_out.append(f"{factor.name}: inactive in the baseline")
        elif value_in(start, factor) == neutral:
            left_out.append(f"{factor.name}: is {neutral} already, its neutral value")
        else:
            candidates.append(candidate(start, {factor: neutral}))
    return collect(candidates, space, left_out, values_in_words(start, factors, context))


def factorial(space: Space, baseline: Architecture, names: Sequence[str]) -> Design:
    """All combinations of the factors' values on the baseline, the baseline's own one first.

    The baseline's value is a level of each factor, in its domain or not. Cells that are one network
    share a row. UserError where the baseline has several values of a factor, or cells are many.
    """
    if not names:
        known = ", ".join(factor.name for factor in find_factors(space))
        raise UserError(f"--factors: a factorial design needs some of {known}")
    start, context = start_document(space, baseline)
    factors = find_factors(space, names)
    levels: list[list[Value]] = []
    for factor in factors:
        own = value_in(start, factor)
        if own is None:
            raise UserError(
                f"--factors: {factor.name} has several values in the baseline, "
                "so no combination is the baseline"
            )
        levels.append([own, *(value for value in factor.values if value != own)])
    if (count := prod(map(len, levels))) > MOST_CELLS:
        raise UserError(
            f"--factors: {', '.join(names)} have {count:,} combinations, "
            f"and at most {MOST_CELLS} can be asked for; name fewer factors"
        )
    cells = (dict(zip(factors, values, strict=True)) for values in product(*levels))
    return collect((candidate(start, cell) for cell in cells), space, (), context)
