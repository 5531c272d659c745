from xml.etree import ElementTree

import pytest

from nas.architecture import from_document, preset, to_document
from nas.report.drawing import draw
from nas.report.page.sketch import sketch


def shapes(text: str, kind: str) -> int:
    tree = ElementTree.fromstring(text)
    return sum(element.get("class") == kind for element in tree.iter())


def changed(**fields: object) -> str:
    document = to_document(preset("osnet_x0_25"))
    for stage in document["stages"]:
        stage.update(fields)
    return sketch(from_document(document))


def test_every_layer_of_every_stream_is_a_square_and_every_gate_is_drawn() -> None:
    found = sketch(preset("osnet_x0_25"))  # three stages of two blocks alike, of four streams
    assert shapes(found, "stage") == 3
    assert shapes(found, "layer") == 3 * (1 + 2 + 3 + 4)
    assert shapes(found, "gate") == 3 * 4
    assert found.count("+ 2x") == 3


def test_streams_of_one_depth_no_gate_and_concatenation_look_so() -> None:
    found = changed(streams=2, stream_depth=3, gate="none", fusion="concat")
    assert shapes(found, "layer") == 3 * (3 + 3)
    assert shapes(found, "gate") == 0
    assert "‖" in found


def test_streams_of_one_depth_are_drawn_alike_in_the_terminal_too() -> None:
    document = to_document(preset("osnet_x0_25"))
    for stage in document["stages"]:
        stage.update(streams=2, stream_depth=3)
    assert draw(from_document(document)).plain.count("▣─▣─▣") == 2 * 3


@pytest.mark.parametrize("family", ["inception", "resnext", "se", "mobilenet"])
def test_other_families_are_told_by_name(family: str) -> None:
    document = to_document(preset("osnet_x0_25"))
    for stage in document["stages"]:
        for name in set(stage) - {"channels", "depth", "downsample"}:
            del stage[name]
        stage["family"] = family
    found = sketch(from_document(document))
    assert found.count(f">{family} 2x<") == 3
