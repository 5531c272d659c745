"""Keys and costs of all raw points of a space at once, as arrays.

A network is a chain of parts, and what a part is depends on few parameters. So the lowering is
written over columns: a column holds, for every raw point, which of a few labels applies, as an
array with one axis a parameter and length 1 along those that do not matter. A function is applied
once for each combination of labels that occurs, and numpy's broadcasting does the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Part, Size
from nas.architecture.canonical import segments
from nas.architecture.lower import (
    IMAGE_CHANNELS,
    block_part,
    embedding_part,
    head_part,
    key_of_parts,
    stem_part,
    transition_part,
)
from nas.architecture.value import STAGE_FIELDS, block_from, scaled
from nas.cost import COSTS, Cost, part_cost
from nas.errors import UserError
from nas.space import paths
from nas.space.expression import evaluate

if TYPE_CHECKING:
    from nas.space.space import Space

MAX_POINTS = 10_000_000
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Refusal:
    """Why these points can not be built."""

    reason: str


@dataclass(frozen=True)
class Column:
    """`labels[ids]` for every raw point; `ids` broadcasts over the axes of the parameters."""

    ids: Ints
    labels: list[Any]

    def map(self, function: Callable[[Any], Any]) -> NDArray[Any]:
        """`function` of each label, as an array that broadcasts like `ids`."""
        return np.array([function(label) for label in self.labels])[self.ids]


def apply(
    function: Callable[..., Any],
    *columns: Column,
    same: Callable[[Any], Hashable] = lambda label: label,
) -> Column:
    """The column of `function` over the columns' labels; equal results (by `same`) are one label.

    A UserError of the function, and a Refusal among its arguments, become a Refusal.
    """
    code = np.zeros((1,) * columns[0].ids.ndim, dtype=np.int64)
    for column in columns:
        code = code * len(column.labels) + column.ids
    combinations, inverse = np.unique(code, return_inverse=True)
    labels: list[Any] = []
    known: dict[Hashable, int] = {}
    ids = np.empty(len(combinations), dtype=np.int64)
    for i, combination in enumerate(combinations.tolist()):
        arguments: list[Any] = []
        for column in reversed(columns):
            combination, label = divmod(combination, len(column.labels))
            arguments.append(column.labels[label])
        made = _call(function, arguments[::-1])
        name = made if isinstance(made, Refusal) else same(made)
        if name not in known:
            known[name] = len(labels)
            labels.append(made)
        ids[i] = known[name]
    return Column(ids[inverse].reshape(code.shape), labels)


def _call(function: Callable[..., Any], arguments: list[Any]) -> Any:
    for argument in arguments:
        if isinstance(argument, Refusal):
            return argument
    try:
        return function(*arguments)
    except UserError as error:
        return Refusal(str(error))


class Table:
    """All raw points of one space. Index i is the point whose last parameter varies fastest."""

    def __init__(self, space: Space) -> None:
        if space.raw_points > MAX_POINTS:
            raise UserError(
                f"{space.name} has {space.raw_points:,} raw points; "
                f"counting and sampling take at most {MAX_POINTS:,}"
            )
        self.space = space
        self.shape = tuple(len(p.values) for p in space.parameters)
        self.fields = self._fields()
        self.parts = self._parts()

    def _fields(self) -> dict[str, Column]:
        """The value of each field that varies, base values where its parameter is inactive."""
        found: dict[str, Column] = {}
        axes = len(self.shape)
        for axis, parameter in enumerate(self.space.parameters):
            ids = np.arange(len(parameter.values), dtype=np.int64)
            ids = ids.reshape([-1 if i == axis else 1 for i in range(axes)])
            values = list(parameter.values)
            if parameter.when is not None:
                active = np.asarray(
                    evaluate(parameter.when, _reader(self.space, found, tied=True)), dtype=bool
                )
                ids = np.where(active, ids, len(values))
            for path in parameter.fields:
                base = paths.get_value(self.space.base_document, path)
                found[path] = Column(ids, [*values, base])
        return found

    def field(self, path: str) -> Column:
        """The column of any field, varying or not."""
        if path in self.fields:
            return self.fields[path]
        base = paths.get_value(self.space.base_document, path)
        return Column(np.zeros((1,) * len(self.shape), dtype=np.int64), [base])

    def _parts(self) -> list[Column]:
        """The network's slots in the order of computation; a label is a Part, or None if absent.

        This is `nas.architecture.lower` over columns.
        """

        def identity(part: Part | None) -> Hashable:
            return (part.input, segments(part)) if part else None

        def output(part: Part) -> tuple[int, ...]:
            return part.output

        width = self.field("width")
        image = apply(lambda text: (IMAGE_CHANNELS, *Size.parse(text)), self.field("input"))
        channels = apply(scaled, self.field("stem.channels"), width)
        slots = [apply(stem_part, self.field("stem.kind"), image, channels, same=identity)]
        shape = apply(output, slots[-1])
        stages = self.space.base_document["stages"]
        for i in range(len(stages)):
            channels = apply(scaled, self.field(f"stages[{i}].channels"), width)
            depth = self.field(f"stages[{i}].depth")
            for j in range(max(depth.labels)):
                block = self._block(i, j)
                part = apply(block_part, block, shape, channels, same=identity)
                shape = apply(lambda own, c: (c, *own[1:]), shape, channels)
                slots.append(
                    apply(lambda made, n, j=j: made if j < n else None, part, depth, same=identity)
                )
            if i + 1 < len(stages):
                downsample = self.field(f"stages[{i}].downsample")
                slots.append(apply(transition_part, shape, downsample, same=identity))
                shape = apply(output, slots[-1])
        slots.append(apply(head_part, shape, same=identity))
        shape = apply(output, slots[-1])
        slots.append(apply(embedding_part, shape, self.field("embedding"), same=identity))
        return slots

    def _block(self, stage: int, index: int) -> Column:
        """The description of one block, from the fields of its stage and its own overrides."""
        entry = self.space.base_document["stages"][stage]
        fixed = {n: v for n, v in entry.items() if n not in (*STAGE_FIELDS, "blocks")}
        fixed |= entry.get("blocks", {}).get(str(index), {})
        varying: dict[str, Column] = {}
        for prefix in (f"stages[{stage}].", f"stages[{stage}].blocks[{index}]."):
            for path, column in self.fields.items():
                name = path.removeprefix(prefix)
                if path.startswith(prefix) and "." not in name and name not in STAGE_FIELDS:
                    varying[name] = column
        names = list(varying)

        def describe(*values: Any) -> Any:
            given = {n: v for n, v in zip(names, values, strict=True) if v is not None}
            return block_from({**fixed, **given}, f"stages[{stage}]")

        columns = list(varying.values()) or [self.field(f"stages[{stage}].family")]
        return apply(describe if names else lambda _: describe(), *columns)

    @cached_property
    def buildable(self) -> Bools:
        """Whether each raw point can be built; shape of the parameters' axes."""
        refused = np.zeros(self.shape, dtype=bool)
        for slot in self.parts:
            refused |= slot.map(lambda part: isinstance(part, Refusal))
        return ~refused

    def refusals(self) -> list[str]:
        """The reasons for which points can not be built."""
        found = {
            label.reason
            for slot in self.parts
            for label in slot.labels
            if isinstance(label, Refusal)
        }
        return sorted(found)

    @cached_property
    def costs(self) -> dict[str, Ints]:
        """macs, params and activation_bytes of each raw point; 0 where it can not be built."""
        found = {name: np.zeros(self.shape, dtype=np.int64) for name in COSTS}

        def costed(part: Part | Refusal | None) -> Cost:
            return part_cost(part) if isinstance(part, Part) else Cost(0, 0, 0)

        for slot in self.parts:
            of_labels = [costed(label).as_dict() for label in slot.labels]
            for name, total in found.items():
                own = np.array([each[name] for each in of_labels])[slot.ids]
                if name == "activation_bytes":
                    np.maximum(total, own, out=total)
                else:
                    total += own
        return found

    def satisfied(self, index: int) -> Bools:
        """Whether each raw point meets constraint `index` of the space."""
        expression = self.space.constraints[index].expression
        met = evaluate(expression, _reader(self.space, self.fields, self.costs))
        return np.broadcast_to(np.asarray(met, dtype=bool), self.shape)

    @cached_property
    def valid(self) -> Bools:
        """Whether each raw point can be built and meets every constraint."""
        valid = self.buildable.copy()
        for index in range(len(self.space.constraints)):
            valid &= self.satisfied(index)
        return valid

    @cached_property
    def identity(self) -> Ints:
        """Equal numbers for raw points of equal key, and only for these."""
        image = self.field("input")
        code, size = np.broadcast_to(image.ids, self.shape).copy(), len(image.labels)
        for slot in self.parts:
            if size * len(slot.labels) >= 2**62:
                values, inverse = np.unique(code, return_inverse=True)
                code, size = inverse.reshape(self.shape), len(values)
            code = code * len(slot.labels) + slot.ids
            size *= len(slot.labels)
        if _decodable([slot.labels for slot in self.parts]):
            return code
        return self._identity_by_key(code)

    def _identity_by_key(self, code: Ints) -> Ints:
        """Slow and always right: merge the codes whose chains of parts have the same key."""
        values, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        known: dict[str, int] = {}
        numbers = np.empty(len(values), dtype=np.int64)
        for i, point in enumerate(first.tolist()):
            where = np.unravel_index(point, self.shape)
            picked = [s.labels[np.broadcast_to(s.ids, self.shape)[where]] for s in self.parts]
            if any(isinstance(part, Refusal) for part in picked):
                text = f"refused {i}"
            else:
                image = self.field("input")
                size = Size.parse(image.labels[np.broadcast_to(image.ids, self.shape)[where]])
                text = key_of_parts(size, tuple(part for part in picked if part))
            numbers[i] = known.setdefault(text, len(known))
        return numbers[inverse].reshape(self.shape)

    @cached_property
    def distinct(self) -> Ints:
        """Indices of one raw point (the first) for each distinct valid architecture, ascending.

        UserError names what emptied the space where there is none.
        """
        indices = np.flatnonzero(self.valid)
        if not len(indices):
            raise UserError(f"{self.space.name} is empty: {self._why_empty()}")
        _, first = np.unique(self.identity.ravel()[indices], return_index=True)
        return np.sort(indices[first])

    def _why_empty(self) -> str:
        if not self.buildable.any():
            return f"nothing in it can be built: {self.refusals()[0]}"
        reasons = []
        for index, constraint in enumerate(self.space.constraints):
            left = int((self.buildable & self.satisfied(index)).sum())
            total = int(self.buildable.sum())
            reasons.append(f"`{constraint.text}` alone leaves {left:,} of {total:,} raw points")
            if constraint.needs_cost() and not left:
                reasons.append(self.cost_range())
        return "; ".join(reasons)

    def cost_range(self) -> str:
        """The range of macs and params of what can be built, in words."""
        return ", ".join(
            f"{name} {self.costs[name][self.buildable].min():,} to "
            f"{self.costs[name][self.buildable].max():,}"
            for name in ("macs", "params")
        )

    def with_cost(self, cost: Cost) -> Ints:
        """Indices of the distinct valid architectures of exactly this cost."""
        chosen = np.ones(len(self.distinct), dtype=bool)
        for name, value in cost.as_dict().items():
            chosen &= self.costs[name].ravel()[self.distinct] == value
        return self.distinct[chosen]


def _reader(
    space: Space,
    fields: dict[str, Column],
    costs: dict[str, Ints] | None = None,
    *,
    tied: bool = False,
) -> Callable[[str], Any]:
    """Names of an expression to arrays over the raw points (a list of arrays for `[*]`)."""
    from nas.space.space import is_list

    def one(path: str) -> Any:
        if path not in fields:
            return paths.get_value(space.base_document, path)
        column = fields[path]
        numeric = all(isinstance(label, (int, float)) for label in column.labels)
        return np.array(column.labels, dtype=None if numeric else object)[column.ids]

    def find(name: str) -> Any:
        if costs and name in costs:
            return costs[name]
        groups = paths.expand(name, len(space.base_document["stages"]))
        found = [one(path) for group in groups for path in group]
        return found if is_list(name) and not tied else found[0]

    return find


def _decodable(slots: list[list[Any]]) -> bool:
    """Whether equal chains of segments must come from equal slots: no part begins another one."""
    chains = sorted(
        {segments(part) for labels in slots for part in labels if isinstance(part, Part)}
    )
    pairs = itertools.pairwise(chains)
    return not any(longer[: len(shorter)] == shorter for shorter, longer in pairs)
