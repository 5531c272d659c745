"""Retrieval scores: embeddings, identities and cameras in; mAP, CMC and mINP out.

The rules are Market-1501's (Zheng et al., ICCV 2015). For each query, gallery images of the same
identity and camera are dropped, and so is junk (identity -1); identity 0, the distractors, stays.
A query without a match left does not count. Ties keep the gallery's order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.arguments import check_one_of

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]
Metric: TypeAlias = Literal["cosine", "euclidean"]

RANKS = (1, 5, 10)
JUNK = -1
CHUNK = 256


class Gallery:
    """A gallery that queries are compared with.

    embeddings: (g, d), of any length; ids, cams: int64 (g,). metric: "cosine" (embeddings are
    normalised) or "euclidean" (they are not). ValueError where an embedding is not finite.
    """

    def __init__(
        self, embeddings: Tensor, ids: Ints, cams: Ints, metric: Metric = "cosine"
    ) -> None:
        check_one_of("metric", metric, get_args(Metric))
        self.cosine = metric == "cosine"
        self.embeddings = self._ready(embeddings)
        self.ids, self.cams = ids, cams
        self.junk = np.flatnonzero(ids == JUNK)
        self.by_id = np.argsort(ids, kind="stable")
        self.sorted_ids = ids[self.by_id]
        self.offset = torch.zeros(len(ids), device=embeddings.device)
        if not self.cosine:
            self.offset -= self.embeddings.square().sum(dim=1) / 2

    def nearness(self, query: Tensor) -> Floats:
        """How near each gallery image is to each query (q, d): (q, g), larger is nearer.

        Cosine similarity; or q.g - |g|^2 / 2, which orders a query's gallery as the distance does.
        Junk is at minus infinity.
        """
        found = torch.addmm(self.offset, self._ready(query), self.embeddings.T).cpu().numpy()
        found[:, self.junk] = -np.inf
        return found

    def of_identity(self, identity: int, camera: int) -> tuple[Ints, Ints]:
        """The images of an identity, ascending: its matches, and those dropped for the camera."""
        if identity == JUNK:
            return self.junk[:0], self.junk
        low, high = np.searchsorted(self.sorted_ids, [identity, identity + 1])
        same = self.by_id[low:high]
        dropped = self.cams[same] == camera
        return same[~dropped], same[dropped]

    def _ready(self, embeddings: Tensor) -> Tensor:
        found = embeddings.detach().float()
        if not torch.isfinite(found.square().sum(dim=1)).all():  # so no product overflows either
            raise ValueError("embeddings hold values that are not finite, or too large to square")
        return torch.nn.functional.normalize(found) if self.cosine else found


def retrieval_scores(
    query: Tensor,
    gallery: Tensor,
    query_ids: Ints,
    gallery_ids: Ints,
    query_cams: Ints,
    gallery_cams: Ints,
    metric: Metric = "cosine",
) -> dict[str, float]:
    """mAP, mINP, rank1, rank5 and rank10, each from 0 to 1, the mean over queries with a match.

    query: (q, d), gallery: (g, d) embeddings; ids and cams: int64 (q,) and (g,). AP is the mean
    over the matches of the precision at their rank; rankK is whether a match is among the K
    nearest; mINP is the number of matches over the rank of the last one (Ye et al., TPAMI 2021).
    ValueError where no query has a match, or an embedding is not finite.
    """
    ranked = Gallery(gallery, gallery_ids, gallery_cams, metric)
    return scores_by(ranked, query, query_ids, query_cams)


def scores_by(
    gallery: Gallery, query: Tensor, query_ids: Ints, query_cams: Ints
) -> dict[str, float]:
    """`retrieval_scores` where the gallery is ready; query: what its `nearness` takes."""
    found = [_scores(ranks) for _, ranks in match_ranks(gallery, query, query_ids, query_cams)]
    if not found:
        raise ValueError("no query has a match in the gallery")
    names = ("mAP", "mINP", *(f"rank{k}" for k in RANKS))
    return dict(zip(names, np.mean(found, axis=0).tolist(), strict=True))


def match_ranks(
    gallery: Gallery, query: Tensor, query_ids: Ints, query_cams: Ints
) -> Iterator[tuple[int, Ints]]:
    """For each query that has a match: its index, and the ranks of its matches.

    Ranks count from 1 and ascend. Held at one time: the nearness of CHUNK queries.
    """
    for start in range(0, len(query), CHUNK):
        rows = gallery.nearness(query[start : start + CHUNK])
        for index, row in enumerate(rows, start):
            matches, dropped = gallery.of_identity(int(query_ids[index]), int(query_cams[index]))
            if len(matches):
                row[dropped] = -np.inf
                yield index, ranks_of(row, matches)


def ranks_of(row: Floats, matches: Ints) -> Ints:
    """Ranks of the gallery images `matches` (ascending, not empty) by nearness `row` (g,).

    The scores need no more of the order than this. Counting what is nearer, match by match, takes
    a fraction of the time of a sort; and nothing beyond the last match is looked at twice.
    """
    near = np.flatnonzero(row >= row[matches].min())
    values = row[near]
    ranks = [
        1 + np.count_nonzero(values[:at] >= values[at]) + np.count_nonzero(values[at:] > values[at])
        for at in np.searchsorted(near, matches).tolist()
    ]
    return np.sort(np.array(ranks, dtype=np.int64))


def average_precision(ranks: Ints) -> float:
    """Mean over the matches of the precision at their rank; `ranks` ascend from 1 or more."""
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def _scores(ranks: Ints) -> tuple[float, ...]:
    inverse = len(ranks) / float(ranks[-1])
    return (average_precision(ranks), inverse, *(float(ranks[0] <= k) for k in RANKS))
