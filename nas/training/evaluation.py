"""Scores: mAP and CMC for re-identification, top-1 for classification. Larger is better for all."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data import Images
from nas.models import Network
from nas.training.augment import normalise

Ints = NDArray[np.int64]
RANKS = (1, 5, 10)
CHUNK = 256


def retrieval_scores(
    query: Tensor,
    gallery: Tensor,
    query_ids: Ints,
    gallery_ids: Ints,
    query_cams: Ints,
    gallery_cams: Ints,
) -> dict[str, float]:
    """mAP, rank1, rank5, rank10 and mINP of cosine similarity, each from 0 to 1.

    query: (q, d), gallery: (g, d) embeddings. Rules of Market-1501: for each query, gallery images
    of the same identity and camera are dropped; a query without a match left is skipped; AP is the
    mean over the matches of the precision at their rank (Zheng et al., ICCV 2015); mINP is the
    number of matches over the rank of the last one (Ye et al., TPAMI 2021). Ties keep the
    gallery's order. ValueError where no query has a match.
    """
    gallery_unit = torch.nn.functional.normalize(gallery.float())
    g_ids, g_cams = torch.from_numpy(gallery_ids), torch.from_numpy(gallery_cams)
    found: list[Tensor] = []
    for start in range(0, len(query), CHUNK):
        chunk = slice(start, start + CHUNK)
        similarity = torch.nn.functional.normalize(query[chunk].float()) @ gallery_unit.T
        order = similarity.cpu().argsort(dim=1, descending=True, stable=True)
        ids = torch.from_numpy(query_ids[chunk])[:, None]
        cams = torch.from_numpy(query_cams[chunk])[:, None]
        same = g_ids[order] == ids
        kept = ~(same & (g_cams[order] == cams))
        found.append(_scores_of_queries(same & kept, kept))
    scores = torch.cat(found)
    if not len(scores):
        raise ValueError("no query has a match in the gallery")
    names = ("mAP", "mINP", *(f"rank{k}" for k in RANKS))
    return dict(zip(names, scores.mean(dim=0).tolist(), strict=True))


def _scores_of_queries(match: Tensor, kept: Tensor) -> Tensor:
    """AP, INP and CMC at RANKS for each query that has a match: (valid queries, 5)."""
    valid = match.any(dim=1)
    match, kept = match[valid], kept[valid]
    rank = kept.cumsum(dim=1).double()
    hits = match.cumsum(dim=1).double()
    total = match.sum(dim=1).double()
    precision = (hits / rank.clamp(min=1) * match).sum(dim=1) / total
    first = torch.where(match, rank, torch.inf).amin(dim=1)
    last = torch.where(match, rank, 0.0).amax(dim=1)
    return torch.stack([precision, total / last, *(first <= k for k in RANKS)], dim=1)


@torch.inference_mode()
def embed(network: Network, pixels: NDArray[np.uint8], *, autocast: torch.autocast) -> Tensor:
    """Embeddings (n, E), float32, of uint8 images (n, H, W, 3), in eval mode."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    for start in range(0, len(pixels), CHUNK):
        batch = torch.from_numpy(np.ascontiguousarray(pixels[start : start + CHUNK])).to(device)
        with autocast:
            found.append(network.embed(normalise(batch)).float())
    return torch.cat(found)


def score_reid(
    network: Network, query: Images, gallery: Images, *, autocast: torch.autocast
) -> dict[str, float]:
    """`retrieval_scores` of the network's embeddings; `score` is the mAP."""
    assert query.cameras is not None and gallery.cameras is not None
    scores = retrieval_scores(
        embed(network, query.pixels, autocast=autocast),
        embed(network, gallery.pixels, autocast=autocast),
        query.labels,
        gallery.labels,
        query.cameras,
        gallery.cameras,
    )
    return {"score": scores["mAP"], **scores}


def score_classification(
    network: Network, images: Images, *, autocast: torch.autocast
) -> dict[str, float]:
    """Share of images whose class has the largest logit; `score` is that top1."""
    assert network.classifier is not None
    embedding = embed(network, images.pixels, autocast=autocast)
    with torch.inference_mode():
        guess = network.classifier(embedding).argmax(dim=1).cpu().numpy()
    top1 = float((guess == images.labels).mean())
    return {"score": top1, "top1": top1}
