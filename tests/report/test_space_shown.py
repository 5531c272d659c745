"""What `space show` prints of a space."""

import pytest

from nas.architecture import Component, Node, Pen, families
from nas.architecture.registry import family_fields
from nas.report.space import BARS, space_summary, sparkline
from nas.space import from_yaml, load_space, summarise
from tests.report.text import text_of


def test_a_family_that_can_not_be_built_is_not_left_out_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Kept(Component):
        def lower(self, net: Pen, x: Node, channels: int) -> Node:
            return net.relu(x)

    monkeypatch.setitem(families._kinds, "kept", Kept)
    family_fields.cache_clear()
    text = "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
    found = summarise(from_yaml(text + "  stages[*].family: [osnet, kept]\n"))
    shown = " ".join(text_of(space_summary(found)).split())
    assert "some points can not be built: a block of kept gives (16, 16, 8), where" in shown
    family_fields.cache_clear()
    whole = summarise(load_space("osnet-mini"))
    assert whole["not_built"] is None
    assert "can not be built" not in text_of(space_summary(whole))


def test_a_histogram_stays_one_line_where_there_is_little_room() -> None:
    found = summarise(load_space("osnet-mini"))
    wide, narrow = (text_of(space_summary(found), width) for width in (100, 60))
    full = sparkline(found["costs"]["macs"]["histogram"]["counts"])
    assert full.rstrip() in wide
    row = next(line for line in narrow.splitlines() if line.startswith("macs "))
    assert len(row) <= 60 and row.rstrip()[-1] in BARS
    after = narrow.splitlines()[narrow.splitlines().index(row) + 1]
    assert after.startswith("params ")
