import pytest

from nas.architecture import from_document, from_json, preset, to_document, to_json
from nas.errors import UserError


def test_json_round_trip_keeps_every_preset() -> None:
    for name in ("osnet_x1_0", "osnet_x0_25"):
        architecture = preset(name)
        assert from_json(to_json(architecture), "file") == architecture


def test_document_writes_out_defaults_so_that_a_file_stands_alone() -> None:
    stage = to_document(preset("osnet_x1_0"))["stages"][0]
    assert stage["streams"] == 4
    assert stage["gate_reduction"] == 16


def test_a_block_override_holds_for_that_block_only() -> None:
    document = to_document(preset("osnet_x1_0"))
    document["stages"][0]["blocks"] = {"1": {"streams": 2}}
    stage = from_document(document).stages[0]
    assert stage.block_at(0).get("streams") == 4
    assert stage.block_at(1).get("streams") == 2


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("width",), 0, "width: 0 is not a number above 0"),
        (("input",), "256", "input: '256' is not HEIGHTxWIDTH"),
        (("depths",), 3, "depths: no such field"),
        (("stem", "kind"), "conv9", "stem.kind: 'conv9' is not one of conv7"),
        (("stages", 1, "streams"), 7, "stages[1].streams: 7 is not a whole number from 1 to 6"),
        (("stages", 1, "streams"), 0, "stages[1].streams: 0 is not a whole number from 1 to 6"),
        (("stages", 0, "cardinality"), 0, "stages[0].cardinality: 0 is not a whole number from 1"),
        (("stages", 0, "channels"), 0, "stages[0].channels: 0 is not a whole number from 1"),
        (("stages", 1, "gate"), "unifed", "stages[1].gate: 'unifed' is not one of none, fixed"),
        (("stages", 1, "stream"), 2, "stages[1].stream: no such field"),
        (("stages", 2, "depth"), True, "stages[2].depth: True is not a whole number"),
        (("stages", 0, "blocks"), {"x": {}}, "stages[0].blocks: 'x' is not a block index"),
    ],
)
def test_a_wrong_value_is_named_with_its_path_and_what_is_valid(
    path: tuple[str | int, ...], value: object, message: str
) -> None:
    document = to_document(preset("osnet_x1_0"))
    target = document
    for step in path[:-1]:
        target = target[step]  # type: ignore[index]
    target[path[-1]] = value  # type: ignore[index]
    with pytest.raises(UserError) as error:
        from_document(document)
    assert message in str(error.value)


def test_text_that_is_not_json_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^net.json: not JSON: [^\n]*$"):
        from_json("{", "net.json")
