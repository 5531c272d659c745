"""A network of another kind at the same cost, by its width."""

from __future__ import annotations

from dataclasses import replace

from nas.architecture import Architecture, Block
from nas.arguments import check_one_of
from nas.cost.exact import COSTS, cost
from nas.errors import Faulty, UserError

TOLERANCE = 0.02
FINEST = 2048  # widths are multiples of 1 / FINEST
WIDEST = 8
NEAR = 32  # widths within 1 / NEAR of what halving finds are tried too


def match(architecture: Architecture, target: int, name: str = "macs") -> Architecture:
    """The architecture at the width whose cost `name` is nearest to `target`.

    UserError where no width up to 8 comes within 2% of it, or none of 1 to 8 can be built.
    """
    check_one_of("--cost", name, COSTS)

    def at(steps: int) -> Architecture:
        return replace(architecture, width=steps / FINEST)

    found: dict[int, int] = {}  # widths that can be built
    refused: dict[int, UserError] = {}

    def buildable(steps: int) -> bool:
        if steps not in found and steps not in refused:
            try:
                found[steps] = getattr(cost(at(steps)), name)
            except Faulty:
                raise
            except UserError as error:  # too narrow, or no multiple of the family's groups
                refused[steps] = error
        return steps in found

    if not any(buildable(width * FINEST) for width in range(WIDEST, 0, -1)):
        raise refused[FINEST]
    low, high = 1, WIDEST * FINEST
    while low < high:
        middle = (low + high) // 2
        above = next(filter(buildable, range(middle, high + 1)), None)
        small = above is not None and found[above] < target
        low, high = (above + 1, high) if above is not None and small else (low, middle)
    # The cost of groups falls by up to 1% where they grow wider: the nearest is close by then.
    for steps in range(low - low // NEAR, min(low + low // NEAR, WIDEST * FINEST) + 1):
        buildable(steps)
    best = min(found, key=lambda steps: (abs(found[steps] - target), steps))
    if abs(found[best] - target) > TOLERANCE * target:
        raise UserError(
            f"no width brings {name} within {TOLERANCE:.0%} of {target:,}: "
            f"the nearest is {found[best]:,} at width {best / FINEST:g}"
        )
    return at(best)


def with_family(architecture: Architecture, family: str) -> Architecture:
    """The same macro-architecture, its blocks of `family` with that family's defaults."""
    stages = (replace(s, block=Block(family), overrides=()) for s in architecture.stages)
    return replace(architecture, stages=tuple(stages))
