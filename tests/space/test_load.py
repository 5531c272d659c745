import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        ("[]", "space.yaml:1: a space is a mapping of space, about, extends"),
        ("space: x\n", "space.yaml:1: 'base' is missing"),
        (PLAIN + "bogus: 1\n", "space.yaml:7: 'bogus' is not one of space, about, extends"),
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
        (changed("streams", "strems"), "; did you mean streams?"),
        (changed("width", "widht"), "; did you mean width?"),
        (changed("osnet_x0_25", "osnet_0_25"), "; did you mean osnet_x0_25?"),
        (changed("parameters", "params"), "; did you mean parameters?"),
        (changed("streams: 1..2", "gate: [None, fixed]"), "; did you mean none?"),
        (changed("streams: 1..2", "gate: [null, fixed]"), "; did you mean none?"),
        (changed("1..2", "1-2"), "stages[each].streams: '1-2': a range is written 1..2"),
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
        (changed("0.5]", "0.5"), "text with [ or { in it needs quotes"),
        ("\x00", "space.yaml: not YAML"),
        (changed("  width", "   width"), "entries of one mapping or list are indented alike"),
        (changed("  width", "\twidth"), "space.yaml:5: not YAML: found character"),
        (changed("  width", "\twidth"), "indent with spaces, not with tabs"),
        (changed("width:", "width"), "has a space after its colon, also in the line before"),
        (changed("0.5]", "0.5]\n  depth"), "an entry is NAME: VALUE, with a space after"),
        ("1: 2\n", "space.yaml:1: '1' is not one of"),
        ("? [a]\n: b\n", "space.yaml:1: a name is expected"),
        ("space: x\n--- \nspace: y\n", "space.yaml:2: one document a file"),
        (changed("small", "[1]"), "space.yaml:1: space: [1] is not a name; write it in quotes"),
        (changed("osnet_x0_25", "[1]"), "space.yaml:2: base: [1] is not a preset"),
        (changed("osnet_x0_25", "{stages: 3}"), "space.yaml:2: base: stages: a list of 1 to 8"),
        (changed("1..2", "{value: 1}"), "'value' is not one of values, weights, when"),
        (changed("1..2", "{values: [1], weights: [1, 2]}"), "is not a list of 1 positive numbers"),
        (changed("1..2", "{values: [1, 2], weights: [1, -1]}"), "is not a list of 2 positive"),
        (changed("1..2", "{values: [1, 2], weights: [1, .inf]}"), "is not a list of 2 positive"),
        (changed("1..2", "{values: [1, 2], weights: [1, 1.0e+308]}"), "is not a list of 2"),
        (changed("1..2", "0x" + "f" * 4000), "space.yaml:6: '0xffff"),
        (changed("1..2", "1" * 6000), "a number of 64 bits at most, is expected"),
        (changed("1..2", ":".join(["59"] * 3000) + ".5"), "is not a value"),
        (changed("small", r'"\ud800"'), r"space.yaml:1: '\ud800' is not a value"),
        (changed("small", r'"a\e[0m"'), r"space.yaml:1: space: 'a\x1b[0m' is not a name of"),
        (changed("width", r'"wid\nth"'), "space.yaml:5: a name is expected before the colon"),
        (PLAIN + f"extends: {'a' * 5000}\n", "space.yaml:7: extends: no space 'aaa"),
        (PLAIN + f"plugin: {'a' * 5000}.py\n", "space.yaml:7: plugin: it needs aaa"),
        (changed("osnet_x0_25", "a" * 5000 + ".json"), "space.yaml:2: base: 'aaa"),
        (PLAIN + f"baseline: ['{'a' * 5000}.json']\n", "space.yaml:7: baseline: 'aaa"),
        (changed("1..2", "{values: [1, 2], when: 3}"), "when: 3 is not an expression"),
        (changed("1..2", "{values: [1, 2], when: macs}"), "when: 'macs' is a value"),
        (changed("1..2", "{values: [1, 2], when: 'width > x'}"), "when: 'x' is not a name"),
        (
            changed("1..2", "{values: [1, 2], when: 'stages[*].gate == none'}").replace("each", "0")
            + "  stages[1].gate: [none, fixed]\n",
            "when: stages[*].gate is not one tied choice",
        ),
        (
            changed("each", "0").replace(
                "1..2", "{values: [1, 2], when: 'stages[each].depth > 1'}"
            ),
            "[each] is only for a parameter with [each]",
        ),
        (changed("1..2", "[[1]]"), "space.yaml:6: stages[each].streams: [1] is not a single value"),
        (changed("1..2", "1..99999"), "is not a range from low to high with at most 1000"),
        (changed("1..2", "1..1000000000"), "is not a range from low to high with at most 1000"),
        (
            changed("1..2", "{values: [1, 2], when: 'macs < 3M'}"),
            "when: 'macs' is not a name here; names are input, width, embedding, stem.kind, ",
        ),
        (changed("1..2", "2020-01-01"), "is not a single value"),
        (changed("[0.25, 0.5]", "[.nan]"), "width: nan is not a number above 0"),
        (changed("[each]", "[9999999999999999999999]"), "is no stage"),
        (changed("[each].streams", "[0].blocks[x].streams"), "is not a block's index"),
        (PLAIN + "extends: [1]\n", "space.yaml:7: extends: [1] is not the name or file"),
        (PLAIN + "extends: nothing\n", "space.yaml:7: extends: no space 'nothing'"),
        *(
            (PLAIN + f"constraints: {empty}\n", "space.yaml:7: a list of expressions is expected")
            for empty in ("0", "''", "{}", "false")
        ),
        (PLAIN + "plugin: 0\n", "space.yaml:7: plugin: 0 is not a file's name or a list of them"),
        (PLAIN + "plugin: false\n", "space.yaml:7: plugin: False is not a file's name"),
        (PLAIN + "about: [1, 2]\n", "space.yaml:7: about: [1, 2] is not text; write it in quotes"),
        (PLAIN + "about: false\n", "space.yaml:7: about: False is not text; write it in quotes"),
        (PLAIN + "plugin: 3\n", "space.yaml:7: plugin: 3 is not a file's name"),
        (PLAIN + "plugin: x.py\n", "it needs x.py; if you trust it, give --plugin x.py"),
        *(
            (PLAIN + f"constraints: ['{text}']\n", f"space.yaml:7: constraint: {message}")
            for text, message in {
                "macs.__class__ == 1": "no field is named 'macs.__class__'",
                '__import__("os") == 1': "in '__import__(\"os\") == 1': an operator or the end was",
                "width == unifed": "width is never ",
                'input == "64X32"': "input is never '64X32': it is written '64x32'",
                "all(stages[*].gate == unifed)": "stages[*].gate is never ",
                "all(stages[*].streams)": "'all' needs a condition, not a value",
                "max(stages[*].gate) > 1": "stages[*].gate is a word",
                "not width": "'not' needs a condition, not a value",
                "stages[0].gate == [none, fixed]": "a list stands after `in` only, as `stages[0]",
                "macs < [1, 2]": "a list stands after `in` only",
                "[1] + 1 > 0": "a list stands after `in` only",
                "stages[0].gate in [none] in [none]": "a list stands after `in` only",
                "nondecreasing(stages[*].gate)": "stages[*].gate is a word, and 'nondec",
                "macs == stages[0].gate": "stages[0].gate is a word, and is compared with a number",
                "true + true == 2": "true is no number, and '+' needs numbers",
                "macs > false": "false is no number, and '>' needs numbers",
                "stages[0].gate != (width > 0.2)": "stages[0].gate is a word, and is compared with",
                "macs == true": "macs is never True: it is a number",
                "macs in [1, true]": "macs is never True: it is a number",
                "width not in []": "'not in' needs a list with values, as [none, fixed]",
                "macs / 0 > 1": "'/' needs a number that is not 0",
                "stages[7].streams > 1": "stages[7].streams: [7] is no stage",
                "stages[each].streams > 1": "stages[each].streams: [each] is only",
                "max(stages[*].gate) == none": "stages[*].gate is a word",
                "params <= 3K": "in 'params <= 3K': '3K' at 11 is not a number; its units a",
                "macs > 1e-99999999k": "in 'macs > 1e-99999999k': '1e-99999999k' at 8 is not ",
                "width .foo > 3": "in 'width .foo > 3': '.' at 7 is not understood",
                "width = 0.25": "in 'width = 0.25': '=' at 7 is not understood; comparisons are ==",
                "input == 64x32": "in 'input == 64x32': a size stands in quotes, as \"64x32\"",
                "params <= 4MB": "in 'params <= 4MB': '4MB' at 11 is not a number",
                "sum(width) > 1": "sum(...) needs paths over the same stages",
                "all(sum(stages[*].streams) > 1)": "sum(...) does not go inside of another",
                "(((((((((((((((((((((((((((((((((((((((((((1)))))": "in '(((",
            }.items()
        ),
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
    with pytest.raises(UserError, match=r"yaml:7: stages\[\*\].gate: when: conditions depend on"):
        from_yaml(text)


def test_a_condition_is_at_fault_where_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(
        PLAIN + "  stages[*].gate:\n    values: [none, fixed]\n    when: 'stages[*].depth == 1'\n"
    )
    (tmp_path / "child.yaml").write_text(
        "space: child\nextends: parent.yaml\nparameters:\n  stages[each].depth: 1..2\n"
    )
    assert load_space(tmp_path / "parent.yaml").raw_points == 32
    wanted = r"parent.yaml:9: stages\[\*\].gate: when: stages\[\*\].depth is not one tied choice"
    with pytest.raises(UserError, match=wanted):
        load_space(tmp_path / "child.yaml")


def test_a_missing_space_lists_the_shipped_ones() -> None:
    with pytest.raises(UserError, match="neither a file nor one of osnet-ain, osnet-mini"):
        load_space("nothing")


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("a: 1\n" * 400_000)
    with pytest.raises(UserError, match="2000000 bytes; a file of at most 1000000"):
        load_space(file)


def test_extending_replaces_what_it_overlaps_and_adds_constraints(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(PLAIN + "constraints: [params > 1]\n")
    (tmp_path / "child.yaml").write_text(
        "space: child\nextends: parent.yaml\ninput: 128x64\nconstraints: [macs > 1]\n"
        "parameters:\n  stages[1].streams: [3, 4, 5]\n  embedding: 128\n"
    )
    child = load_space(tmp_path / "child.yaml")
    assert str(child.base.input) == "128x64"
    assert {p.name: p.values for p in child.parameters} == {
        "width": (0.25, 0.5),
        "stages[0].streams": (1, 2),
        "stages[2].streams": (1, 2),
        "stages[1].streams": (3, 4, 5),
        "embedding": (128,),
    }
    assert [c.text for c in child.constraints] == ["params > 1", "macs > 1"]


def test_a_file_may_have_the_name_of_the_shipped_space_that_it_extends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("osnet-mini.yaml").write_text("space: mine\nextends: osnet-mini\nparameters: {width: 1}\n")
    assert load_space("osnet-mini.yaml").name == "mine"


def test_extending_in_a_circle_is_refused(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        text = f"space: {one}\nextends: {other}.yaml\nparameters: {{width: [0.5]}}\n"
        (tmp_path / f"{one}.yaml").write_text(text)
    with pytest.raises(
        UserError, match=r"a.yaml:2: extends: a.yaml -> b.yaml -> .*a.yaml comes back"
    ):
        load_space(tmp_path / "a.yaml")


def test_a_base_may_be_an_architecture_file_and_is_checked_as_one(tmp_path: Path) -> None:
    from nas.architecture import preset, to_json

    (tmp_path / "space.yaml").write_text(PLAIN.replace("osnet_x0_25", "net.json"))
    (tmp_path / "net.json").write_text(to_json(preset("osnet_x0_5")))
    assert load_space(tmp_path / "space.yaml").base.width == 0.5
    (tmp_path / "net.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"space.yaml:2: base: net.json: not JSON: [^\n]*$"):
        load_space(tmp_path / "space.yaml")


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from(list(PLAIN) + list("{}[]&*!%@`|>#?-:'\"\\\t\x07é")), max_size=80
    )
)
def test_any_text_is_a_space_or_a_single_clear_error(text: str) -> None:
    for whole in (text, PLAIN + text, PLAIN.replace("1..2", text), PLAIN.replace("width", text)):
        try:
            from_yaml(whole)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert str(error).startswith("space.yaml")  # noqa: PT017


def test_an_unsatisfiable_constraint_is_named_with_the_range_of_costs() -> None:
    space = from_yaml(PLAIN + "constraints: [macs <= 10k, params > 1]\n")
    with pytest.raises(UserError, match=r"small is empty: `macs <= 10k` alone leaves 0 of 16"):
        space.count()


def test_all_plug_ins_that_are_missing_are_named_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "my gate.py").write_text("")
    (tmp_path / "s.yaml").write_text(PLAIN + "plugin: [my gate.py, far.py]\n")
    named = f"--plugin '{tmp_path / 'my gate.py'}' --plugin far.py"
    with pytest.raises(
        UserError, match=re.escape(f"needs my gate.py, far.py; if you trust it, give {named}")
    ):
        load_space(tmp_path / "s.yaml")
