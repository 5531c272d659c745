"""A design: the architectures that an ablation trains, and what tells them apart.

The first row is the baseline, and all keys differ: what is another row again, can not be built, or
breaks a constraint is left out, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod

from nas.architecture import Architecture, key
from nas.architecture.fields import Value
from nas.cost import cost, match
from nas.errors import UserError
from nas.space import Space

MATCHED = ("macs", "params")
"""Costs to which rows can be fitted."""
SAME_COST = 0.005
"""A row this near to the baseline's cost keeps its width."""


@dataclass(frozen=True)
class Row:
    """An architecture of a design. factors: what was set on the baseline, by the factor's name."""

    label: str
    factors: Mapping[str, Value]
    architecture: Architecture


@dataclass(frozen=True)
class Cell:
    """A combination that was asked for, and the index of its row; None where it is left out.

    Combinations that are one network share a row: it is trained once.
    """

    factors: Mapping[str, Value]
    row: int | None


@dataclass(frozen=True)
class Design:
    """Rows, the baseline first; all cells; a line for each that is no row of its own.

    context: what the baseline has where rows differ from it, and what the space fixes, and was
    therefore set on it; empty if nothing. matched: the cost of the baseline's to which the widths
    of the rows were fitted, empty if none.
    """

    rows: tuple[Row, ...]
    cells: tuple[Cell, ...]
    left_out: tuple[str, ...] = ()
    context: str = ""
    matched: str = ""

    @property
    def factorial(self) -> bool:
        """Whether the cells are all combinations of two factors or more, each of them once."""
        names = tuple(self.cells[0].factors)
        if any(set(cell.factors) != set(names) for cell in self.cells):
            return False
        found = {tuple(cell.factors[name] for name in names) for cell in self.cells}
        levels = [len(set(own)) for own in zip(*found, strict=True)]
        vary = sum(own > 1 for own in levels)
        return vary > 1 and len(self.cells) == len(found) == prod(levels)


Candidate = tuple[str, Mapping[str, Value], Callable[[], Architecture]]
"""A label, the factors, and what makes the architecture, or raises UserError."""


def collect(
    candidates: Iterable[Candidate],
    space: Space | None = None,
    left_out: Iterable[str] = (),
    context: str = "",
) -> Design:
    """The design of these candidates, the baseline first. left_out: what was left out before.

    The baseline need not meet the constraints of the space, only be built. UserError where it can
    not, and where no other row remains.
    """
    rows: list[Row] = []
    cells: list[Cell] = []
    reasons = list(left_out)
    place: dict[str, int] = {}
    for label, factors, make in candidates:
        row, reason = None, ""
        try:
            architecture = make()
            name = key(architecture)
        except UserError as error:
            if not rows:
                raise
            reason = str(error)
        else:
            if name in place:
                row = place[name]
                reason = f"the same network as {rows[row].label}"
            elif rows and space and (constraint := space.broken(architecture)):
                reason = f"breaks {constraint.text}"
            else:
                row = place[name] = len(rows)
                rows.append(Row(label, factors, architecture))
        cells.append(Cell(factors, row))
        if reason:
            reasons.append(f"{label}: {reason}")
    if len(rows) < 2:
        base = space.broken(rows[0].architecture, foreign=True) if space else None
        other = f"; it breaks {base.text} itself: --baseline names another one" if base else ""
        told = "; ".join(reasons) or "no row"
        raise UserError(f"nothing to compare with the baseline: {told}{other}")
    return Design(tuple(rows), tuple(cells), tuple(reasons), context)


def match_cost(design: Design, name: str = "macs") -> Design:
    """The design with the width of every row fitted, so that its cost `name` is the baseline's.

    A row within SAME_COST of it keeps its width. What no width brings within 2% is left out, and
    so is what differed from the baseline in width alone.
    """
    target = getattr(cost(design.rows[0].architecture), name)
    found = collect(_fitted(row, target, name) for row in design.rows)
    cells = tuple(
        cell if cell.row is None else replace(cell, row=found.cells[cell.row].row)
        for cell in design.cells
    )
    left_out = (*design.left_out, *found.left_out)
    return Design(found.rows, cells, left_out, design.context, matched=name)


def _fitted(row: Row, target: int, name: str) -> Candidate:
    """The row at the width of this cost, which is said in its label."""
    own = row.architecture
    if abs(getattr(cost(own), name) - target) <= SAME_COST * target:
        return row.label, row.factors, lambda: own
    try:
        found = match(own, target, name)
    except UserError as error:
        reason = str(error)

        def refuse() -> Architecture:
            raise UserError(reason)

        return row.label, row.factors, refuse
    return f"{row.label}, width {found.width:.4g}", row.factors, lambda: found
