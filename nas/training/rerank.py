"""Re-ranking: images of one identity are among each other's nearest, so these are compared too.

Zhong et al., Re-ranking Person Re-identification with k-reciprocal Encoding (CVPR 2017), with the
values of the paper. Every image is described by its k-reciprocal neighbours, each weighted by
exp(-d); an image is as far from a query as their Jaccard distance says, and a share of d. d is the
squared Euclidean distance over the largest that the image has to any; of embeddings that are
normalised where they are compared by cosine.

All queries are looked at together with the gallery: who has one query at a time can not do this.

n: queries and gallery images, in this order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.training.retrieval import CHUNK, JUNK, Floats, Gallery, Ints, Metric, scores_by

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NEIGHBOURS, EXPANDED, SHARE = 20, 6, 0.3  # k1, k2 and lambda of the paper


def reranked_scores(
    query: Tensor,
    gallery: Tensor,
    query_ids: Ints,
    gallery_ids: Ints,
    query_cams: Ints,
    gallery_cams: Ints,
    metric: Metric = "cosine",
) -> dict[str, float]:
    """`retrieval_scores`, by distances that are re-ranked."""
    ranked = Reranked(query, gallery, gallery_ids, gallery_cams, metric)
    return scores_by(ranked, torch.arange(len(query)), query_ids, query_cams)


class Reranked(Gallery):
    """A gallery and its queries (q, d); what is asked for are the numbers of queries.

    Junk is left out of it, as if it were not there.
    """

    def __init__(
        self, query: Tensor, gallery: Tensor, ids: Ints, cams: Ints, metric: Metric = "cosine"
    ) -> None:
        super().__init__(gallery, ids, cams, metric)
        self.kept = np.flatnonzero(ids != JUNK)
        self.count = len(query)
        self.both = torch.cat([self._ready(query), self.embeddings[torch.from_numpy(self.kept)]])
        near, self.largest = nearest(self.both, NEIGHBOURS + 1)
        described = describe(self.both, near, self.largest)
        self.queries, self.columns = described[: self.count], described[self.count :].tocsc()

    def nearness(self, query: Tensor) -> Floats:
        """Of each gallery image to each of the queries with these numbers: (q, g)."""
        numbers = query.numpy()
        apart = distances(self.both[query], self.both[self.count :]).cpu().numpy()
        apart /= self.largest[numbers, None]
        jaccard = np.stack([self._jaccard(number) for number in numbers.tolist()])
        found = np.full((len(numbers), len(self.ids)), -np.inf, dtype=np.float32)
        found[:, self.kept] = -((1 - SHARE) * jaccard + SHARE * apart)
        return found

    def _jaccard(self, number: int) -> NDArray[np.float64]:
        """The distance of one query to the gallery without junk: 1 - sum of min / sum of max."""
        start, end = self.queries.indptr[number : number + 2]
        own = self.columns[:, self.queries.indices[start:end]]
        weights = np.repeat(self.queries.data[start:end], np.diff(own.indptr))
        shared = np.bincount(own.indices, np.minimum(own.data, weights), len(self.kept))
        return 1 - shared / (2 - shared)  # weights of an image sum to 1


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared Euclidean distances (n, m), none below 0."""
    squares = x.square().sum(1)[:, None] + y.square().sum(1)
    return torch.addmm(squares, x, y.T, alpha=-2).clamp_(min=0)


def nearest(embeddings: Tensor, count: int) -> tuple[Ints, Floats]:
    """The nearest of each image (n, count), itself first; and its largest distance to any (n,)."""
    near, largest = [], []
    for start in range(0, len(embeddings), CHUNK):
        apart = distances(embeddings[start : start + CHUNK], embeddings)
        largest.append(apart.amax(1))
        apart.diagonal(start).fill_(-1)
        near.append(apart.topk(min(count, len(embeddings)), dim=1, largest=False).indices)
    return torch.cat(near).cpu().numpy(), torch.cat(largest).clamp_(min=1e-12).cpu().numpy()


def describe(embeddings: Tensor, near: Ints, largest: Floats) -> csr_array:
    """(n, n): weights of each image's neighbours, the mean of its nearest ones'; rows sum to 1."""
    wide = mutual(near)
    close = mutual(near[:, : round(NEIGHBOURS / 2) + 1])
    # of each neighbour, how many of its own closest are neighbours too: most, and all are
    common = (wide @ close.T).multiply(wide).tocoo()
    most = 3 * common.data > 2 * close.sum(axis=1)[common.col]
    joined = sparse(common.row[most], common.col[most], common.shape[0])
    found = (wide + joined @ close).tocoo()
    weights = np.empty(found.nnz)
    for start in range(0, found.nnz, 1 << 16):
        some = slice(start, start + (1 << 16))
        rows, columns = torch.from_numpy(found.row[some]), torch.from_numpy(found.col[some])
        apart = (embeddings[rows.long()] - embeddings[columns.long()]).square().sum(1)
        weights[some] = np.exp(-apart.cpu().numpy() / largest[found.row[some]])
    sums = np.bincount(found.row, weights)
    own = sparse(found.row, found.col, found.shape[0], weights / sums[found.row])
    return mean_of(near[:, :EXPANDED]) @ own


def mutual(near: Ints) -> csr_array:
    """(n, n): 1 where two images have each other in their rows of `near`."""
    forward = mean_of(near)
    forward.data[:] = 1.0
    return forward.multiply(forward.T).tocsr()


def mean_of(near: Ints) -> csr_array:
    """(n, n): what takes the mean of the rows `near` (n, k) of what it is multiplied with."""
    count, width = near.shape
    rows = np.repeat(np.arange(count), width)
    return sparse(rows, near.ravel(), count, np.full(near.size, 1 / width))


def sparse(
    rows: NDArray[np.integer], columns: NDArray[np.integer], size: int,
    data: NDArray[np.float64] | None = None,
) -> csr_array:  # fmt: skip
    """(size, size): `data`, by default 1, in these places."""
    from scipy.sparse import csr_array

    filled = np.ones(len(rows)) if data is None else data
    return csr_array((filled, (rows, columns)), shape=(size, size))
