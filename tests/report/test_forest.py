"""The forest plot draws what the frame has."""

import numpy as np
import pytest

from nas.ablation import compare, comparison_frame, families_table
from nas.architecture import preset
from nas.report.forest import forest_figure
from nas.report.words import change

NOISE = 0.001 * np.array([[0, 1, 2], [1, 0, 3], [0, 2, 1], [3, np.nan, np.nan]])
FOUND = compare(0.5 + np.array([0, 0.05, 0, 0])[:, None] + NOISE)
FRAME = comparison_frame(families_table(preset("osnet_x0_25")), FOUND)


def test_differences_stand_with_their_intervals_by_verdict() -> None:
    better, same, costs = forest_figure(FRAME, score="mAP").data
    assert (better.name, list(better.y)) == ("better", ["Inception"])
    assert (same.name, list(same.y)) == ("no difference shown", ["ResNeXt"])
    assert list(better.x) == [FOUND.paired.estimate[1]]
    assert better.x[0] + better.error_x.array[0] == pytest.approx(FOUND.paired.high[1])
    assert better.x[0] - better.error_x.arrayminus[0] == pytest.approx(FOUND.paired.low[1])
    assert better.marker.symbol != same.marker.symbol
    assert list(costs.x) == pytest.approx([100 * own for own in FRAME["macs_change"]])


def test_rows_stand_as_in_the_table_and_say_what_was_not_compared() -> None:
    figure = forest_figure(FRAME)
    assert list(figure.layout.yaxis.categoryarray) == FRAME["row"].tolist()[::-1]
    texts = {(note.y, note.text) for note in figure.layout.annotations}
    assert {("OSNet", "baseline"), ("SE", "not compared")} <= texts
    assert ("OSNet", "82.31M") in texts
    assert ("SE", f"71.57M ({change(FRAME['macs_change'][3])})") in texts


def test_a_change_in_words() -> None:
    assert [change(x) for x in (0.0691, -0.5, -0.0001, 0.0)] == ["+6.9%", "-50.0%", "0.0%", "0.0%"]


def test_a_long_title_is_folded_above_the_rows_and_the_two_axes_stand_apart() -> None:
    plain = forest_figure(FRAME, "short").layout
    words = [f"setting_{n} {n / 100}" for n in range(20)]
    long = forest_figure(FRAME, ", ".join(words)).layout
    lines = long.title.text.split("<br>")
    assert len(lines) > 1 and max(map(len, lines)) <= 120
    assert " ".join(lines) == ", ".join(words)
    room = long.margin.t - plain.margin.t
    assert room > 0 and room == long.height - plain.height
    assert plain.title.text == "short"
    assert plain.xaxis2.domain[0] - plain.xaxis.domain[1] >= 0.06  # of labels at the edges
