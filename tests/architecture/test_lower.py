"""Keys and lowering, against the networks that are built from them."""

import random
import re
from dataclasses import replace

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
    from_document,
    gates,
    integer,
    key,
    lower,
    preset,
    to_document,
)
from nas.architecture.registry import family_fields
from nas.errors import UserError


def network(**fields: str | int) -> Architecture:
    block = Block("osnet", tuple(sorted(fields.items())))
    stages = (Stage(64, 1, block=block), Stage(96, 2, block=block))
    return Architecture(stages, input=Size(64, 32), width=0.5, stem="conv3")


def test_equal_networks_have_one_key_whatever_their_fields_say() -> None:
    single = network(streams=1, gate="unified", fusion="add")
    assert key(network(streams=1, gate="separate", fusion="add")) == key(single)
    assert key(network(streams=1, gate="unified", fusion="concat")) == key(single)
    # 8 and 12 channels over 16 and over 64: one hidden channel either way
    assert key(network(streams=1, gate_reduction=64)) == key(single)
    assert key(network(streams=1, gate="none", gate_reduction=2)) == key(
        network(streams=1, gate="none")
    )


def test_different_networks_have_different_keys() -> None:
    variants = [
        network(
            streams=t, gate=gate, fusion=fusion, convolution=convolution, convolution_kernel=kernel
        )
        for t in (2, 3)
        for kernel in (3, 5)
        for gate in ("none", "fixed", "streamwise", "separate", "unified")
        for fusion in ("add", "concat")
        for convolution in ("lite", "full", "separable")
    ]
    assert len({key(v) for v in variants}) == len(variants)


def test_a_fixed_gate_is_not_no_gate() -> None:
    assert key(network(streams=1, gate="fixed")) != key(network(streams=1, gate="none"))


def test_input_size_is_part_of_the_key() -> None:
    assert key(network()) != key(network().resized(Size(128, 64)))


def test_keys_do_not_change_between_machines_and_versions() -> None:
    """If this fails, recorded runs no longer recognise their architectures."""
    assert key(preset("osnet_x1_0")) == "fa6cfb52fdea251d"
    assert key(preset("osnet_x0_25")) == "b0b5d1b4a732d95a"


def test_equal_key_if_and_only_if_equal_modules_and_wiring() -> None:
    """Over random pairs: state-dict shapes and the traced graph of the built networks."""
    torch = pytest.importorskip("torch")
    from nas.models import build

    def built(architecture: Architecture) -> tuple[object, ...]:
        model = build(architecture).eval()
        shapes = [tuple(t.shape) for t in model.state_dict().values()]
        traced = torch.jit.trace(model, torch.zeros(1, 3, *architecture.input), check_trace=False)
        return tuple(shapes), canonical_text(traced)

    generator = random.Random(0)
    known: dict[str, tuple[object, ...]] = {}
    for _ in range(40):
        one = network(
            streams=generator.choice([1, 1, 2]),
            gate=generator.choice(["none", "fixed", "streamwise", "separate", "unified"]),
            fusion=generator.choice(["add", "concat"]),
            gate_reduction=generator.choice([2, 4, 16, 32]),
        )
        own = built(one)
        assert known.setdefault(key(one), own) == own
    assert len(set(known.values())) == len(known)


def canonical_text(traced: object) -> tuple[str, ...]:
    """The traced operators in order, their inputs by number; weights are told by identity only."""
    lines = str(traced.inlined_graph).splitlines()  # type: ignore[attr-defined]
    attribute = re.compile(r'\s*(%\S+) : .* = prim::GetAttr\[name="(.*?)"\]\((%\S+)\)')
    number: dict[str, str] = {}
    path: dict[str, str] = {}
    found = []
    for line in lines:
        line = re.sub(r", scope: .*|# .*", "", line)
        if match := attribute.match(line):
            made, name, owner = match.groups()
            path[made] = f"{path.get(owner, '')}/{name}"
        elif "=" in line:
            names = re.findall(r"%[\w.]+", line)
            for name in names:
                number.setdefault(path.get(name, name), str(len(number)))
            line = re.sub(r"%[\w.]+", lambda m: number[path.get(m[0], m[0])], line)
            found.append(line.strip())
    return tuple(found)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (replace(preset("osnet_x1_0"), width=0.001), "stem: "),
        (
            replace(preset("osnet_x0_25"), input=Size(8, 8)),
            "stages[1] transition: avg_pool would make 96 channels of 0x0: every dimension",
        ),
        (
            replace(network(bottleneck=64), width=0.125),
            "stages[0].blocks[0]: conv1.conv would have 0 channels: at least 1 is needed",
        ),
        (
            replace(network(family="resnext", bottleneck=64), width=0.125),
            "stages[0].blocks[0]: conv1.conv would have 0 channels: at least 1 is needed",
        ),
    ],
)
def test_what_can_not_be_built_is_said_in_words(architecture: Architecture, message: str) -> None:
    with pytest.raises(UserError) as error:
        lower(architecture)
    assert message in str(error.value)


def test_a_map_of_one_pixel_has_no_instance_norm() -> None:
    with pytest.raises(UserError, match="an instance norm needs a map of two pixels at least"):
        lower(preset("osnet_ain_x0_25").resized(Size(28, 28)))


def test_a_family_that_changes_the_map_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Half(Component):
        def lower(self, net: Pen, x: Node, channels: int) -> Node:
            return net.conv_norm_relu(x, channels, 3, stride=2, name="c")

    monkeypatch.setitem(families._kinds, "half", Half)
    family_fields.cache_clear()
    document = to_document(preset("osnet_x0_25"))
    document["stages"][0] = {"channels": 256, "depth": 1, "downsample": 2, "family": "half"}
    with pytest.raises(UserError, match=r"a block of half gives .* is expected"):
        lower(from_document(document))
    family_fields.cache_clear()


@pytest.mark.parametrize(
    ("kept", "message"), [(None, "lower gave None for 4"), (2, "lower gave 2 streams for 4")]
)
def test_a_gate_that_does_not_give_all_streams_is_said(
    kept: int | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fewer(Component):
        def lower(self, net: Pen, streams: list[Node]) -> list[Node] | None:
            return streams[:kept] if kept else None

    monkeypatch.setitem(gates._kinds, "fewer", Fewer)
    with pytest.raises(UserError, match=f"gate 'fewer': {message} streams"):
        lower(network(gate="fewer", streams=4, bottleneck=3 + (kept or 1)))  # parts are cached


def test_a_field_of_one_name_has_one_domain() -> None:
    with pytest.raises(UserError, match="field 'reduction' may hold other values than in"):

        @gates.register("narrow")
        class Narrow(Component):
            reduction: int = integer(16, low=8, high=64, about="as of the others, but narrower")

            def lower(self, net: Pen, streams: list[Node]) -> list[Node]:
                return streams
