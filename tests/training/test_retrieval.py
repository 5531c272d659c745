"""Re-identification scores against a loop over queries and gallery images, one by one."""

import numpy as np
import pytest
import torch

from nas.errors import UserError
from nas.training.retrieval import Gallery, Ints, Metric, match_ranks, retrieval_scores


def slowly(
    nearness: list[list[float]], q_ids: Ints, g_ids: Ints, q_cams: Ints, g_cams: Ints
) -> dict[str, float]:
    found: dict[str, list[float]] = {n: [] for n in ("mAP", "mINP", "rank1", "rank5", "rank10")}
    for q in range(len(q_ids)):
        order = sorted(range(len(g_ids)), key=lambda g: (-nearness[q][g], g))
        order = [g for g in order if g_ids[g] != -1]
        ranked = [g for g in order if not (g_ids[g] == q_ids[q] and g_cams[g] == q_cams[q])]
        hits = [rank for rank, g in enumerate(ranked, 1) if g_ids[g] == q_ids[q]]
        if not hits:
            continue
        precisions = [n / rank for n, rank in enumerate(hits, 1)]
        found["mAP"].append(sum(precisions) / len(precisions))
        found["mINP"].append(len(hits) / hits[-1])
        for k in (1, 5, 10):
            found[f"rank{k}"].append(float(hits[0] <= k))
    return {name: sum(values) / len(values) for name, values in found.items()}


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("seed", range(100))
def test_scores_agree_with_the_loop(seed: int, metric: Metric) -> None:
    """With ties, junk (-1), distractors (0), queries without a match, and sometimes one camera.

    The values are such that cosines and distances are exact: what ties here ties for the code too.
    """
    draw = np.random.default_rng(seed)
    cameras = 1 if seed % 10 == 9 else 3
    q, g = draw.integers(5, 12), draw.integers(20, 60)
    q_ids, g_ids = draw.integers(1, 8, q), draw.integers(-1, 7, g)
    q_cams = draw.integers(0, cameras, q)
    g_cams = draw.integers(0, cameras, g) + (cameras == 1)
    if metric == "cosine":  # of norm 2
        query, gallery = (2.0 * draw.integers(0, 2, (n, 4)) - 1 for n in (q, g))
        nearness = [[float(a @ b) / 4 for b in gallery] for a in query]
    else:
        query, gallery = (draw.integers(-2, 3, (n, 3)).astype(float) for n in (q, g))
        nearness = [[-float(np.linalg.norm(a - b)) for b in gallery] for a in query]
    expected = slowly(nearness, q_ids, g_ids, q_cams, g_cams)
    tensors = torch.from_numpy(query).float(), torch.from_numpy(gallery).float()
    found = retrieval_scores(*tensors, q_ids, g_ids, q_cams, g_cams, metric)
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_query_that_is_junk_has_no_match_among_junk() -> None:
    query, gallery = torch.eye(2), torch.eye(2)
    ids, cams = np.array([-1, 3]), np.array([0, 0])
    found = list(match_ranks(Gallery(gallery, ids, cams + 1), query, ids, cams))
    assert [(index, ranks.tolist()) for index, ranks in found] == [(1, [1])]


def test_cosine_is_of_directions_and_euclidean_is_not() -> None:
    query, gallery = torch.tensor([[1.0, 0.0]]), torch.tensor([[9.0, 1.0], [1.0, 0.5]])
    ids, cams = np.array([1, 2]), np.array([1, 1])

    def first(metric: Metric) -> float:
        zero, one = np.array([0]), np.array([1])
        return retrieval_scores(query, gallery, one, ids, zero, cams, metric)["rank1"]

    assert (first("cosine"), first("euclidean")) == (1.0, 0.0)


def test_hand_worked_case() -> None:
    # one query of identity 1, camera 0; by similarity: same camera (dropped), 2, 1, 0, 1
    query = torch.tensor([[1.0, 0.0]])
    gallery = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [1.0, 0.3], [1.0, 0.4]])
    ids, cams = np.array([1, 2, 1, 0, 1]), np.array([0, 0, 1, 1, 2])
    found = retrieval_scores(query, gallery, np.array([1]), ids, np.array([0]), cams)
    assert found["mAP"] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert found["mINP"] == pytest.approx(2 / 4)
    assert (found["rank1"], found["rank5"]) == (0.0, 1.0)


def test_queries_of_several_chunks_keep_their_indices() -> None:
    draw = np.random.default_rng(0)
    g_ids, q_ids = draw.integers(0, 5, 40), draw.integers(0, 8, 600)
    cams, q_cams = np.zeros(40, dtype=np.int64), np.ones(600, dtype=np.int64)
    gallery = Gallery(torch.randn(40, 3), g_ids, cams)
    found = [index for index, _ in match_ranks(gallery, torch.randn(600, 3), q_ids, q_cams)]
    assert found == np.flatnonzero(np.isin(q_ids, g_ids)).tolist()


def test_no_query_with_a_match_is_an_error() -> None:
    one = np.array([1])
    with pytest.raises(ValueError, match="no query has a match"):
        retrieval_scores(torch.ones(1, 2), torch.ones(1, 2), one, one, one, one)


def test_a_metric_of_another_name_is_refused() -> None:
    one = np.array([1])
    with pytest.raises(UserError, match="metric: 'cos' is not one of cosine, euclidean"):
        Gallery(torch.ones(1, 2), one, one, "cos")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_embeddings_that_can_not_be_compared_are_an_error(value: float, metric: Metric) -> None:
    one, two = np.array([1]), np.array([2])
    with pytest.raises(ValueError, match="not finite"):
        retrieval_scores(torch.full((1, 2), value), torch.ones(1, 2), one, one, one, two, metric)
