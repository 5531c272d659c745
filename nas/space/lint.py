"""What a space says that it need not say, or that can not be meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nas.errors import UserError
from nas.space import paths
from nas.space.expression import evaluate

if TYPE_CHECKING:
    from nas.space.columns import Bools, Column, Columns
    from nas.space.space import Parameter, Space

FEW, RARE = 10, 0.001


def lint(space: Space) -> list[str]:
    """One sentence for each finding; empty where there is none.

    Values that change nothing, parameters that are never active, conditions that lowering covers,
    constraints that remove nothing or everything, points that can not be built, near-empty spaces.
    """
    columns = space.columns
    found = []
    for index, parameter in enumerate(space.parameters):
        if parameter.when is not None and not _active(columns, parameter).any():
            found.append(f"{parameter.name}: never active: {parameter.when_text}")
            continue
        if index in columns.axes:
            found += _idle_values(columns, columns.axes.index(index), parameter)
        if parameter.when is not None and _covered(space, index):
            found.append(
                f"{parameter.name}: the condition `{parameter.when_text}` is not needed: "
                "where it does not hold, the values are one architecture anyway"
            )
    return found + _constraints(space) + _size(space)


def _active(columns: Columns, parameter: Parameter) -> Bools:
    assert parameter.when is not None
    met = evaluate(parameter.when, columns.reader(columns.fields, tied=True))
    return np.asarray(met, dtype=bool)


def _telling(columns: Columns) -> list[Column]:
    """What tells points apart: their networks, and the fields that constraints read."""
    read = (column for c in columns.space.constraints for column in columns.read_by(c))
    return [*columns.telling, *read]


def _idle_values(columns: Columns, axis: int, parameter: Parameter) -> list[str]:
    """Values that give the same network as an earlier value, whatever the others are."""
    slots = [slot.ids for slot in _telling(columns) if slot.ids.shape[axis] > 1]
    groups: list[list[int]] = []
    for value in range(len(parameter.values)):
        for group in groups:
            if all(
                np.array_equal(ids.take(value, axis), ids.take(group[0], axis)) for ids in slots
            ):
                group.append(value)
                break
        else:
            groups.append([value])
    if len(groups) == 1:
        return [f"{parameter.name}: changes nothing"]
    return [
        f"{parameter.name}: {', '.join(str(parameter.values[v]) for v in group)} "
        "are one and the same"
        for group in groups
        if len(group) > 1
    ]


def _covered(space: Space, index: int) -> bool:
    """Whether without its condition the space would hold the same architectures.

    So it is where the parameter, let loose in the points in which it is inactive now, changes no
    slot and nothing that a constraint reads, and its base value is the same network there too.
    """
    parameter = space.parameters[index]
    base = tuple(dict.fromkeys(paths.get_value(space.base_document, p) for p in parameter.fields))
    loose = replace(
        parameter,
        values=tuple(dict.fromkeys((*parameter.values, *base))),
        weights=(),
        when=None,
        when_text="",
    )
    if len(loose.values) < 2 or len(base) != 1:
        return False
    parameters = (*space.parameters[:index], loose, *space.parameters[index + 1 :])
    try:
        columns = replace(space, parameters=parameters).columns
    except UserError:
        return False  # it is not known: with the parameter let loose, more varies than is handled
    axis = columns.axes.index(index)
    inactive = ~_active(columns, parameter)
    for slot in _telling(columns):
        if slot.ids.shape[axis] > 1:
            constant = (slot.ids == slot.ids.take([0], axis)).all(axis=axis, keepdims=True)
            if not np.all(constant | ~inactive):
                return False
    return True


def _constraints(space: Space) -> list[str]:
    try:
        points = space.table if space.listable else space.factored.samples
        buildable = points.buildable
        kept = [points.satisfied(i) & buildable for i in range(len(space.constraints))]
    except UserError:
        return []  # why the space is empty, or can not be counted, is said by `_size`
    found = []
    among = "" if space.listable else " of 20,000 samples"
    for i, constraint in enumerate(space.constraints):
        others = np.logical_and.reduce([buildable, *kept[:i], *kept[i + 1 :]])
        if not kept[i].any():
            found.append(f"constraint `{constraint.text}`: nothing{among} satisfies it")
        elif kept[i].sum() == buildable.sum():
            found.append(f"constraint `{constraint.text}`: removes nothing{among}")
        elif (others & kept[i]).sum() == others.sum():
            found.append(f"constraint `{constraint.text}`: the others imply it{among}")
    return found


def _size(space: Space) -> list[str]:
    try:
        count = space.count()
    except UserError as error:
        return [str(error)]
    found = []
    if count.value < FEW:
        found.append(f"only {count} distinct architectures are left")
    elif count.high < RARE * space.raw_points and space.constraints:
        found.append(f"only {count} of {space.raw_points:,} raw points are distinct and valid")
    if refusals := space.columns.refusals():
        found.append(f"some points can not be built: {refusals[0]}")
    return found
