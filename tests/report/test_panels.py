import numpy as np
import pandas as pd
import pytest

from nas.audit.importance import importance
from nas.report.panels import (
    growth_figure,
    importance_figure,
    predicted_figure,
    ranks_figure,
    stops_figure,
    stops_frame,
)


def test_stops_are_counted_by_quarter_of_cost() -> None:
    costs = [8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    epochs = [9, 1, 1, 3, 1, 9, 3, 3]
    frame = stops_frame(costs, epochs, (1, 3, 9))
    assert frame["stopped at epoch 1"].tolist() == [2, 1, 0, 0]
    assert frame["stopped at epoch 3"].tolist() == [0, 1, 1, 1]
    assert frame["full length"].tolist() == [0, 0, 1, 1]
    assert frame["from"].tolist() == [1.0, 3.0, 5.0, 7.0]
    bars = stops_figure(frame).data
    assert [bar.name for bar in bars] == ["stopped at epoch 1", "stopped at epoch 3", "full length"]
    assert len({bar.marker.color for bar in bars}) == 3  # as the legend shows them


def test_quarters_of_one_cost_are_apart() -> None:
    frame = stops_frame([5.0] * 8, [9] * 8, (9,))
    (bar,) = stops_figure(frame).data
    assert len(set(bar.x)) == 4


def test_growth_begins_at_nothing() -> None:
    frame = pd.DataFrame({"epochs": [3, 9], "hypervolume": [0.1, 0.4]})
    (line,) = growth_figure(frame).data
    assert list(line.x) == [0, 3, 9]
    assert list(line.y) == [0.0, 0.1, 0.4]


def test_what_was_predicted_is_told_apart_by_the_epoch_that_it_was_of() -> None:
    frame = pd.DataFrame({
        "trial": [8, 9, 10], "epoch": [4, 9, 9], "predicted": [0.2, 0.5, 0.6],
        "deviation": [0.1, 0.05, 0.02], "score": [0.25, 0.5, 0.7],
    })  # fmt: skip
    same, low, full = predicted_figure(frame).data
    assert list(same.x) == list(same.y) == [0.2, 0.7]
    assert (list(low.x), list(low.y)) == ([0.2], [0.25])
    assert list(full.error_x.array) == pytest.approx([0.098, 0.0392])
    assert [dots.name for dots in (low, full)] == ["after epoch 4", "after epoch 9"]
    assert low.marker.color != full.marker.color


def test_ranks_tell_an_inversion() -> None:
    figure = ranks_figure([1e6, 2e6, 3e6], [0.5, 2.0, 1.0], ["a", "b", "c"])
    assert list(figure.data[1].x) == [1, 2, 3]
    assert list(figure.data[1].y) == [1, 3, 2]
    assert figure.layout.meta["tau"] == pytest.approx(1 / 3)


def test_importance_has_its_intervals_around_it() -> None:
    random = np.random.default_rng(0)
    points = [{"gate": str(random.choice(["a", "b"])), "idle": int(n % 3)} for n in range(60)]
    scores = np.array([p["gate"] == "a" for p in points]) + random.normal(0, 0.1, 60)
    found = importance(points, scores, [np.arange(60)], resamples=5)
    assert found is not None
    (dots,) = importance_figure({"over all": found}).data
    assert dots.y[0] == "gate"
    assert all(np.asarray(dots.error_x.array) >= 0)
