"""The drawing of a network: what it says, and that it stays legible."""

import json
import random
from collections.abc import Iterator

import pytest

from nas.architecture import (
    Architecture,
    Block,
    Component,
    Node,
    Pen,
    Size,
    Stage,
    families,
    fusions,
    integer,
    key,
    preset,
)
from nas.architecture.registry import family_fields
from nas.cost import cost
from nas.cost.receptive import receptive_fields
from nas.report.drawing import _steps, describe, draw
from nas.report.words import compact
from nas.space import load_space


def network(*stages: Stage) -> Architecture:
    return Architecture(stages, input=Size(64, 32), stem="conv3", stem_channels=16, embedding=32)


def osnet(**fields: str | int) -> Block:
    return Block("osnet", tuple(sorted(fields.items())))


@pytest.fixture
def branched() -> Iterator[str]:
    """A family that no diagram is known for, with a field, and branches side by side."""
    name = "branched[test]"

    @families.register(name)
    class Branched(Component):
        reach: int = integer(7, low=1, high=9, about="kernel of the second branch")

        def lower(self, net: Pen, x: Node, channels: int) -> Node:
            one = net.conv_norm_relu(x, channels, 1, name="one")
            return net.add(one, net.conv(x, channels, self.reach, name="two"), one)

    yield name
    del families._kinds[name]


def test_the_first_block_of_osnet() -> None:
    lines = draw(preset("osnet_x1_0")).plain.splitlines()
    assert lines[0] == (
        "input 256x128   width 1   978.9M macs   2.17M params   key " + key(preset("osnet_x1_0"))
    )
    start = lines.index("stages[0]   256 x 64x32   osnet, 2 blocks")
    assert lines[start + 1 : start + 6] == [
        "    ▣ lite (1x1, depthwise 3x3)   ◇ unified gate (4 hidden)",
        "               ┌─ ▣ ─────── 3x3 ─◇─┐",
        "    1x1 → 64 ──┼─ ▣─▣ ───── 5x5 ─◇─┼── add ── 1x1 → 256 ── + input",
        "               ├─ ▣─▣─▣ ─── 7x7 ─◇─┤",
        "               └─ ▣─▣─▣─▣ ─ 9x9 ─◇─┘",
    ]
    assert " ".join(lines[start + 6].split()) == (
        "blocks[0] + 1x1 of input 256x64x32 171.2M 17.5% ██████ 86.6k 43"
    )
    assert lines[start + 8].split()[:4] == ["transition", "1x1,", "mean", "2x2"]


def test_figures_are_those_of_the_network() -> None:
    architecture = preset("osnet_x0_25")
    found, total = describe(architecture), cost(architecture)
    stages = found["stages"]
    parts = [found["stem"], *(b for s in stages for b in s["blocks"])]
    parts += [*(s["transition"] for s in stages[:-1]), found["head"], found["embedding"]]
    assert stages[-1]["transition"] is None
    assert sum(p["macs"] for p in parts) == found["macs"] == total.macs
    assert sum(p["params"] for p in parts) == found["params"] == total.params
    assert sum(p["share"] for p in parts) == pytest.approx(1)
    assert {p["part"]: p["receptive_field"] for p in parts} == receptive_fields(architecture)
    assert (stages[1]["channels"], stages[1]["map"], stages[1]["depth"]) == (96, [32, 16], 2)


def test_a_description_is_plain_data() -> None:
    found = describe(preset("osnet_x1_0"))
    assert json.loads(json.dumps(found)) == found
    block = found["stages"][0]["blocks"][0]
    assert block["streams"] == [3, 5, 7, 9]
    assert block["fields"]["family"] == "osnet"
    assert block["fields"]["gate_reduction"] == 16
    assert block["stream_layer"] == ["1x1", "depthwise 3x3"]


def test_one_stream_without_a_gate_is_a_line() -> None:
    text = draw(network(Stage(32, 1, block=osnet(streams=1, gate="none")))).plain
    assert "▣ lite (1x1, depthwise 3x3)   no gate\n" in text
    assert "    1x1 → 8 ─── ▣ ─ 3x3 ──── 1x1 → 32 ── + input\n" in text
    assert "◇" not in text


def test_two_streams_concatenated() -> None:
    block = osnet(streams=2, gate="fixed", fusion="concat", convolution="full")
    lines = draw(network(Stage(32, 1, block=block))).plain.splitlines()
    start = lines.index("    ▣ full (3x3)   ◇ fixed gate")
    assert lines[start + 1 : start + 3] == [
        "    1x1 → 8 ──┬─ ▣ ─── 3x3 ─◇─┬── concat ── 1x1 → 32 ── + input",
        "              └─ ▣─▣ ─ 5x5 ─◇─┘",
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_streams_see_the_same_whatever_a_fusion_of_a_plug_in_does_with_them(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Twice(Component):
        def lower(self, net: Pen, streams: list[Node]) -> Node:
            return net.add(net.add(*streams), net.relu(net.add(*streams)))

    class Last(Component):
        def lower(self, net: Pen, streams: list[Node]) -> Node:
            return streams[-1]

    monkeypatch.setitem(fusions._kinds, "twice", Twice)
    monkeypatch.setitem(fusions._kinds, "last", Last)
    family_fields.cache_clear()
    streams = [3, 5, 7][:count]
    for fusion, seen in (("twice", streams), ("last", [])):
        stage = Stage(32, 1, block=osnet(streams=count, gate="none", fusion=fusion))
        found = describe(network(stage))["stages"][0]["blocks"][0]
        assert found["streams"] == seen, fusion
    family_fields.cache_clear()


def test_equal_blocks_share_a_row_and_their_figures_are_summed() -> None:
    architecture = network(Stage(32, 4, block=osnet(streams=2)))
    text = draw(architecture).plain
    assert text.count("+ input\n") == 1
    (row,) = [line.split() for line in text.splitlines() if "together" in line]
    each = describe(architecture)["stages"][0]["blocks"][1]
    assert row[:3] == ["blocks[1-3]", "3", "together"]
    assert row[-2] == compact(3 * each["params"])
    assert row[-3] == "██████"
    assert row[-1] == str(receptive_fields(architecture)["stages[0].blocks[3]"])


def test_an_override_is_drawn_apart() -> None:
    stage = Stage(32, 3, block=osnet(streams=2), overrides=((1, (("gate", "none"),)),))
    lines = draw(network(stage)).plain.splitlines()
    told = [line.split()[0] for line in lines if "▣ lite" in line or "blocks[" in line]
    assert told == ["▣", "blocks[0]", "▣", "blocks[1]", "▣", "blocks[2]"]
    assert sum("no gate" in line for line in lines) == 1


def test_a_family_without_a_diagram_is_told_in_words(branched: str) -> None:
    stage = Stage(32, 2, block=Block(branched, (("reach", 5),)))
    lines = draw(network(stage)).plain.splitlines()
    start = lines.index("stages[0]   32 x 32x16   branched[test], 2 blocks")
    assert lines[start + 1 : start + 3] == [
        "    branched[test]: reach 5",
        "    5 layers, sees 5x5 of its input; streams see 1x1, 5x5, 1x1",
    ]


@pytest.mark.parametrize("name", ["osnet-mini", "osnet-paper", "osnet-stages"])
def test_no_line_is_longer_than_100_columns(name: str) -> None:
    space, generator = load_space(name), random.Random(name)
    for _ in range(10):
        architecture = space.architecture(space.sample(generator.randrange))
        assert max(map(len, draw(architecture).plain.splitlines())) <= 80
    wide = Stage(65536, 32, block=osnet(streams=6, gate="separate", bottleneck=1, fusion="concat"))
    drawing = draw(Architecture((wide,), input=Size(4096, 4096), width=8.0))
    assert max(map(len, drawing.plain.splitlines())) <= 100


def test_instance_norms_are_drawn() -> None:
    """Blocks with and without them look different, and are not drawn as one."""
    text = draw(preset("osnet_ain_x0_25")).plain
    assert "    instance norm\n" in text  # of the stem
    captions = [line for line in text.splitlines() if "▣ lite" in line]
    assert ["instance norm inside" in line for line in captions] == [True, False, True, True, False]
    assert "instance norm" not in draw(preset("osnet_x0_25")).plain


def test_steps_tell_what_a_window_is_spread_by() -> None:
    pen = Pen((8, 20, 10))
    x = pen.conv(pen.input, 8, 3, groups=8, dilation=2, stride=2, name="a")
    layers = pen.part(pen.conv(x, 8, 3, name="b")).layers
    assert _steps(layers) == ["depthwise 3x3 dilated 2 /2", "3x3"]
