"""Distinct architectures of a space that is too large to list, from its structure.

Slots of the network that share no parameter vary independently. So: fix the parameters that several
clusters of slots share (and those that a constraint on fields reads); what each cluster can then be
is a set, and what the network can be is the product of these sets, a box. Different choices of the
shared parameters give boxes that may overlap; their union is counted and sampled (`boxes.py`).

Constraints that read a cost do not factor: their share is estimated on uniform samples.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas.cost import COSTS, LATENCY, joined
from nas.errors import UserError
from nas.seeds import derived_seed
from nas.space.boxes import Union
from nas.space.columns import Bools, Column, Ints, decodable
from nas.space.expression import evaluate
from nas.space.points import Points
from nas.space.space import Count
from nas.space.table import combined, in_words

if TYPE_CHECKING:
    from nas.space.space import Constraint, Draw, Space

MAX_SHARED, MAX_CLUSTER = 2_000_000, 4_000_000
ESTIMATE_SAMPLES = 20_000
BATCHES = 20  # of so many, before a space counts as empty


@dataclass(frozen=True)
class Cluster:
    """Slots that vary together.

    shared, local: its axes. elements: (shared combinations, local combinations), which of the
    cluster's distinct contents each gives, -1 where it can not be built. set_of: which of `sets`
    (sorted arrays of elements) each shared combination allows. costs: of each element.
    """

    shared: list[int]
    local: list[int]
    elements: Ints
    set_of: Ints
    sets: list[Ints]
    costs: dict[str, NDArray[Any]]

    def first(self, rows: Ints, elements: Ints) -> Ints:
        """For each shared combination (n,) and an element (n,) that it allows: the first local
        combination that gives it."""
        known, places = self._sorted
        return places[np.searchsorted(known, rows * self._apart + elements)]

    @property
    def _apart(self) -> int:
        """From an element in one row to the same in the next, so that no two are equal."""
        return len(next(iter(self.costs.values()))) + 1

    @cached_property
    def _sorted(self) -> tuple[Ints, Ints]:
        """What rows and elements are as one number, ascending, and where each comes first."""
        rows, count = self.elements.shape
        numbers = np.arange(rows)[:, None] * self._apart + self.elements
        known, first = np.unique(numbers, return_index=True)
        return known, first % count


class Factored:
    """The union of boxes; raises UserError where the space does not factor."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.columns = space.columns
        if not decodable(self.columns.slots):
            raise UserError(f"{space.name}: parts that begin other parts, in a space this large")
        self.slots = self.columns.telling
        groups = self._groups()
        self.shared = self._shared_axes(groups)
        sizes = [self.columns.shape[axis] for axis in self.shared]
        if prod(sizes) > MAX_SHARED:
            raise UserError(
                f"{space.name}: its parameters are shared too widely to count {space.raw_points:,} "
                f"raw points; at most {MAX_SHARED:,} combinations of shared ones are handled"
            )
        self.shared_shape = tuple(sizes)
        self.clusters = [self._cluster(group) for group in groups]
        self.boxes, self.corner = self._boxes()

    def _support(self, column: Column) -> set[int]:
        return {axis for axis, size in enumerate(column.ids.shape) if size > 1}

    def _groups(self) -> list[list[int]]:
        """Slots by cluster: blocks of one stage that share a parameter of that stage alone."""
        supports = [self._support(slot) for slot in self.slots]
        stages = [None, *self.columns.stage_of]
        where: dict[int, set[object]] = {}
        for number, support in enumerate(supports):
            stage = stages[number]
            for axis in support:
                where.setdefault(axis, set()).add(("own", number) if stage is None else stage)
        groups: list[list[int]] = []
        for number, support in enumerate(supports):
            local = {axis for axis in support if len(where[axis]) == 1}
            joined = [g for g in groups if any(local & supports[other] for other in g)]
            groups = [g for g in groups if g not in joined]
            groups.append([*(member for group in joined for member in group), number])
        return sorted(sorted(group) for group in groups)

    def _shared_axes(self, groups: list[list[int]]) -> list[int]:
        seen = Counter(
            axis
            for group in groups
            for axis in set().union(*(self._support(self.slots[number]) for number in group))
        )
        shared = {axis for axis, count in seen.items() if count > 1}
        for constraint in self.space.constraints:
            for column in self.columns.read_by(constraint):
                shared |= self._support(column)
        return sorted(shared)

    def _cluster(self, group: list[int]) -> Cluster:
        """Tabulate what the cluster's slots can be together."""
        slots = [self.slots[number] for number in group]
        support = sorted(set().union(*(self._support(slot) for slot in slots)))
        shared = [axis for axis in support if axis in self.shared]
        local = [axis for axis in support if axis not in self.shared]
        order = [*shared, *local]
        sizes = [self.columns.shape[axis] for axis in order]
        if prod(sizes) > MAX_CLUSTER:
            raise UserError(
                f"{self.space.name}: {prod(sizes):,} combinations for one stage; "
                f"at most {MAX_CLUSTER:,} are handled"
            )
        rows = prod(self.columns.shape[axis] for axis in shared)

        def flat(array: Ints) -> Ints:
            """(shared combinations, local combinations) of an array over all axes."""
            rest = [axis for axis in range(array.ndim) if axis not in order]
            small = array.transpose([*order, *rest]).reshape([array.shape[a] for a in order])
            return np.broadcast_to(small, sizes).reshape(rows, -1)

        flattened = [Column(flat(slot.ids), slot.labels) for slot in slots]
        code = combined(flattened, (rows, prod(sizes) // rows))
        refused = np.zeros(code.shape, dtype=bool)
        for slot in flattened:
            refused |= slot.refused[slot.ids]
        _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        elements = np.where(refused, -1, inverse.reshape(code.shape))
        costs: dict[str, NDArray[Any]]
        costs = {name: np.zeros(len(first), dtype=np.int64) for name in COSTS}
        if latency := self.space.latency:
            costs[LATENCY] = np.zeros(len(first))
        for slot in flattened:
            own_ids = slot.ids.ravel()[first]
            for name, own in slot.costs.items():
                joined(name)(costs[name], own[own_ids], out=costs[name])
            if latency:
                costs[LATENCY] += slot.milliseconds(latency)[own_ids]
        known: dict[bytes, int] = {}
        sets: list[Ints] = []
        set_of = np.empty(rows, dtype=np.int64)
        for row in range(rows):
            found = np.unique(elements[row])
            found = found[found >= 0]
            if found.tobytes() not in known:
                known[found.tobytes()] = len(sets)
                sets.append(found)
            set_of[row] = known[found.tobytes()]
        return Cluster(shared, local, elements, set_of, sets, costs)

    def _boxes(self) -> tuple[Ints, Ints]:
        """Distinct boxes (n, clusters) as set numbers, and a shared combination for each (n,)."""
        size = prod(self.shared_shape)
        allowed = np.ones(size, dtype=bool)
        for constraint in self.space.constraints:
            if not constraint.needs_cost():
                allowed &= self._met(constraint)
        every = np.arange(size)
        codes = np.unravel_index(every, self.shared_shape) if self.shared else ()
        place = dict(zip(self.shared, codes, strict=True))
        chosen = []
        for cluster in self.clusters:
            row = np.zeros(size, dtype=np.int64)
            for axis in cluster.shared:
                row = row * self.columns.shape[axis] + place[axis]
            chosen.append(cluster.set_of[row])
            empty = np.array([not len(found) for found in cluster.sets])
            allowed &= ~empty[chosen[-1]]
        self.mixed = [
            self._over_shared(column.ids)
            for constraint in self.space.constraints
            if constraint.needs_cost()
            for column in self.columns.read_by(constraint)
        ]
        table = np.stack([*chosen, *self.mixed], axis=1)[allowed]
        _, first = np.unique(table, axis=0, return_index=True)
        return table[first][:, : len(chosen)], np.flatnonzero(allowed)[first]

    def _met(self, constraint: Constraint) -> Bools:
        """Whether each shared combination meets a constraint on fields."""
        met = evaluate(constraint.expression, self.columns.reader(self.columns.fields))
        return self._over_shared(np.asarray(met, dtype=bool))

    def _over_shared(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array that depends on shared axes only, over all their combinations."""
        if array.ndim == 0:
            return np.full(prod(self.shared_shape), array)
        rest = [axis for axis in range(array.ndim) if axis not in self.shared]
        small = array.transpose([*self.shared, *rest])
        small = small.reshape([array.shape[axis] for axis in self.shared])
        return np.broadcast_to(small, self.shared_shape).reshape(-1)

    @cached_property
    def unconstrained(self) -> int:
        """Distinct architectures that meet the constraints on fields; exact."""
        return self.union.count

    @cached_property
    def union(self) -> Union:
        return Union(self.boxes, [cluster.sets for cluster in self.clusters])

    @cached_property
    def samples(self) -> Points:
        """ESTIMATE_SAMPLES points, as `sample` with seed 0 gives them: what estimates rest on."""
        return self.sample(ESTIMATE_SAMPLES, seed=0)

    def sample(self, count: int, seed: int) -> Points:
        """`count` points, uniform over the distinct architectures that `unconstrained` counts."""
        if not self.unconstrained:
            raise UserError(f"{self.space.name} is empty: {self._why_nothing()}")
        random = np.random.Generator(np.random.PCG64(seed))
        elements, ends = self.union.sample(count, random)
        box = np.zeros(count, dtype=np.int64)
        for end, rows in ends.items():
            box[rows] = self.union.ends[end][0]
        codes = self._codes(box, elements)
        if self.mixed:
            for end, rows in ends.items():
                codes[rows] = self._best_corner(self.union.ends[end], elements[rows])
        return Points(self.columns, codes)

    def _best_corner(self, boxes: Ints, elements: Ints) -> Ints:
        """Codes in the first of these boxes in which an architecture is valid, if there is one.

        It matters where a constraint reads a field and a cost: the field may differ between points
        of one architecture.
        """
        codes = self._codes(np.full(len(elements), boxes[0]), elements)
        for other in boxes[1:]:
            bad = np.flatnonzero(~self.valid(Points(self.columns, codes)))
            if not len(bad):
                break
            codes[bad] = self._codes(np.full(len(bad), other), elements[bad])
        return codes

    def _codes(self, box: Ints, elements: Ints) -> Ints:
        """A point for each architecture: the corner of its box, and local values that fit."""
        codes = np.zeros((len(box), len(self.columns.shape)), dtype=np.int64)
        corner = np.unravel_index(self.corner[box], self.shared_shape) if self.shared else ()
        for axis, values in zip(self.shared, corner, strict=True):
            codes[:, axis] = values
        for number, cluster in enumerate(self.clusters):
            row = np.zeros(len(box), dtype=np.int64)
            for axis in cluster.shared:
                row = row * self.columns.shape[axis] + codes[:, axis]
            sizes = tuple(self.columns.shape[axis] for axis in cluster.local)
            local = (
                np.unravel_index(cluster.first(row, elements[:, number]), sizes) if sizes else ()
            )
            for axis, values in zip(cluster.local, local, strict=True):
                codes[:, axis] = values
        return codes

    def valid_points(self, count: int, seed: int) -> Points:
        """At most `count` points, uniform over distinct valid architectures."""
        points, valid, _ = self._until_valid(count, seed)
        return points.rows(np.flatnonzero(valid)[:count])

    def _until_valid(self, count: int, seed: int) -> tuple[Points, Bools, int]:
        """The first batch of points with valid ones, which these are, and how many were drawn.

        UserError that names the constraints where BATCHES of ESTIMATE_SAMPLES draws meet none.
        """
        drawn = 0
        for batch in range(BATCHES):
            own = derived_seed(seed, batch) if batch else seed
            known = own == 0 and count <= ESTIMATE_SAMPLES
            points = self.samples if known else self.sample(max(count, ESTIMATE_SAMPLES), own)
            drawn += len(points)
            valid = self.valid(points)
            if valid.any():
                return points, valid, drawn
        raise UserError(f"{self.space.name} seems to be empty: {self._why_empty(points)}")

    def sample_valid(self, draw: Draw) -> Points:
        """One point, uniform over distinct valid architectures."""
        for _ in range(8):
            points = self.sample(64, draw(2**62))
            valid = self.valid(points)
            if valid.any():
                return points.rows(np.flatnonzero(valid)[:1])
        return self.valid_points(1, draw(2**62))

    def estimate(self) -> Count:
        """The number of distinct valid architectures, by the share of uniform samples."""
        from scipy.stats import binomtest

        _, valid, n = self._until_valid(ESTIMATE_SAMPLES, seed=0)
        hits, total = int(valid.sum()), self.unconstrained
        low, high = binomtest(hits, n).proportion_ci(method="wilson")
        return Count(round(total * hits / n), int(total * low), round(total * high), exact=False)

    def _why_nothing(self) -> str:
        """What each constraint on fields leaves alone, and why what is left can not be built."""
        raw = self.space.raw_points
        each = raw // prod(self.shared_shape)
        reasons = [
            f"`{c.text}` alone leaves {int(self._met(c).sum()) * each:,} of {raw:,} raw points"
            for c in self.space.constraints
            if not c.needs_cost()
        ]
        refusals = [f"not all can be built: {text}" for text in self.columns.refusals()[:1]]
        return "; ".join(reasons + refusals)

    def _why_empty(self, points: Points) -> str:
        reasons = [
            f"`{c.text}` alone leaves {int(points.satisfied(i).sum()):,} of {len(points):,} samples"
            for i, c in enumerate(self.space.constraints)
            if c.needs_cost()
        ]
        return "; ".join([*reasons, in_words(self.cost_bounds())])

    def valid(self, points: Points) -> Bools:
        """Whether each sampled point meets the constraints that read a cost: (n,)."""
        met = np.ones(len(points), dtype=bool)
        for index, constraint in enumerate(self.space.constraints):
            if constraint.needs_cost():
                met &= points.satisfied(index)
        return met

    def cost_bounds(self) -> dict[str, tuple[float, float]]:
        """The least and largest of each of the space's costs, without the constraints that read
        one."""
        found = {}
        for name in self.space.costs:
            call = self.space.latency.call if name == LATENCY and self.space.latency else 0
            ends = []
            for end in (np.min, np.max):
                of_sets = [
                    np.array([end(c.costs[name][s]) if len(s) else 0 for s in c.sets])
                    for c in self.clusters
                ]
                in_boxes = [own[self.boxes[:, i]] for i, own in enumerate(of_sets)]
                ends.append(end(joined(name).reduce(in_boxes)).item() + call)
            found[name] = (ends[0], ends[1])
        return found
