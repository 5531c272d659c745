"""Classification scores against hand-worked cases and a loop over the images."""

import math

import numpy as np
import pytest
import torch

from nas.training.classification import calibration_error, classification_scores


def slow_calibration(confidence: list[float], right: list[bool]) -> float:
    error = 0.0
    for m in range(15):
        bin = [i for i, c in enumerate(confidence) if m / 15 < c <= (m + 1) / 15]
        if bin:
            accuracy = sum(right[i] for i in bin) / len(bin)
            mean = sum(confidence[i] for i in bin) / len(bin)
            error += len(bin) / len(confidence) * abs(accuracy - mean)
    return error


@pytest.mark.parametrize("seed", range(20))
def test_scores_agree_with_the_loop(seed: int) -> None:
    draw = np.random.default_rng(seed)
    classes = int(draw.integers(2, 12))
    logits = draw.integers(-3, 4, (50, classes)).astype(float)  # with ties
    labels = draw.integers(0, classes, 50)
    order = [sorted(range(classes), key=lambda c: (-row[c], c)) for row in logits]
    chances = [[math.exp(v) / sum(math.exp(w) for w in row) for v in row] for row in logits]
    right = [top[0] == label for top, label in zip(order, labels, strict=True)]
    expected = {
        "top1": sum(right) / 50,
        "top5": sum(label in top[:5] for top, label in zip(order, labels, strict=True)) / 50,
        "nll": -sum(math.log(p[label]) for p, label in zip(chances, labels, strict=True)) / 50,
        "ece": slow_calibration([max(p) for p in chances], right),
    }
    found = classification_scores(torch.from_numpy(logits).float(), labels)
    assert found == pytest.approx(expected, abs=1e-6)


def test_calibration_error_by_hand() -> None:
    # bins of a fifteenth: 0.9 and 0.92 share one, (0.867, 0.933]; 0.5 and 1.0 have one each
    confidence = np.array([0.9, 0.92, 0.5, 1.0])
    found = calibration_error(confidence, np.array([True, False, True, True]))
    assert found == pytest.approx((abs(1 - 1.82) + abs(1 - 0.5) + 0) / 4)


def test_the_edge_of_a_bin_belongs_to_the_lower_one() -> None:
    confidence = np.array([0.2, 0.19])  # 3 / 15, and below
    assert calibration_error(confidence, np.array([True, False])) == pytest.approx(0.61 / 2)


def test_logits_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(ValueError, match="not finite"):
        classification_scores(torch.tensor([[float("nan"), 0.0]]), np.array([0]))
