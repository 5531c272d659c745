"""Which channels of a network go to which of a variant of it, the same for all that are tied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from torch import Tensor

from nas.architecture.channels import MAKES_CHANNELS, Key, Run, Ties, Wired

Channels = Literal["order", "magnitude"]
NOTHING = -1
Matches = list[tuple[Wired, Wired]]
Pairs = list[int | None]


class Choice:
    """For a run of a variant's channels, the source's channels that go there.

    Ties of the two networks are joined where a layer of one goes to a layer of the other: what the
    one or the other ties has one choice. Where the variant has fewer channels, they are the first
    ones, or those of the largest magnitude, kept in their order; of a grouped convolution whole
    groups are chosen, and the same number of channels in each.
    """

    def __init__(
        self,
        matches: Matches,
        source: Mapping[Key, Wired],
        state: Mapping[str, Tensor],
        ties: Ties,
        channels: Channels,
    ) -> None:
        for mine, theirs in matches:
            found = pairs(mine.input, theirs.input)
            _join(mine.input, theirs.input, found, ties)
            _join(mine.output, theirs.output, output_pairs(mine, theirs, found), ties)
        self.ties = ties
        self.stuck = ties.stuck()
        self.scores = _scores(source, state, ties) if channels == "magnitude" else {}
        self.groups: dict[Run, tuple[int, int]] = {}
        self.group_scores: dict[Run, list[float]] = {}
        for mine, theirs in matches:
            self._group(mine, theirs)

    def channels(self, mine: Run, theirs: Run) -> list[int]:
        """For each of the variant's channels the source's that goes there, or NOTHING."""
        root = self.ties.root(mine)
        if root in self.stuck and mine.size != theirs.size:
            return [NOTHING] * mine.size
        score = self.scores.get(root)
        if score is not None and len(score) != theirs.size:
            score = None
        own, other = self.groups.get(root, (1, 1))
        if mine.size % own or theirs.size % other:
            own = other = 1
        wide, width = mine.size // own, theirs.size // other
        found = [NOTHING] * mine.size
        for group, start in enumerate(_largest(own, other, self.group_scores.get(root))):
            first = start * width
            inner = score[first : first + width] if score else None
            for i, channel in enumerate(_largest(wide, width, inner)):
                found[group * wide + i] = first + channel
        return found

    def _group(self, mine: Wired, theirs: Wired) -> None:
        """The groups of a grouped convolution: chosen alike in what it reads and what it makes."""
        if mine.layer.op != "conv" or len(mine.input) != 1 or (mine.depthwise and theirs.depthwise):
            return
        groups = mine.layer.get("groups"), theirs.layer.get("groups")
        roots = {self.ties.root(mine.input[0]), self.ties.root(mine.output[0])}
        if groups == (1, 1) or roots & self.groups.keys():
            return
        self.groups |= dict.fromkeys(roots, groups)
        scores = [self.scores[root] for root in roots if root in self.scores]
        if scores:
            summed = [torch.tensor(s).reshape(groups[1], -1).sum(1) for s in scores]
            total: list[float] = torch.stack(summed).sum(0).tolist()
            self.group_scores |= dict.fromkeys(roots, total)


def pairs(mine: Iterable[Run], theirs: tuple[Run, ...]) -> Pairs:
    """For each run of the variant, the index of the source's that comes from the same place."""
    return [
        next((i for i, other in enumerate(theirs) if run.made_by & other.made_by), None)
        for run in mine
    ]


def output_pairs(mine: Wired, theirs: Wired, inputs: Pairs) -> Pairs:
    """The same for what a layer makes: channels of its own, or those that it reads."""
    return [0] if len(mine.output) == len(theirs.output) == 1 else inputs


def _join(mine: tuple[Run, ...], theirs: tuple[Run, ...], found: Pairs, ties: Ties) -> None:
    for run, other in zip(mine, found, strict=True):
        if other is not None:
            ties.join(run, theirs[other])


def _scores(
    source: Mapping[Key, Wired], state: Mapping[str, Tensor], ties: Ties
) -> dict[Run, list[float]]:
    """Magnitudes of the source's channels, by root; larger is kept.

    The L1 norm of the filter that makes the channel, times |gamma| of the norm behind it, summed
    over all layers whose channels are tied. None where numbers of channels differ among these.
    """
    found: dict[Run, list[Tensor]] = {}
    for (part, _), wired in source.items():
        if wired.layer.op not in MAKES_CHANNELS:
            continue
        # On the CPU: mps has no float64.
        score = state[f"{wired.weights}.weight"].detach().cpu().double().abs().flatten(1).sum(1)
        if wired.norm:
            gamma = state[f"{source[part, wired.norm].weights}.weight"].detach()
            score = score * gamma.cpu().double().abs()
        start = 0
        for (
            run
        ) in wired.output:  # more than one where a depthwise convolution reads a concatenation
            found.setdefault(ties.root(run), []).append(score[start : start + run.size])
            start += run.size
    return {
        root: torch.stack(pieces).sum(0).tolist()
        for root, pieces in found.items()
        if len({len(piece) for piece in pieces}) == 1
    }


def _largest(k: int, n: int, score: list[float] | None) -> list[int]:
    """k of n indices, in order: those of the largest score, or the first; all n where k is more."""
    if score is None or k >= n:
        return list(range(min(k, n)))
    return sorted(sorted(range(n), key=lambda i: -score[i])[:k])
