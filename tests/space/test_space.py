"""Counting, costs and sampling against a slow implementation: every raw point, one by one."""

import itertools
import json
import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.architecture import from_document, key, preset, to_document, to_json
from nas.cost import cost
from nas.errors import UserError
from nas.seeds import drawer
from nas.space import (
    Space,
    from_yaml,
    load_space,
    make_space,
    to_yaml,
)

HEAD = "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
DOMAINS = {
    "width": "[0.125, 0.25, 0.5]",
    "stem.kind": "[conv3, conv7]",
    "embedding": "[64, 128]",
    "input": "['64x32', '32x32']",
    "stages[*].channels": "[64, 65]",
    "stages[each].streams": "1..2",
    "stages[*].gate": "[none, streamwise, separate, unified]",
    "stages[1:].fusion": "[add, concat]",
    "stages[0].gate_reduction": "{values: [2, 16], when: 'stages[*].gate != none'}",
    "stages[each 1:].bottleneck": "[2, 4, 64]",
    "stages[2].depth": "[1, 2]",
    "stages[0].blocks[1].convolution": "[lite, full]",
    "stages[0].downsample": "[1, 2]",
}
CONSTRAINTS = [
    "macs <= 8M",
    "params > 60k",
    "nondecreasing(stages[*].streams)",
    "all(stages[*].streams * width < 0.5)",
    "width in [0.125, 0.5] or stages[2].depth == 1",
    "sum(stages[*].streams) != 4",
]


def some(names: Iterable[str], least: int, most: int) -> st.SearchStrategy[list[str]]:
    """Some of the names, each once."""
    return st.lists(st.sampled_from(list(names)), min_size=least, max_size=most, unique=True)


def space_of(names: list[str], constraints: list[str]) -> Space:
    lines = ["space: made", "base: osnet_x0_25", "input: 64x32", "parameters:"]
    lines += [f"  {name}: {DOMAINS[name]}" for name in names]
    lines += ["constraints:"] + [f"  - '{text}'" for text in constraints] if constraints else []
    return from_yaml("\n".join(lines))


def slowly(space: Space) -> dict[str, dict[str, object]]:
    """Key to point of every valid architecture, from every raw point in order."""
    found: dict[str, dict[str, object]] = {}
    names = [p.name for p in space.parameters]
    for combination in itertools.product(*(p.values for p in space.parameters)):
        try:
            point = dict(zip(names, combination, strict=True))
            architecture = space.architecture(point)
            if space.broken(architecture) is None:
                found.setdefault(key(architecture), space.active(point))
        except UserError:
            continue
    return found


@settings(max_examples=25, deadline=None)
@given(some(DOMAINS, 1, 4), some(CONSTRAINTS, 0, 2))
def test_count_enumerate_and_costs_agree_with_every_raw_point(
    names: list[str], constraints: list[str]
) -> None:
    agrees_with_every_raw_point(space_of(names, constraints))


def agrees_with_every_raw_point(space: Space) -> None:
    expected = slowly(space)
    if not expected:
        with pytest.raises(UserError, match="made is empty"):
            space.count()
        return
    assert space.count().value == len(expected)
    assert list(space.enumerate()) == list(expected.values())
    for index in random.Random(0).sample(range(space.raw_points), min(5, space.raw_points)):
        try:
            architecture = space.architecture(space.point(index))
            exact = cost(architecture)
        except UserError:
            assert not space.table.buildable.ravel()[index]
            continue
        for name, value in exact.as_dict().items():
            assert space.table.costs[name].ravel()[index] == value


def test_a_seed_samples_what_a_function_that_follows_from_it_does() -> None:
    space = from_yaml(HEAD + "  stages[each].streams: 1..4\n")
    assert space.sample(3) == space.sample(np.int64(3)) == space.sample(drawer(3, "sample"))
    assert space.sample() == space.sample(0) != space.sample(3)
    with pytest.raises(UserError, match=r"^draw, a seed or a function of n: 'x' is not a whole"):
        space.sample("x")  # type: ignore[arg-type]


def test_a_space_is_shown_in_one_line() -> None:
    space = from_yaml(HEAD + "  stages[each].streams: 1..4\n")
    assert repr(space) == f"Space({space.name!r}, 3 parameters, 64 points)"


def test_sampling_is_uniform_over_architectures_not_over_raw_points() -> None:
    """Of 16 raw points 5 collapse; chi-square, p < 0.001, 10 degrees of freedom."""
    tied = from_yaml(
        HEAD
        + "  stages[*].streams: 1..2\n  stages[*].gate: [none, separate, unified, streamwise]\n"
        "  stages[*].fusion: [add, concat]\n"
    )
    assert (tied.raw_points, tied.count().value) == (16, 11)
    draw = random.Random(1)
    counts: dict[str, int] = {}
    for _ in range(2200):
        name = key(tied.architecture(tied.sample(draw.randrange)))
        counts[name] = counts.get(name, 0) + 1
    assert len(counts) == 11
    assert sum((n - 200) ** 2 / 200 for n in counts.values()) < 29.6


def test_contains_knows_architectures_by_their_key() -> None:
    space = load_space("osnet-mini")
    inside = space.architecture(space.sample(random.Random(2).randrange))
    assert space.contains(inside)
    assert not space.contains(space.base)


def test_a_value_out_of_its_domain_is_refused_with_the_domain() -> None:
    space = space_of(["width"], [])
    with pytest.raises(UserError, match=r"made: width: 0.3 is not one of 0.125, 0.25, 0.5"):
        space.architecture({"width": 0.3})


def test_inactive_parameters_are_left_out_of_points() -> None:
    space = space_of(["stages[*].gate", "stages[0].gate_reduction"], [])
    points = list(space.enumerate())
    assert {"stages[*].gate": "none"} in points
    assert all("stages[0].gate_reduction" in p for p in points if p["stages[*].gate"] != "none")


def test_the_hash_changes_with_what_the_space_contains() -> None:
    spaces = [space_of(["width"], []), space_of(["width"], ["macs <= 8M"]), space_of(["input"], [])]
    assert len({space.hash() for space in spaces}) == 3


@pytest.mark.parametrize(
    ("name", "raw", "distinct"),
    [
        ("osnet-mini", 240, 204),
        ("osnet-small", 2_880, 2_016),
        ("osnet-paper", 320, 272),
        ("osnet-stages", 1_310_720, 729_144),
        ("osnet-ain", 4_096, 4_096),
    ],
)
def test_shipped_spaces(name: str, raw: int, distinct: int) -> None:
    space = load_space(name)
    assert (space.raw_points, space.count().value) == (raw, distinct)


def test_neighbours_are_all_valid_one_change_architectures() -> None:
    space = space_of(
        ["width", "stages[*].gate", "stages[0].gate_reduction"], ["params > 60k", "width > 0.2"]
    )
    point = {"width": 0.25, "stages[*].gate": "unified", "stages[0].gate_reduction": 2}
    own = key(space.architecture(point))
    expected = set()
    for parameter in space.parameters:
        for value in parameter.values:
            architecture = space.architecture(point | {parameter.name: value})
            if space.broken(architecture) is None:
                expected.add(key(architecture))
    found = [key(space.architecture(p)) for p in space.neighbours(point)]
    assert len(found) == len(set(found))
    assert set(found) == expected - {own}


def test_encoding_has_a_fixed_length_and_tells_points_apart() -> None:
    space = space_of(["width", "stages[*].gate", "stages[0].gate_reduction", "stages[2].depth"], [])
    points = list(space.enumerate())
    codes = {tuple(space.encode(point)) for point in points}
    assert {len(code) for code in codes} == {3 + 4 + 2 + 2}
    assert len(codes) == len(points)
    inactive = next(p for p in points if p["stages[*].gate"] == "none")
    assert space.encode(inactive).sum() == 3  # width, gate, depth; the reduction is inactive


def test_weights_are_the_odds_of_points() -> None:
    space = from_yaml(
        HEAD + "  width: {values: [0.125, 0.25], weights: [3, 1]}\n"
        "  stages[*].gate: {values: [none, unified], weights: [1, 4]}\n"
        "  stages[*].streams: {values: [2, 3], weights: [9, 1], when: 'stages[*].gate == none'}\n"
        "constraints: [width < 1]\n"
    )
    draw = random.Random(3)
    counts: dict[tuple[object, ...], int] = {}
    for _ in range(1500):
        point = tuple(space.sample(draw.randrange).values())
        counts[point] = counts.get(point, 0) + 1
    odds = {
        (width, gate, *streams): width_odds * gate_odds * streams_odds
        for width, width_odds in ((0.125, 0.75), (0.25, 0.25))
        for gate, gate_odds, choices in (
            ("none", 0.2, (((2,), 0.9), ((3,), 0.1))),
            ("unified", 0.8, (((), 1.0),)),
        )
        for streams, streams_odds in choices
    }
    assert set(counts) <= set(odds)
    chi = sum((counts.get(p, 0) - 1500 * o) ** 2 / (1500 * o) for p, o in odds.items())
    assert chi < 20.5  # p < 0.001 at 5 degrees of freedom


@settings(max_examples=30, deadline=None)
@given(some(DOMAINS, 1, 5), some(CONSTRAINTS, 0, 3))
def test_to_yaml_and_from_yaml_are_inverse(names: list[str], constraints: list[str]) -> None:
    space = space_of(names, constraints)
    assert from_yaml(to_yaml(space)) == space
    assert from_yaml(to_yaml(space)).hash() == space.hash()


OVERRIDES = from_document(
    {
        "input": "64x32",
        "width": 0.25,
        "stem": {"kind": "conv3"},
        "stages": [
            {"channels": 64, "streams": 2, "blocks": {"1": {"gate": "fixed", "streams": 3}}},
            {"channels": 96, "depth": 1, "streams": 2, "gate": "none", "gate_reduction": 4},
        ],
    }
)
BLOCKS: dict[str, object] = {
    "width": [0.125, 0.5],
    "stages[*].family": ["osnet", "se", "resnext"],
    "stages[0].depth": [1, 2, 3],
    "stages[each].streams": [1, 2],
    "stages[0].blocks[1].gate": ["none", "unified", "fixed"],
    "stages[1].gate": ["none", "unified"],
    "stages[each].gate_reduction": [2, 16],
    "stages[0].blocks[2].streams": {"values": [1, 3], "when": "width > 0.3"},
    "stages[0].blocks[0].family": ["osnet", "inception"],
    "stages[0].bottleneck": [4, 64],
    "stages[0].blocks[2].bottleneck": [4, 64],
    "stages[-1:].fusion": {"values": ["add", "concat"], "when": "stages[1].streams > 1"},
    "stages[0].reduction": [0, 4],
}
ON_BLOCKS = [
    "macs > 500k",
    "stages[0].blocks[1].gate != none",
    "stages[1].gate_reduction <= 4 or width > 0.2",
    "stages[0].blocks[2].streams == 3",
    "all(stages[-1:].streams > 1) and macs > 1",
]


@settings(max_examples=40, deadline=None)
@given(some(BLOCKS, 1, 4), some(ON_BLOCKS, 0, 2))
def test_overrides_of_single_blocks_agree_with_every_raw_point(
    names: list[str], constraints: list[str]
) -> None:
    space = make_space("made", OVERRIDES, {n: BLOCKS[n] for n in names}, constraints=constraints)
    agrees_with_every_raw_point(space)


def test_an_input_that_is_inactive_is_the_base_s_own() -> None:
    """With one stream, add at the base's size and concat are one network."""
    space = from_yaml(
        HEAD + "  stages[*].streams: 1..2\n  stages[*].fusion: [add, concat]\n"
        "  input: {values: [64x32, 128x64], when: 'stages[*].fusion == add'}\n"
    )
    known = slowly(space)
    assert space.count().value == len(known) == 5
    assert {key(space.architecture(point)) for point in space.enumerate()} == set(known)


def test_a_condition_on_a_block_waits_for_its_stage_where_its_own_value_may_be_none() -> None:
    gate = "  stages[*].gate: [none, unified]\n"
    own = "  stages[0].blocks[1].gate: {values: [none, fixed], when: 'width > 0.2'}\n"
    streams = (
        "  stages[0].blocks[1].streams: "
        "{values: [1, 2], when: 'stages[0].blocks[1].gate == none'}\n"
    )
    width = "  width: [0.125, 0.25]\n"
    # narrow: the stage's gate decides, 2 + 1; wide: the block's own, 2 times 2 + 1
    for text in (width + gate + own + streams, streams + own + gate + width):
        assert from_yaml(HEAD + text).count().value == 3 + 2 * 3


def test_a_condition_on_stages_that_the_base_has_unlike_is_refused() -> None:
    head = "space: s\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
    when = "  width: {values: [0.125, 0.25], when: 'stages[*].depth == 2'}\n"
    assert from_yaml(head + when).count().value == 2
    with pytest.raises(UserError, match="channels is not one tied choice"):
        from_yaml(head + when.replace("depth == 2", "channels > 300"))


def test_a_condition_on_a_block_waits_for_what_its_stage_says() -> None:
    gate = "  stages[*].gate: [none, unified]\n"
    streams = (
        "  stages[0].blocks[1].streams: "
        "{values: [1, 2], when: 'stages[0].blocks[1].gate == none'}\n"
    )
    for text in (gate + streams, streams + gate):
        assert from_yaml(HEAD + text).count().value == 3
    with pytest.raises(UserError, match="is not one tied choice"):
        from_yaml(
            HEAD + "  stages[each].gate: [none, unified]\n"
            "  width: {values: [0.25, 0.5], when: 'stages[*].blocks[0].gate == none'}\n"
        )


def test_a_space_whose_parts_are_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.space.columns.MAX_LABELS", 30)
    small = HEAD + "  stages[each].streams: 1..4\n"
    assert from_yaml(small).count().value == 64
    large = small + "  stages[each].channels: 16..96 step 16\n"
    with pytest.raises(UserError, match=r"^stages\[1\]: .* depends on .* parameters, and 30 are"):
        from_yaml(large).count()


def test_a_space_is_refused_before_there_is_an_array_of_all_its_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nas.space.columns.MAX_POINTS", 6)
    large = HEAD + "  stages[*].streams: 1..4\n  stages[*].gate: [none, unified]\n"
    with pytest.raises(UserError, match=r"depends on 8 combinations of parameters"):
        from_yaml(large).count()


def test_a_part_whose_cost_could_run_over_is_refused() -> None:
    space = from_yaml(
        "space: s\nbase: {width: 8, stages: [{channels: 65536}]}\ninput: 4096x4096\nparameters:\n"
        "  stages[*].convolution: [lite, full]\n  stages[*].bottleneck: 1\n"
    )
    with pytest.raises(UserError, match=r"has [\d,]+ macs, and 9,007,199,254,740,992 are handled"):
        space.cost_range()


def test_what_a_baseline_with_fewer_stages_breaks() -> None:
    """Not a constraint on a stage that it has not."""
    document = to_document(preset("osnet_x0_25"))
    document["stages"] = document["stages"][:1]
    small = from_document(document)
    text = (
        HEAD + "  stages[*].streams: 1..4\nconstraints: ['stages[2].streams <= 3', width < 0.2]\n"
    )
    whole = preset("osnet_x0_25")
    space = replace(from_yaml(text), baselines=(("small", small), ("whole", whole)))
    assert space.outside == {
        key(small): "breaks width < 0.2",
        key(whole): "breaks stages[2].streams <= 3",
    }


def test_a_baseline_that_was_a_file_is_written_with_its_content(tmp_path: Path) -> None:
    (tmp_path / "net.v2.json").write_text(to_json(preset("osnet_x0_5")))
    text = HEAD + "  width: [0.25, 0.5]\nbaseline: [net.v2.json, osnet_x0_25]\n"
    space = from_yaml(text, str(tmp_path / "space.yaml"))
    again = from_yaml(to_yaml(space))
    assert again == space
    assert [name for name, _ in again.baselines] == ["net.v2", "osnet_x0_25"]


def test_a_baseline_that_is_the_base_by_another_name_keeps_its_name() -> None:
    content = json.dumps(to_document(preset("osnet_x0_25")))
    space = from_yaml(HEAD + f"  width: [0.25, 0.5]\nbaseline: [{{mine: {content}}}]\n")
    assert space.baselines == (("mine", space.base),)
    assert from_yaml(to_yaml(space)) == space


def test_a_space_from_python_takes_what_python_has() -> None:
    domains = {"width": [0.125, 0.25], "stages[*].streams": [1, 2, 3]}
    space = make_space("own", "osnet_x0_25", domains, constraints=["macs <= 99M"])
    for widths, streams in (
        ((0.125, 0.25), range(1, 4)),
        (np.array([0.125, 0.25]), list(np.arange(1, 4))),
        ({"values": (np.float32(0.125), 0.25)}, (n for n in (1, 2, 3))),
    ):
        given: dict[str, Any] = {"width": widths, "stages[*].streams": streams}
        assert make_space("own", "osnet_x0_25", given, constraints="macs <= 99M") == space
    with pytest.raises(UserError, match="own:1: a mapping of paths to domains"):
        make_space("own", "osnet_x0_25", None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="is not a text of YAML; load_space reads a file"):
        from_yaml(Path("own.yaml"))  # type: ignore[arg-type]


def test_a_point_may_be_a_row_of_a_table() -> None:
    space = load_space("osnet-mini")
    point = space.sample(random.Random(0).randrange)
    row: dict[str, Any] = {n: np.array([value])[0] for n, value in point.items()}
    assert isinstance(row["stages[*].streams"], np.integer)
    assert {type(value) for value in space.active(row).values()} <= {int, float, str}
    assert to_json(space.architecture(row)) == to_json(space.architecture(point))
