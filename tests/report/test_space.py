"""What `space show` prints of a space."""

import pytest

from nas.architecture import Component, Node, Pen, families
from nas.architecture.registry import family_fields
from nas.report.space import space_summary
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
