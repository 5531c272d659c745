import pytest

from nas.space import from_yaml, lint, load_space, shipped_spaces
from tests.space.test_space import HEAD

WIDTH = "  width: [0.125, 0.25]\n"
STREAMS = "  stages[*].streams: 1..6\n"


@pytest.mark.parametrize("name", shipped_spaces())
def test_shipped_spaces_are_clean(name: str) -> None:
    assert lint(load_space(name)) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (  # 16 channels over 16 and over 32: one hidden channel
            WIDTH + STREAMS + "  stages[0].gate_reduction: [2, 16, 32]\n",
            "stages[0].gate_reduction: 16, 32 are one and the same",
        ),
        (
            WIDTH + STREAMS + "  stages[*].gate: none\n  stages[*].gate_reduction: [2, 4]\n",
            "stages[*].gate_reduction: changes nothing",
        ),
        (
            WIDTH + STREAMS + "  stages[*].gate_reduction: "
            "{values: [2, 4], when: 'stages[0].gate == none'}\n",
            "stages[*].gate_reduction: never active: stages[0].gate == none",
        ),
        (
            WIDTH + STREAMS + "  stages[*].fusion: "
            "{values: [add, concat], when: 'stages[*].streams > 1'}\n",
            "stages[*].fusion: the condition `stages[*].streams > 1` is not needed",
        ),
        (
            WIDTH + STREAMS + "constraints: [macs < 1]\n",
            "constraint `macs < 1`: nothing satisfies it",
        ),
        (WIDTH + STREAMS + "constraints: [macs > 1]\n", "constraint `macs > 1`: removes nothing"),
        (
            WIDTH + STREAMS + "constraints: [macs < 5M, macs < 6M]\n",
            "constraint `macs < 6M`: the others imply it",
        ),
        (WIDTH, "only 2 distinct architectures are left"),
        (WIDTH + STREAMS + "  stages[0].bottleneck: [4, 64]\n", "some points can not be built"),
    ],
)
def test_findings(text: str, finding: str) -> None:
    found = lint(from_yaml(HEAD + text))
    assert any(line.startswith(finding) for line in found), found


def test_a_condition_that_does_matter_is_not_found_fault_with() -> None:
    text = "  stages[*].streams: {values: 1..3, when: 'stages[*].fusion == add'}\n"
    found = lint(from_yaml(HEAD + WIDTH + "  stages[*].fusion: [add, concat]\n" + text))
    assert not any("not needed" in line for line in found)


@pytest.mark.parametrize("when", ["", ", when: 'stages[*].gate == unified'"])
def test_what_a_constraint_reads_is_needed(when: str) -> None:
    """Where the gate is none, only a parameter without a condition gets below the base's 16."""
    text = (
        "  stages[*].gate: [none, unified]\n"
        f"  stages[*].gate_reduction: {{values: [4, 8]{when}}}\n"
        "constraints: ['all(stages[*].gate_reduction < 16)']\n"
    )
    space = from_yaml(HEAD + WIDTH + text)
    assert space.count().value == (4 if when else 6)
    assert not any(line.startswith("stages[*].gate_reduction") for line in lint(space))
    idle = text.replace("[none, unified]", "none").replace(when, "")
    assert not any("changes nothing" in line for line in lint(from_yaml(HEAD + WIDTH + idle)))


def test_a_condition_is_left_alone_where_one_parameter_more_would_be_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nas.space.columns.MAX_AXES", 2)
    gate = "  stages[0].gate: {values: none, when: 'stages[*].streams == 1'}\n"
    assert lint(from_yaml(HEAD + WIDTH + STREAMS + gate)) == []


def test_a_large_empty_space_is_said_to_be_empty_once() -> None:
    space = from_yaml(
        HEAD + "  stages[each].streams: 1..6\n  stages[each].gate: [none, fixed, unified]\n"
        "  stages[each].fusion: [add, concat]\n  stages[each].convolution: [lite, full]\n"
        "  stages[each].depth: [1, 2, 3, 4]\nconstraints: ['sum(stages[*].streams) > 18']\n"
    )
    assert not space.listable
    assert [line for line in lint(space) if "empty" in line] == [
        "s is empty: `sum(stages[*].streams) > 18` alone leaves 0 of 23,887,872 raw points"
    ]
