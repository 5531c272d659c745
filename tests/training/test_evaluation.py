"""Re-identification scores against a loop over queries and gallery images, one by one."""

import numpy as np
import pytest
import torch
from torch import Tensor

from nas.training.evaluation import Ints, retrieval_scores


def slowly(
    similarity: Tensor, q_ids: Ints, g_ids: Ints, q_cams: Ints, g_cams: Ints
) -> dict[str, float]:
    found: dict[str, list[float]] = {n: [] for n in ("mAP", "mINP", "rank1", "rank5", "rank10")}
    for q in range(len(q_ids)):
        order = sorted(range(len(g_ids)), key=lambda g: (-similarity[q, g].item(), g))
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


@pytest.mark.parametrize("seed", range(60))
def test_scores_agree_with_the_loop(seed: int) -> None:
    """With ties, distractors (identity 0), queries without a match, and sometimes one camera."""
    draw = np.random.default_rng(seed)
    cameras = 1 if seed % 10 == 9 else 3
    q, g = draw.integers(5, 12), draw.integers(20, 60)
    q_ids, g_ids = draw.integers(1, 8, q), draw.integers(0, 7, g)
    q_cams = draw.integers(0, cameras, q)
    g_cams = draw.integers(0, cameras, g) + (cameras == 1)
    query = torch.from_numpy(draw.integers(-1, 2, (q, 3))).float()
    gallery = torch.from_numpy(draw.integers(-1, 2, (g, 3))).float()
    unit = torch.nn.functional.normalize
    similarity = unit(query) @ unit(gallery).T
    expected = slowly(similarity, q_ids, g_ids, q_cams, g_cams)
    found = retrieval_scores(query, gallery, q_ids, g_ids, q_cams, g_cams)
    assert found == pytest.approx(expected, abs=1e-6)


def test_hand_worked_case() -> None:
    # one query of identity 1, camera 0; by similarity: same camera (dropped), 2, 1, 0, 1
    query = torch.tensor([[1.0, 0.0]])
    gallery = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [1.0, 0.3], [1.0, 0.4]])
    ids, cams = np.array([1, 2, 1, 0, 1]), np.array([0, 0, 1, 1, 2])
    found = retrieval_scores(query, gallery, np.array([1]), ids, np.array([0]), cams)
    assert found["mAP"] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert found["mINP"] == pytest.approx(2 / 4)
    assert (found["rank1"], found["rank5"]) == (0.0, 1.0)


def test_no_query_with_a_match_is_an_error() -> None:
    one = np.array([1])
    with pytest.raises(ValueError, match="no query has a match"):
        retrieval_scores(torch.ones(1, 2), torch.ones(1, 2), one, one, one, one)
