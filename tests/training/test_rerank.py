"""Re-ranking against the paper's definitions, image by image."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nas.training import rerank
from nas.training.rerank import Reranked, reranked_scores
from nas.training.retrieval import Metric, retrieval_scores

Matrix = NDArray[np.float64]


def slowly(query: Matrix, gallery: Matrix) -> Matrix:
    """Distances (q, g), with k1 = 20, k2 = 6 and lambda = 0.3."""
    both = np.concatenate([query, gallery])
    count = len(both)
    apart = np.square(both[:, None] - both[None]).sum(axis=2)
    apart /= apart.max(axis=1, keepdims=True)
    order = [sorted(range(count), key=lambda j: (j != i, apart[i, j])) for i in range(count)]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in order[i][: k + 1] if i in order[j][: k + 1]}

    weights = np.zeros((count, count))
    for i in range(count):
        neighbours = reciprocal(i, 20)
        expanded = set(neighbours)
        for j in neighbours:
            closer = reciprocal(j, 10)
            if len(closer & neighbours) > 2 / 3 * len(closer):
                expanded |= closer
        for j in expanded:
            weights[i, j] = np.exp(-apart[i, j])
        weights[i] /= weights[i].sum()
    described = np.array([weights[order[i][:6]].mean(axis=0) for i in range(count)])
    found = np.zeros((len(query), len(gallery)))
    for i in range(len(query)):
        for j in range(len(gallery)):
            one, other = described[i], described[len(query) + j]
            shared = np.minimum(one, other).sum() / np.maximum(one, other).sum()
            found[i, j] = 0.7 * (1 - shared) + 0.3 * apart[i, len(query) + j]
    return found


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(("queries", "images"), [(7, 80), (20, 41), (1, 3)])
def test_distances_are_those_of_the_paper(
    metric: Metric, queries: int, images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerank, "CHUNK", 16)
    draw = np.random.default_rng(queries)
    centres = draw.normal(size=(8, 6))
    ids = draw.integers(-1, 8, images)
    ids[0] = 1
    query = centres[draw.integers(0, 8, queries)] + draw.normal(size=(queries, 6))
    gallery = centres[np.maximum(ids, 0)] + draw.normal(size=(images, 6))
    made = Reranked(
        torch.from_numpy(query), torch.from_numpy(gallery), ids, np.zeros(images, int), metric
    )
    found = made.nearness(torch.arange(queries))
    if metric == "cosine":
        query, gallery = (x / np.linalg.norm(x, axis=1)[:, None] for x in (query, gallery))
    np.testing.assert_allclose(-found[:, ids >= 0], slowly(query, gallery[ids >= 0]), atol=1e-5)
    assert np.isneginf(found[:, ids < 0]).all()


def test_a_match_that_looks_different_is_found_through_its_neighbours() -> None:
    """Two arcs: their ends are nearer to the other arc than to their own beginning."""
    turns = np.linspace(0, 1.2, 60)
    one = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    arcs = torch.from_numpy(np.concatenate([one, one * 1.25])).float()
    ids, cams = np.repeat([1, 2], 60), np.ones(120, dtype=np.int64)
    asked = arcs[[0, 119]], arcs, np.array([1, 2]), ids, np.zeros(2, dtype=np.int64), cams
    plain = retrieval_scores(*asked, "euclidean")
    better = reranked_scores(*asked, "euclidean")
    assert better["mAP"] > plain["mAP"] + 0.04
