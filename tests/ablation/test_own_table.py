"""Tables of one's own, from files."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from nas.ablation import Design
from nas.ablation.own_table import own_table
from nas.ablation.run import make_design, run_ablation
from nas.architecture import Architecture, Component, Node, Pen, gates, key, preset, to_json
from nas.cost import cost
from nas.errors import UserError
from nas.search import open_run
from nas.space import make_space
from tests.made_up_runs import make_run

HEAD = "table: mine\nbase: osnet_x0_25\ninput: 64x32\nfixed: {width: 0.125}\nrows:\n"
ROWS = """\
  OSNet: {}
  no gate: {"stages[*].gate": none}
  no gate, concatenated: {"stages[*].gate": none, "stages[*].fusion": concat}
  Inception: {"stages[*].family": inception}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


def of(folder: Path, rows: str, base: Architecture | None = None) -> Design:
    return own_table(write(folder, HEAD + rows), base).design


def test_a_row_is_the_base_with_what_it_changes_and_what_is_fixed(tmp_path: Path) -> None:
    found = of(tmp_path, ROWS)
    assert [row.label for row in found.rows] == [
        "OSNet", "no gate", "no gate, concatenated", "Inception",
    ]  # fmt: skip
    space = make_space(
        "same", "osnet_x0_25",
        {
            "width": 0.125, "stages[*].family": ["osnet", "inception"],
            "stages[*].gate": ["unified", "none"], "stages[*].fusion": ["add", "concat"],
        },
        input="64x32",
    )  # fmt: skip
    for row, (family, gate, fusion) in zip(
        found.rows,
        [("osnet", "unified", "add"), ("osnet", "none", "add"), ("osnet", "none", "concat"),
         ("inception", "unified", "add")],
        strict=True,
    ):  # fmt: skip
        point = {
            "width": 0.125, "stages[*].family": family, "stages[*].gate": gate,
            "stages[*].fusion": fusion,
        }  # fmt: skip
        assert key(row.architecture) == key(space.architecture(point))
    assert found.rows[2].factors == {"gate": "none", "fusion": "concat"}
    assert not found.factorial


def test_what_a_row_sets_itself_stands_over_what_is_fixed(tmp_path: Path) -> None:
    fixed = HEAD.replace("{width: 0.125}", '{width: 0.125, "stages[*].depth": 1}')
    rows = '  OSNet: {}\n  deep: {"stages[0].depth": 2}\n  wide: {width: 0.25}\n'
    plain, deep, wide = own_table(write(tmp_path, fixed + rows)).design.rows
    depths = [[stage.depth for stage in row.architecture.stages] for row in (plain, deep, wide)]
    assert depths == [[1, 1, 1], [2, 1, 1], [1, 1, 1]]
    assert [row.architecture.width for row in (plain, deep, wide)] == [0.125, 0.125, 0.25]
    assert deep.factors == {"stages[0].depth": 2}


def test_all_combinations_are_a_factorial_design(tmp_path: Path) -> None:
    both = '  {}: {{"stages[*].gate": {}, "stages[*].fusion": {}}}\n'
    rows = [
        both.format(f"{gate} {fusion}", gate, fusion)
        for gate in ("unified", "separate")
        for fusion in ("add", "concat")
    ]
    assert of(tmp_path, "".join(rows)).factorial
    assert not of(tmp_path, "".join(rows[:3])).factorial
    again = both.format("again", "unified", "add")
    assert not of(tmp_path, "".join([*rows, again])).factorial  # it would count twice in a mean
    assert not of(tmp_path, rows[0] + rows[2]).factorial  # of one factor


def test_a_row_may_be_a_preset_a_file_or_a_trial(tmp_path: Path) -> None:
    own = preset("osnet_x0_5")
    (tmp_path / "own.json").write_text(to_json(own))
    run = open_run(make_run(tmp_path / "run"))
    rows = "  OSNet: {}\n  whole: osnet_x0_25\n  mine: own.json\n  found: run#1\n"
    found = {row.label: row.architecture for row in of(tmp_path, rows).rows}
    size = found["OSNet"].input
    assert key(found["whole"]) == key(preset("osnet_x0_25").resized(size))
    assert key(found["mine"]) == key(own.resized(size))
    assert key(found["found"]) == key(run.trial(1).architecture.resized(size))


def test_another_base_comes_in_place_of_that_of_the_file(tmp_path: Path) -> None:
    base = preset("osnet_x0_5")
    found = of(tmp_path, ROWS.replace("fixed", ""), base)
    assert found.rows[0].architecture.input == base.input
    without = write(tmp_path, "table: mine\nrows:\n" + ROWS)
    assert own_table(without, base).design.rows[0].architecture == base
    with pytest.raises(UserError, match=r"mine.yaml:1: 'base' is missing, and no --baseline"):
        own_table(without)


def test_rows_of_one_network_are_one_row_and_the_cost_may_be_the_same(tmp_path: Path) -> None:
    again = ROWS + '  again: {"stages[*].gate": unified}\n'
    file = write(tmp_path, HEAD + again)
    name, found = make_design(None, None, str(file), (), "macs")
    assert name == "mine"
    assert any("again: the same network as OSNet" in reason for reason in found.left_out)
    base = cost(found.rows[0].architecture).macs
    assert all(abs(cost(row.architecture).macs - base) <= 0.02 * base for row in found.rows)
    assert len(found.rows) > 2
    assert found.matched == "macs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", r"mine.yaml:1: a table is a mapping of table, about"),
        ("table: x\nrow: {}\n", r"mine.yaml:2: 'row' is not one of .*; did you mean rows\?"),
        ("base: osnet_x0_25\n", r"mine.yaml:1: 'table' is missing"),
        ("table: [1]\n", r"mine.yaml:1: 'table' is missing"),
        ("table: x\nbase: osnet_x0_25\nrows: {a: {}}\n", r"mine.yaml:3: rows: two rows or more"),
        ("table: x\nbase: osnet_x0_3\nrows: {a: {}, b: {}}\n", r"mine.yaml:2: base: 'osnet_x0_3'"),
        ("table: x\nbase: osnet_x0_25\ninput: 9\nrows: {a: {}, b: {}}\n", r"mine.yaml:3: .*9"),
        (HEAD + "  a: {}\n  b: 3\n", r"mine.yaml:7: b: 3 is not a mapping of fields to values"),
        (HEAD + "  a: {}\n  b: {widht: 1}\n", r"mine.yaml:7: widht: no field is named 'widht'"),
        (HEAD + "  a: {}\n  b: {width: -1}\n", r"mine.yaml:7: width"),
        (HEAD + "  a: {}\n  b: {width: [0.5]}\n", r"mine.yaml:7: b: width: .*here is \[0.5\]"),
        (HEAD + "  a: {}\n  b: {width: {when: x}}\n", r"mine.yaml:7: b: width: .*here is \{'when"),
        (HEAD + "  a: {}\n  b: {'stages[*].depth': 1..2}\n", r"mine.yaml:7: b: .*here are 2"),
        (HEAD + "  a: {}\n  '': {width: 1}\n", r"mine.yaml:7: rows: '' is no name of a row"),
        (HEAD.replace("{width: 0.125}", "own") + ROWS, r"mine.yaml:4: fixed: 'own' is .* values$"),
        (HEAD + "  a: {}\n  b: no.json\n", r"mine.yaml:7: b: 'no.json' is neither a JSON file"),
        (HEAD + "  a: {}\n  b: none#3\n", r"mine.yaml:7: b: .*none is not a run"),
        (HEAD.replace("0.125", "x") + "  a: {}\n  b: {}\n", r"mine.yaml:4: width"),
        (HEAD + "  a: {}\n  b:\n", r"mine.yaml: nothing to compare with the baseline: b: the same"),
        (HEAD + "  a: {width: 0.0001}\n  b: {}\n", r"mine.yaml:6: a: stem: conv would have 0"),
        ("plugin: no.py\n" + HEAD + ROWS, r"mine.yaml:1: plugin: it needs no.py; if you trust it"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        own_table(write(tmp_path, text))


def test_a_row_that_can_not_be_built_is_left_out_unless_it_is_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "_kinds", dict(gates._kinds))

    @gates.register("pooled")
    class Pooled(Component):
        def lower(self, net: Pen, streams: Sequence[Node]) -> list[Node]:
            return [net.norm(net.global_pool(x), name="n", kind="instance") for x in streams]

    bad = '  pooled: {"stages[*].gate": pooled}\n'
    found = of(tmp_path, ROWS + bad)
    assert [reason.partition(":")[0] for reason in found.left_out] == ["pooled"]
    with pytest.raises(
        UserError, match=r"mine.yaml:6: pooled: stages\[0\].*an instance norm needs"
    ):
        of(tmp_path, bad + ROWS)


def test_it_is_trained_and_known_by_its_rows(
    tmp_path: Path, inline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = HEAD.replace("64x32", "32x16").replace("mine", "my rows, 1/2")
    file = write(tmp_path, small + ROWS)

    def go() -> Path:
        return run_ablation(
            design=str(file), seeds=2, data="synthetic:ids=24,size=32x16",
            overrides=["epochs=1", "batch=64", "precision=float32"],
        ).path  # fmt: skip

    path = go()
    assert path.parent.name == "results"
    assert path.name.startswith("ablation-my-rows-1-2-")
    assert go() == path
    file.write_text(small + ROWS + '  T=1: {"stages[*].streams": 1}\n')
    assert go() != path
    with pytest.raises(UserError, match="it has its rows; leave out SPACE"):
        run_ablation("osnet-mini", design=str(file))
