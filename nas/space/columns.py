"""The lowering of a whole space at once, over columns.

What a part of a network is depends on few parameters. A column holds, for every raw point, which of
a few labels applies: an array with one axis for each parameter that varies, of length 1 along the
axes that do not matter. A function is applied once for each combination of labels that occurs, and
numpy's broadcasting does the rest.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Block, Part, Shape, Size
from nas.architecture.canonical import segments
from nas.architecture.lower import (
    IMAGE_CHANNELS,
    block_part,
    embedding_part,
    head_part,
    stem_part,
    transition_part,
)
from nas.architecture.value import STAGE_FIELDS, block_from, scaled
from nas.cost import ALL_COSTS, COSTS, Cost, part_cost
from nas.cost.parts import PartTable
from nas.errors import Faulty, UserError
from nas.space import paths
from nas.space.expression import evaluate

if TYPE_CHECKING:
    from nas.space.space import Constraint, Space

MAX_AXES = 60  # numpy has 64
MAX_POINTS = 20_000_000  # of the parameters that one part depends on, whatever they come to
MAX_LABELS = 200_000  # combinations that one part is made of: a minute, and some gigabytes
MAX_COST = 2**53  # of one part
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Chain = tuple[bytes, ...]


@dataclass(frozen=True)
class Refusal:
    """Why these points can not be built."""

    reason: str


@dataclass(frozen=True)
class Column:
    """`labels[ids]` for every raw point; `ids` broadcasts over the axes."""

    ids: Ints
    labels: list[Any]

    @cached_property
    def costs(self) -> dict[str, Ints]:
        """Of parts: cost name to the cost of each label; 0 for none and for refusals.

        UserError where one is so large that sums of them could run over.
        """
        zero = Cost(0, 0, 0)
        parts = [part_cost(x) if isinstance(x, Part) else zero for x in self.labels]
        found = {name: [getattr(part, name) for part in parts] for name in COSTS}
        for name, own in found.items():
            if max(own) > MAX_COST:
                raise UserError(
                    f"a part of the network has {max(own):,} {name}, and {MAX_COST:,} are handled"
                )
        return {name: np.array(own) for name, own in found.items()}

    def milliseconds(self, latency: PartTable) -> NDArray[np.float64]:
        """Of parts: the latency of each label; 0 for none and for refusals, nan where it is not
        known."""
        parts = [label if isinstance(label, Part) else None for label in self.labels]
        return np.array([0.0 if part is None else latency.get(part) for part in parts])

    @cached_property
    def values(self) -> NDArray[Any]:
        """The labels as an array: of numbers, where all of them are numbers."""
        numeric = all(isinstance(label, (int, float)) for label in self.labels)
        return np.array(self.labels, dtype=None if numeric else object)

    @cached_property
    def refused(self) -> Bools:
        """Whether each label is a Refusal."""
        return np.array([isinstance(label, Refusal) for label in self.labels])


def apply(
    function: Callable[..., Any],
    *columns: Column,
    same: Callable[[Any], Hashable] = lambda label: label,
) -> Column:
    """The column of `function` over the columns' labels; equal results (by `same`) are one label.

    A UserError of the function, and a Refusal among its arguments, become a Refusal.
    """
    points = math.prod(map(max, zip(*(column.ids.shape for column in columns), strict=True)))
    if points > MAX_POINTS:
        raise _too_many(points)
    code = np.zeros((1,) * columns[0].ids.ndim, dtype=np.int64)
    for column in columns:
        code = code * len(column.labels) + column.ids
    combinations, inverse = np.unique(code, return_inverse=True)
    if len(combinations) > MAX_LABELS:
        raise _too_many(len(combinations))
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


def _too_many(combinations: int) -> UserError:
    return UserError(
        f"a part of the network depends on {combinations:,} combinations of parameters, and "
        f"{MAX_LABELS:,} are handled; tie some ([*] instead of [each]), or give them fewer values"
    )


@contextmanager
def _named(part: str) -> Iterator[None]:
    """Errors within it begin with the part's name."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{part}: {error}") from None


def _call(function: Callable[..., Any], arguments: list[Any]) -> Any:
    for argument in arguments:
        if isinstance(argument, Refusal):
            return argument
    try:
        return function(*arguments)
    except Faulty:
        raise
    except UserError as error:
        return Refusal(str(error))


class Columns:
    """Fields and parts of a space, as columns.

    axes: the indices of the parameters with more than one value, one axis each. slots: the parts in
    the order of computation; a label is a Part, None where the slot is empty, or a Refusal.
    stage_of: for each slot the stage whose block it is, None for the parts between stages.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.axes = [i for i, p in enumerate(space.parameters) if len(p.values) > 1]
        if len(self.axes) > MAX_AXES:
            raise UserError(
                f"{space.name}: {len(self.axes)} parameters vary; at most {MAX_AXES} are handled"
            )
        self.shape = tuple(len(space.parameters[i].values) for i in self.axes)
        self.fields = self._fields()
        self.slots: list[Column] = []
        self.stage_of: list[int | None] = []
        with _no_collection():
            self._lower()

    def _fields(self) -> dict[str, Column]:
        """The value of each field that varies, base values where its parameter is inactive."""
        found: dict[str, Column] = {}
        document = self.space.base_document
        for index, parameter in enumerate(self.space.parameters):
            ids = np.arange(len(parameter.values), dtype=np.int64)
            ids = ids.reshape([-1 if axis == index else 1 for axis in self.axes])
            values = list(parameter.values)
            if parameter.when is not None:
                active = evaluate(parameter.when, self.reader(found, tied=True))
                ids = np.where(np.asarray(active, dtype=bool), ids, len(values))
            for path in parameter.fields:
                found[path] = Column(ids, [*values, paths.own_value(document, path)])
        return found

    def field(self, path: str) -> Column:
        """The column of any field, varying or not."""
        return self._resolve(path, self.fields)

    def _resolve(self, path: str, fields: dict[str, Column]) -> Column:
        """A block's field is its stage's where neither a parameter nor the base sets it."""
        stage = paths.of_stage(path)
        if path not in fields:
            value = paths.own_value(self.space.base_document, path)
            if stage and value is None:
                return self._resolve(stage, fields)
            return Column(np.zeros((1,) * len(self.axes), dtype=np.int64), [value])
        column = fields[path]
        if stage and None in column.labels:
            below = self._resolve(stage, fields)
            return apply(lambda own, of: of if own is None else own, column, below)
        return column

    def read_by(self, constraint: Constraint) -> list[Column]:
        """The fields that the constraint reads."""
        names = (name for name in constraint.expression.names() if name not in ALL_COSTS)
        stages = len(self.space.base_document["stages"])
        return [self.field(path) for name in names for path in paths.concrete(name, stages)]

    def reader(self, fields: dict[str, Column], *, tied: bool = False) -> Callable[[str], Any]:
        """Names of an expression to arrays over the points (a list of arrays for `[*]`)."""

        def one(path: str) -> Any:
            column = self._resolve(path, fields)
            return column.labels[0] if len(column.labels) == 1 else column.values[column.ids]

        return paths.reader(one, len(self.space.base_document["stages"]), tied=tied)

    def _lower(self) -> None:
        """Fill the slots: this is `nas.architecture.lower`, over columns."""

        def identity(part: Part | None) -> Hashable:
            return (part.input, segments(part)) if part else None

        def output(part: Part) -> tuple[int, ...]:
            return part.output

        def put(slot: Column, stage: int | None = None) -> None:
            self.slots.append(slot)
            self.stage_of.append(stage)

        width = self.field("width")
        image = apply(lambda text: (IMAGE_CHANNELS, *Size.parse(text)), self.field("input"))
        channels = apply(scaled, self.field("stem.channels"), width)
        kind, norm = self.field("stem.kind"), self.field("stem.norm")
        put(apply(stem_part, kind, norm, image, channels, same=identity))
        shape = apply(output, self.slots[-1])
        stages = self.space.base_document["stages"]
        for i in range(len(stages)):
            with _named(f"stages[{i}]"):
                channels = apply(scaled, self.field(f"stages[{i}].channels"), width)
                depth = self.field(f"stages[{i}].depth")
                for j in range(max(n for n in depth.labels if n)):
                    block = self._block(i, j)

                    def drawn(
                        n: int, block: Block, shape: Shape, out: int, j: int = j
                    ) -> Part | None:
                        return block_part(block.read(), shape, out) if j < n else None

                    put(apply(drawn, depth, block, shape, channels, same=identity), stage=i)
                    shape = apply(lambda own, c: (c, *own[1:]), shape, channels)
                if i + 1 < len(stages):
                    downsample = self.field(f"stages[{i}].downsample")
                    put(apply(transition_part, shape, downsample, same=identity))
                    shape = apply(output, self.slots[-1])
        put(apply(head_part, shape, same=identity))
        shape = apply(output, self.slots[-1])
        put(apply(embedding_part, shape, self.field("embedding"), same=identity))

    def _block(self, stage: int, index: int) -> Column:
        """The description of one block, from the fields of its stage and its own overrides."""
        entry = self.space.base_document["stages"][stage]
        fields: dict[str, Any] = {}
        for prefix, fixed in (
            (f"stages[{stage}].", entry),
            (f"stages[{stage}].blocks[{index}].", entry.get("blocks", {}).get(str(index), {})),
        ):
            fields |= {n: v for n, v in fixed.items() if n not in (*STAGE_FIELDS, "blocks")}
            for path in self.fields:
                name = path.removeprefix(prefix)
                if path.startswith(prefix) and "." not in name and name not in STAGE_FIELDS:
                    fields[name] = self.field(path)
        varying = {name: value for name, value in fields.items() if isinstance(value, Column)}

        def describe(*values: Any) -> Any:
            chosen = fields | dict(zip(varying, values, strict=False))
            given = {name: value for name, value in chosen.items() if value is not None}
            return block_from(given, f"stages[{stage}]")

        return apply(describe, *(varying.values() or [self.field(f"stages[{stage}].family")]))

    @property
    def telling(self) -> list[Column]:
        """What tells architectures apart: the input, and the parts; equal labels are one."""
        return [apply(lambda text: text, self.field("input")), *self.slots]

    def refusals(self) -> list[str]:
        """The reasons for which points can not be built."""
        labels = (label for slot in self.slots for label in slot.labels)
        return sorted({label.reason for label in labels if isinstance(label, Refusal)})


@contextmanager
def _no_collection() -> Iterator[None]:
    """Garbage collection walks the many layers again and again, and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def decodable(slots: list[Column]) -> bool:
    """Whether equal chains of segments must come from equal slots.

    This is the unique decodability of the parts as code words, by Sardinas and Patterson (1953): no
    word that is left dangling when one chain is laid over another is itself a word.
    """
    words = {segments(x) for slot in slots for x in slot.labels if isinstance(x, Part)}
    by_start: dict[bytes, set[Chain]] = {}
    for word in words:
        by_start.setdefault(word[0], set()).add(word)

    def dangling(head: Chain, others: Iterable[Chain]) -> set[Chain]:
        """What is left of the others that begin with `head`."""
        return {other[len(head) :] for other in others if other[: len(head)] == head} - {()}

    pending = {rest for word in words for rest in dangling(word, by_start[word[0]])}
    seen: set[Chain] = set()
    while pending:
        if pending & words:
            return False
        seen |= pending
        found: set[Chain] = set()
        for rest in pending:
            nearby = by_start.get(rest[0], set())
            found |= dangling(rest, nearby)
            for word in nearby:
                found |= dangling(word, [rest])
        pending = found - seen
    return True
