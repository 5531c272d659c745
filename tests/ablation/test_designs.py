"""Which rows the designs over a space have."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.ablation import factorial, find_factors, leave_one_out, match_cost, one_at_a_time
from nas.ablation.design import SAME_COST
from nas.ablation.published import paper_table
from nas.architecture import Architecture, key, preset, to_document
from nas.cost import cost
from nas.errors import UserError
from nas.space import from_yaml, load_space, make_space

MINI = load_space("osnet-mini")
BASE = preset("osnet_x0_25")
EACH = make_space(
    "each",
    "osnet_x0_25",
    {
        "width": [0.125, 0.25],
        "stages[each].streams": "1..3",
        "stages[*].fusion": ["add", "concat"],
        "stages[each].gate": ["none", "separate", "unified"],
    },
    input="64x32",
)


def labels(design) -> list[str]:
    return [row.label for row in design.rows]


def changed_fields(one: Architecture, other: Architecture) -> set[str]:
    """Names of stage fields in which two architectures differ."""
    pairs = zip(to_document(one)["stages"], to_document(other)["stages"], strict=True)
    return {name for a, b in pairs for name in a.keys() | b.keys() if a.get(name) != b.get(name)}


def test_one_at_a_time_has_every_other_value_of_every_parameter() -> None:
    design = one_at_a_time(MINI, BASE)
    assert labels(design) == [
        "baseline", "width 0.125", "width 0.1875", "streams 1", "streams 2", "streams 3",
        "gate none", "gate fixed", "gate streamwise", "gate separate", "fusion concat",
        "stages[2].depth 1",
    ]  # fmt: skip
    assert design.rows[6].factors == {"gate": "none"}
    assert changed_fields(design.rows[0].architecture, design.rows[6].architecture) == {
        "gate", "gate_reduction",
    }  # fmt: skip


def test_what_the_space_fixes_is_set_on_the_baseline_and_said() -> None:
    design = one_at_a_time(MINI, BASE)
    assert design.rows[0].architecture.stem == "conv3"
    assert str(design.rows[0].architecture.input) == "64x32"
    assert "stem.kind conv3, stages[:2].depth 1" in design.context
    own = one_at_a_time(load_space("osnet-paper"), BASE, ["gate", "fusion"])
    assert own.context == "the baseline has gate unified, fusion add"


def test_a_baseline_that_breaks_a_constraint_is_said_to_where_no_row_is_left() -> None:
    small = from_yaml(
        "space: small\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
        "  stages[*].gate: [none, unified]\nconstraints: [macs <= 1M]\n"
    )
    with pytest.raises(UserError, match=r"gate none: breaks .*; it breaks macs <= 1M itself: --b"):
        one_at_a_time(small, BASE)


def test_a_change_that_changes_nothing_is_left_out_with_the_reason() -> None:
    domains = {"stages[*].streams": [1, 2], "stages[*].fusion": ["add", "concat"]}
    single = make_space("s", BASE, domains, input="64x32")
    base = single.architecture({"stages[*].streams": 1, "stages[*].fusion": "add"})
    design = one_at_a_time(single, base)
    assert labels(design) == ["baseline", "streams 2"]
    assert design.left_out == ("fusion concat: the same network as baseline",)


def test_broken_constraints_and_what_can_not_be_built_are_left_out_with_the_reason() -> None:
    space = make_space(
        "s", BASE, {"width": [0.001, 0.25, 0.5], "stages[*].streams": [2, 4]},
        constraints=["macs <= 6M"], input="64x32",
    )  # fmt: skip
    design = one_at_a_time(space, BASE)
    assert labels(design) == ["baseline", "streams 2"]
    assert design.left_out[0].startswith("width 0.001: stem")
    assert design.left_out[1] == "width 0.5: breaks macs <= 6M"


def test_an_inactive_factor_is_left_out() -> None:
    space = make_space("s", BASE, {
        "stages[*].gate": ["none", "unified"],
        "stages[*].gate_reduction": {"values": [4, 16], "when": "stages[*].gate == unified"},
    }, input="64x32")  # fmt: skip
    without = space.architecture({"stages[*].gate": "none"})
    assert one_at_a_time(space, without).left_out == ("gate_reduction: inactive in the baseline",)
    assert "gate_reduction 4" in labels(one_at_a_time(space, BASE))


def test_a_stage_is_changed_whole_also_where_single_blocks_had_their_own_value() -> None:
    space = make_space("s", "osnet_ain_x0_25", {"stages[*].instance_norm": ["none", "inside"]},
                       input="64x32")  # fmt: skip
    ain = preset("osnet_ain_x0_25")
    assert labels(one_at_a_time(space, ain)) == [
        "baseline", "instance_norm none", "instance_norm inside",
    ]  # fmt: skip
    none = leave_one_out(space, ain).rows[1].architecture
    assert {s.block_at(i).get("instance_norm") for s in none.stages for i in range(2)} == {"none"}


def test_leave_one_out_sets_neutral_values_and_says_what_has_none() -> None:
    space = make_space("s", BASE, {
        "width": [0.25, 0.5], "stages[*].gate": ["unified", "separate"],
        "stages[*].streams": "2..4", "stages[*].fusion": ["add", "concat"],
    }, input="64x32")  # fmt: skip
    design = leave_one_out(space, BASE)
    assert labels(design) == ["baseline", "gate none", "streams 1"]  # neither is in the space
    assert design.left_out == (
        "width: has no neutral value",
        "fusion: is add already, its neutral value",
    )


def test_parts_of_mobilenets_block_and_larger_kernels_have_neutral_values() -> None:
    space = make_space("s", BASE, {
        "stages[:2].convolution_kernel": [3, 5], "stages[2].family": "mobilenet",
        "stages[2].expansion": [3, 6], "stages[2].depthwise_kernel": [3, 7],
        "stages[2].squeeze": [0, 4],
    }, input="64x32")  # fmt: skip
    full = {name: values[-1] for name, values in (
        ("stages[:2].convolution_kernel", [5]), ("stages[2].expansion", [6]),
        ("stages[2].depthwise_kernel", [7]), ("stages[2].squeeze", [4]),
    )}  # fmt: skip
    design = leave_one_out(space, space.architecture(full | {"stages[2].family": "mobilenet"}))
    assert [row.split(" ", 1)[1] for row in labels(design)[1:]] == ["3", "1", "3", "0"]
    assert len({key(row.architecture) for row in design.rows}) == 5


def test_a_factorial_has_all_combinations_with_the_baselines_first() -> None:
    design = factorial(load_space("osnet-paper"), preset("osnet_x0_5"), ["gate", "convolution"])
    assert len(design.rows) == len(design.cells) == 10
    assert design.rows[0].factors == {"gate": "unified", "convolution": "lite"}
    assert key(design.rows[0].architecture) == key(preset("osnet_x0_5"))
    assert [cell.row for cell in design.cells] == list(range(10))


def test_cells_that_are_one_network_share_a_row() -> None:
    design = factorial(MINI, BASE, ["streams", "fusion"])
    rows = {tuple(cell.factors.values()): cell.row for cell in design.cells}
    assert rows[1, "add"] == rows[1, "concat"]
    assert len(design.rows) == 7
    assert design.left_out == (
        "streams 1, fusion concat: the same network as streams 1, fusion add",
    )


def test_the_baselines_value_is_a_level_though_the_space_has_it_not() -> None:
    design = factorial(MINI, preset("osnet_x0_5"), ["width"])
    assert [cell.factors["width"] for cell in design.cells] == [0.5, 0.125, 0.1875, 0.25]


def test_factors_are_found_by_their_short_names_and_tied_over_stages() -> None:
    stages = load_space("osnet-stages")
    assert [f.name for f in find_factors(MINI, ["fusion", "streams"])] == ["streams", "fusion"]
    (streams,) = find_factors(stages, ["streams"])
    assert streams.fields == ["stages[0].streams", "stages[1].streams", "stages[2].streams"]
    assert labels(one_at_a_time(stages, BASE, ["streams"])) == [
        "baseline", "streams 1", "streams 2", "streams 3",
    ]  # fmt: skip
    (one,) = find_factors(stages, ["stages[1].streams"])
    assert one.fields == ["stages[1].streams"]


def test_wrong_names_and_designs_are_refused_in_words() -> None:
    with pytest.raises(UserError, match="'gates' is not one of what varies: width, streams, gate"):
        one_at_a_time(MINI, BASE, ["gates"])
    with pytest.raises(UserError, match="streams and streams vary the same field"):
        factorial(MINI, BASE, ["streams", "stages[*].streams"])
    with pytest.raises(UserError, match="a factorial design needs some of width, streams"):
        factorial(MINI, BASE, [])
    with pytest.raises(UserError, match="have 1,280 combinations, and at most 512"):
        factorial(load_space("osnet-stages"), BASE, [
            "width", "streams", "gate", "fusion", "bottleneck", "convolution", "stages[2].depth",
        ])  # fmt: skip
    mixed = EACH.architecture(EACH.point(1))
    with pytest.raises(UserError, match="gate has several values in the baseline"):
        factorial(MINI, mixed, ["gate"])
    with pytest.raises(UserError, match=r"nothing to compare .* width: has no neutral value"):
        leave_one_out(MINI, BASE, ["width"])
    space = make_space("s", BASE, {"stages[0].depth": [1, 2], "stages[1].depth": [1, 3]})
    with pytest.raises(UserError, match="'depth' has several domains; give one of"):
        one_at_a_time(space, BASE, ["depth"])


def test_matched_rows_cost_what_the_baseline_costs() -> None:
    design = match_cost(one_at_a_time(MINI, BASE, ["width", "streams", "gate"]))
    assert design.matched == "macs"
    target = cost(design.rows[0].architecture).macs
    for row in design.rows:
        assert cost(row.architecture).macs == pytest.approx(target, rel=0.02)
    assert labels(design)[1].startswith("streams 1, width 0.30")
    assert "gate none" in labels(design)  # within SAME_COST: the width stays
    assert abs(cost(design.rows[4].architecture).macs / target - 1) < SAME_COST
    assert [line.partition(":")[2] for line in design.left_out] == [
        " the same network as baseline"
    ] * 2


def test_matching_keeps_cells_with_their_rows() -> None:
    before = factorial(MINI, BASE, ["streams", "fusion"])
    after = match_cost(before)
    assert [cell.factors for cell in after.cells] == [cell.factors for cell in before.cells]
    for old, new in zip(before.cells, after.cells, strict=True):
        assert before.rows[old.row].factors == after.rows[new.row].factors


def test_only_combinations_of_the_same_factors_are_a_factorial() -> None:
    two = ["streams", "fusion"]
    assert factorial(MINI, BASE, two).factorial
    assert match_cost(factorial(MINI, BASE, two)).factorial
    assert not factorial(MINI, BASE, ["streams"]).factorial  # a main effect alone is the table's
    assert not one_at_a_time(MINI, BASE, two).factorial
    assert not paper_table(BASE).factorial  # of which some rows change two fields


@settings(max_examples=20, deadline=None)
@given(st.integers(0, EACH.raw_points - 1))
def test_rows_have_distinct_keys_and_only_their_own_fields_differ(seed: int) -> None:
    base = EACH.architecture(EACH.point(seed))
    design = one_at_a_time(EACH, base)
    assert len({key(row.architecture) for row in design.rows}) == len(design.rows)
    assert design.rows[0].architecture == base
    for row in design.rows[1:]:
        (name,) = row.factors
        field = name.rpartition(".")[2]
        found = changed_fields(base, row.architecture)
        assert found <= {field, "gate_reduction"}, name
