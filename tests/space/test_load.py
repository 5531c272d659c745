from pathlib import Path

import pytest

from nas.errors import UserError
from nas.space import from_yaml, load_space

PLAIN = """\
space: small
base: osnet_x0_25
input: 64x32
parameters:
  width: [0.25, 0.5]
  stages[each].streams: 1..2
"""


def changed(old: str, new: str) -> str:
    assert old in PLAIN
    return PLAIN.replace(old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "space.yaml:1: a space is a mapping of space, about, base"),
        ("space: x\n", "space.yaml:1: 'base' is missing"),
        (PLAIN + "bogus: 1\n", "space.yaml:7: 'bogus' is not one of space, about, base"),
        (
            changed("osnet_x0_25", "osnet_x9"),
            "space.yaml:2: base: 'osnet_x9' is neither a JSON file",
        ),
        (changed("64x32", "64"), "space.yaml:3: input: 64 is not a size"),
        (
            changed("  width: [0.25, 0.5]", "  widths: [1]"),
            "space.yaml:5: widths: no field is named",
        ),
        (changed("width", "width.x"), "space.yaml:5: width.x: no field is named"),
        (changed("0.5", "-1"), "space.yaml:5: width: -1 is not a number above 0"),
        (changed("[0.25, 0.5]", "[]"), "space.yaml:5: width: the list of values is empty"),
        (changed("[0.25, 0.5]", "[0.5, 0.5]"), "space.yaml:5: width: 0.5 stands twice"),
        (changed("1..2", "2..1"), "space.yaml:6: stages[each].streams: '2..1' is not a range"),
        (changed("1..2", "1..9"), "stages[0].streams: 7 is not a whole number from 1 to 6"),
        (changed("each", "3"), "space.yaml:6: stages[3].streams: [3] is no stage"),
        (changed("streams", "strems"), "stages[each].strems: no field is named 'strems'"),
        (
            PLAIN + "  stages[1].streams: [1]\n",
            "space.yaml:7: stages[1].streams is varied by stages[each].streams already",
        ),
        (PLAIN + "  width: [1]\n", "space.yaml:7: 'width' stands here twice"),
        (PLAIN + "constraints: macs\n", "space.yaml:7: a list of expressions is expected"),
        (PLAIN + "constraints: [mac <= 1M]\n", "space.yaml:7: constraint: 'mac' is not a name"),
        (PLAIN + "constraints: [macs]\n", "space.yaml:7: constraint: 'macs' is a value"),
        (
            PLAIN + "constraints: ['stages[*].streams > 1']\n",
            "space.yaml:7: constraint: stages[*].streams is a list: use it inside all, any",
        ),
        ("a: !!python/object:os.system x", "space.yaml:1: tags"),
        ("a: &x 1\nb: *x", "space.yaml:1: anchors and aliases are not used here"),
        ("a: [" * 30, "space.yaml:1: nested more than 20 deep"),
        ("a: {", "space.yaml:1: not YAML"),
        ("\x00", "space.yaml: not YAML"),
    ],
)
def test_a_mistake_is_one_line_with_file_line_path_and_what_is_valid(
    text: str, message: str
) -> None:
    with pytest.raises(UserError) as error:
        from_yaml(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_each_is_a_choice_for_every_stage_and_star_ties_them() -> None:
    each = from_yaml(PLAIN)
    assert [p.name for p in each.parameters] == [
        "width",
        "stages[0].streams",
        "stages[1].streams",
        "stages[2].streams",
    ]
    tied = from_yaml(changed("each", "*"))
    assert [p.fields for p in tied.parameters][1] == (
        "stages[0].streams",
        "stages[1].streams",
        "stages[2].streams",
    )


def test_slices_tie_and_each_slices_do_not() -> None:
    tied = from_yaml(changed("each", "1:"))
    assert [p.name for p in tied.parameters] == ["width", "stages[1:].streams"]
    free = from_yaml(changed("each", "each 1:"))
    assert [p.name for p in free.parameters] == ["width", "stages[1].streams", "stages[2].streams"]


def test_ranges_and_single_values() -> None:
    space = from_yaml(changed("1..2", "{values: 1..5 step 2}") + "  embedding: 128\n")
    assert space.parameters[1].values == (1, 3, 5)
    assert space.parameters[-1].values == (128,)


def test_conditions_that_depend_on_each_other_are_refused() -> None:
    text = PLAIN + (
        "  stages[*].gate: {values: [none, fixed], when: 'stages[0].fusion == add'}\n"
        "  stages[*].fusion: {values: [add, concat], when: 'stages[0].gate == none'}\n"
    )
    with pytest.raises(UserError, match="conditions depend on each other"):
        from_yaml(text)


def test_a_missing_space_lists_the_shipped_ones() -> None:
    with pytest.raises(UserError, match="neither a file nor one of osnet-mini, osnet-paper"):
        load_space("nothing")


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("a: 1\n" * 400_000)
    with pytest.raises(UserError, match="2000000 bytes; a file of at most 1000000"):
        load_space(file)


def test_an_unsatisfiable_constraint_is_named_with_the_range_of_costs() -> None:
    space = from_yaml(PLAIN + "constraints: [macs <= 10k, params > 1]\n")
    with pytest.raises(UserError, match=r"small is empty: `macs <= 10k` alone leaves 0 of 16"):
        space.count()
