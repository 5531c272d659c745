"""Classification scores: logits and labels in; accuracy and calibration out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BINS = 15


def classification_scores(logits: Tensor, labels: NDArray[np.int64]) -> dict[str, float]:
    """top1, top5 (larger is better), nll and ece (smaller is better), means over the images.

    logits: (n, c); labels: int64 (n,), from 0 to c - 1. topK: share of the images whose class is
    among the K largest logits, equal ones in the order of the classes. nll: negative log
    likelihood, in nats. ece: expected calibration error, as `calibration_error`. ValueError where
    a logit is not finite.
    """
    logits, truth = logits.detach().cpu().double(), torch.from_numpy(labels)
    if not torch.isfinite(logits).all():
        raise ValueError("logits hold values that are not finite")
    own = logits.gather(1, truth[:, None])
    before = torch.arange(logits.shape[1]) < truth[:, None]
    rank = ((logits > own) | ((logits == own) & before)).sum(dim=1)
    log_probability = logits.log_softmax(dim=1)
    confidence = log_probability.amax(dim=1).exp()
    return {
        "top1": float((rank < 1).double().mean()),
        "top5": float((rank < 5).double().mean()),
        "nll": float(-log_probability.gather(1, truth[:, None]).mean()),
        "ece": calibration_error(confidence.numpy(), (rank < 1).numpy()),
    }


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error, from 0 to 1, smaller is better (Guo et al., ICML 2017, eq. 3).

    Predictions fall into BINS bins of equal width by their confidence, (0, 1/BINS] and so on; the
    error is the mean over the predictions of |share that is right - mean confidence| of their bin.
    """
    bins = np.clip(np.ceil(confidence * BINS) - 1, 0, BINS - 1).astype(np.int64)
    gap = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gap).sum() / len(confidence))
