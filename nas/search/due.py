"""What confirmation has to train as things stand, and how much of it is affordable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from nas.search.confirm import LEAST, confirmed, finite, first_due, is_confirmed, leaders, then_due
from nas.search.objectives import SCORE
from nas.search.record import Trial

SPARE = 1.5
"""Of what confirmation is predicted to take, what is kept before it begins: the front may grow
until then, and trainings get slower."""
Replicate = tuple[int, int]
"""Of a trial, by its number, the replicate of that number, from 1."""


@dataclass(frozen=True)
class Due:
    """trials: all, by number, and a new one for each baseline that has none.

    running: what is being trained. price: of a replicate of a trial; together: what jobs of these
    prices take of the budget; affordable: what is left of it to confirmation. score_min: the score
    that is looked for, if any.
    """

    trials: Sequence[Trial]
    objectives: Sequence[str]
    running: Sequence[Replicate]
    price: Callable[[Trial], float]
    together: Callable[[Iterable[float]], float]
    affordable: float
    score_min: float | None = None

    @cached_property
    def lead(self) -> list[int]:
        """The trials that are on the front by the scores that chose them."""
        return [trial.number for trial in leaders(self.trials, self.objectives)]

    @cached_property
    def begun(self) -> Counter[int]:
        """How many fresh replicates of each trial have a score or run."""
        found = Counter({t.number: len(finite(t)) for t in self.trials if finite(t)})
        found.update(number for number, _ in self.running)
        return found

    @cached_property
    def every(self) -> list[Replicate]:
        """What two replicates lack of the baselines and of all that lead."""
        return self._waiting(first_due(self.trials, self.objectives))

    @cached_property
    def first(self) -> list[Replicate]:
        """Of `every`, what has begun, and as many of the others as are affordable.

        From the cheapest, to be as many as can be; those that are below `score_min` last, unless
        that is fewer than half of those that lead. Where half of them are not affordable, nothing
        new: the front would not go by them.
        """
        missing = Counter(number for number, _ in self.every)
        begun = [number for number in missing if self.begun[number]]

        def total(numbers: Sequence[int]) -> float:
            return self.together(self._price(n) for n in numbers for _ in range(missing[n]))

        def low(number: int) -> bool:
            score = self.trials[number].scores.get(SCORE, math.inf)
            return self.score_min is not None and score < self.score_min

        cheapest = sorted(missing.keys() - set(begun), key=lambda n: (self._price(n), n))
        for turns in (sorted(cheapest, key=low), cheapest):
            chosen = begun
            for number in turns:
                if total([*chosen, number]) <= self.affordable:
                    chosen = [*chosen, number]
            if 2 * sum(missing[n] > 0 and n not in chosen for n in self.lead) <= len(self.lead):
                return [own for own in self.every if own[0] in chosen]
        return [own for own in self.every if own[0] in begun]

    @cached_property
    def now(self) -> list[Replicate]:
        """What is to be trained next: `first`, and then what tells more, if any that lead have two
        replicates."""
        if self.first or (self.every and not self._any_sure):
            return self.first
        return self._waiting(then_due(self.trials, self.objectives))

    @cached_property
    def kept(self) -> float:
        """What the search has to leave of the budget: `SPARE` of what `first` takes; once one that
        leads has begun, all that can still be used, as the search is not to go on in between."""
        need = self._total(self.first)
        if any(self.begun[number] for number in self.lead):
            after = self._waiting(then_due(self.trials, self.objectives))
            wanted = self._total([*self.first, *(own for own in after if own not in self.first)])
        else:
            wanted = SPARE * need
        return max(need, min(wanted, self.affordable))

    @cached_property
    def lacking(self) -> list[float]:
        """Prices of what those still lack that have begun, without which they say nothing."""
        numbers = {number for number, _ in self.now}
        return [
            self._price(number)
            for number, count in self.begun.items()
            if number in numbers
            for _ in range(LEAST - count)
        ]

    @property
    def sure(self) -> bool:
        """Whether the front goes by fresh replicates."""
        return is_confirmed(self.trials, self.objectives)

    @property
    def whole(self) -> bool:
        """Whether all that lead have two of them."""
        return all(confirmed(self.trials[number]) for number in self.lead)

    @property
    def _any_sure(self) -> bool:
        return any(confirmed(self.trials[number]) for number in self.lead)

    def _waiting(self, due: Iterable[Replicate]) -> list[Replicate]:
        return [own for own in due if own not in self.running]

    def _price(self, number: int) -> float:
        return self.price(self.trials[number])

    def _total(self, due: Iterable[Replicate]) -> float:
        return self.together(self._price(number) for number, _ in due)
