"""A union of boxes, counted exactly and sampled uniformly, although its boxes overlap.

A box is a product of sets, one for each cluster. The clusters are gone through one by one: what was
chosen so far leaves some of the boxes, and all choices that leave the same boxes are one state. So
the states of a cluster are few, and from each of them the elements lead to states of the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas.space.columns import Ints


@dataclass(frozen=True)
class Step:
    """Elements that lead from one state to the same state `after` of the next cluster."""

    elements: Ints
    after: int


class Union:
    """boxes: (n, clusters), for each box the number of its set among the cluster's `sets`.

    levels: for each cluster and each of its states the steps from there. counts: the distinct
    contents of the clusters from there on. ends: the boxes that each state after the last leaves.
    """

    def __init__(self, boxes: Ints, sets: list[list[Ints]]) -> None:
        self.levels: list[list[list[Step]]] = []
        states = [np.arange(len(boxes))]
        for own, numbers in zip(sets, boxes.T, strict=True):
            following: list[Ints] = []
            known: dict[bytes, int] = {}
            patterns: dict[bytes, list[tuple[Ints, Ints]]] = {}
            level = []
            for state in states:
                chosen = numbers[state]
                within = np.unique(chosen)
                if within.tobytes() not in patterns:
                    patterns[within.tobytes()] = _patterns(within.tolist(), own)
                steps = []
                for members, elements in patterns[within.tobytes()]:
                    left = state[members[chosen]]
                    after = known.setdefault(left.tobytes(), len(following))
                    if after == len(following):
                        following.append(left)
                    steps.append(Step(elements, after))
                level.append(steps)
            self.levels.append(level)
            states = following
        self.ends = states
        self.counts = [[1] * len(states)]
        for level in reversed(self.levels):
            below = self.counts[0]
            counts = [sum(len(s.elements) * below[s.after] for s in steps) for steps in level]
            self.counts.insert(0, counts)

    @property
    def count(self) -> int:
        """How many distinct contents of all clusters it has."""
        return self.counts[0][0]

    def sample(self, count: int, random: np.random.Generator) -> tuple[Ints, dict[int, Ints]]:
        """Elements (count, clusters), uniform over the union; and for each end its rows."""
        elements = np.zeros((count, len(self.levels)), dtype=np.int64)
        states = {0: np.arange(count)}
        for number, level in enumerate(self.levels):
            following: dict[int, list[Ints]] = {}
            for state, rows in sorted(states.items()):
                whole, below = self.counts[number][state], self.counts[number + 1]
                share = np.array([len(s.elements) * below[s.after] / whole for s in level[state]])
                picked = random.choice(len(share), size=len(rows), p=share / sum(share.tolist()))
                for i in np.unique(picked).tolist():
                    step, chosen = level[state][i], rows[picked == i]
                    drawn = random.integers(len(step.elements), size=len(chosen))
                    elements[chosen, number] = step.elements[drawn]
                    following.setdefault(step.after, []).append(chosen)
            states = {state: np.concatenate(rows) for state, rows in following.items()}
        return elements, dict(sorted(states.items()))


def _patterns(within: list[int], sets: list[Ints]) -> list[tuple[Ints, Ints]]:
    """The elements of these sets, by which of the sets they are in: (len(sets),) true for these."""
    members: dict[int, list[int]] = {}
    for number in within:
        for element in sets[number].tolist():
            members.setdefault(element, []).append(number)
    by_pattern: dict[tuple[int, ...], list[int]] = {}
    for element, held_by in members.items():
        by_pattern.setdefault(tuple(held_by), []).append(element)
    found = []
    for pattern, elements in by_pattern.items():
        held = np.zeros(len(sets), dtype=bool)
        held[list(pattern)] = True
        found.append((held, np.array(elements)))
    return found
