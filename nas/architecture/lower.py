"""Lowering: from an architecture to the layers of each part, and from these to its key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from nas.architecture.canonical import digest, segments
from nas.architecture.graph import Node, Part, Pen, Shape
from nas.architecture.presets import preset
from nas.architecture.registry import Component, stems, until_registered
from nas.architecture.value import Architecture, Block
from nas.errors import Faulty, UserError, in_words

IMAGE_CHANNELS = 3


@dataclass(frozen=True)
class Placed:
    """A part at its place in the network; `prefix` starts the names of its weights."""

    name: str
    prefix: str
    part: Part


def lower(architecture: Architecture | str) -> tuple[Placed, ...]:
    """The network's parts in the order of computation, from the image to the embedding.

    architecture: or the name of a preset. Raises UserError, in words, for what can not be built.
    """
    a = preset(architecture)
    placed: list[Placed] = []

    def put(name: str, prefix: str, part: Part) -> None:
        placed.append(Placed(name, prefix, part))

    shape: Shape = (IMAGE_CHANNELS, *a.input)
    with _where("stem"):
        channels = a.channels(a.stem_channels)
        put("stem", "conv1", stem_part(a.stem, a.stem_norm, shape, channels))
    for i, stage in enumerate(a.stages):
        channels, prefix = a.channels(stage.channels), f"conv{i + 2}"
        for j in range(stage.depth):
            with _where(f"stages[{i}].blocks[{j}]"):
                block = stage.block_at(j).read()
                part = block_part(block, placed[-1].part.output, channels)
            put(f"stages[{i}].blocks[{j}]", f"{prefix}.{j}", part)
        if i + 1 < len(a.stages):
            with _where(f"stages[{i}] transition"):
                part = transition_part(placed[-1].part.output, stage.downsample)
            put(f"stages[{i}].transition", f"{prefix}.{stage.depth}", part)
    prefix = f"conv{len(a.stages) + 2}"
    put("head", prefix, head_part(placed[-1].part.output))
    put("embedding", "fc", embedding_part(placed[-1].part.output, a.embedding))
    return tuple(placed)


def key(architecture: Architecture | str) -> str:
    """16 hex digits, equal for two architectures exactly when they are one network.

    architecture: or the name of a preset.
    """
    architecture = preset(architecture)
    return key_of_parts(architecture.input, tuple(p.part for p in lower(architecture)))


def key_of_parts(size: tuple[int, int], parts: tuple[Part, ...]) -> str:
    """The key of the network that consists of these parts."""
    pieces = [piece.hex() for part in parts for piece in segments(part)]
    return digest(tuple(size), *pieces, size=8).hex()


@until_registered
def stem_part(kind: str, norm: str, shape: Shape, channels: int) -> Part:
    return _drawn(f"stem {kind!r}", stems[kind]({}), shape, channels, norm)


@until_registered
def block_part(block: Block, shape: Shape, channels: int) -> Part:
    part = _drawn(f"family {block.family!r}", block.component(), shape, channels)
    if part.output != (channels, *shape[1:]):
        raise UserError(
            f"a block of {block.family} gives {part.output}, where ({channels}, height, width) of "
            f"its input, {shape}, is expected"
        )
    return part


def _drawn(what: str, kind: Component, shape: Shape, *given: object) -> Part:
    """What a kind, perhaps of a plug-in, draws on a map of this shape."""
    pen = Pen(shape)
    try:
        made = kind.lower(pen, pen.input, *given)  # type: ignore[attr-defined]
        if not isinstance(made, Node):
            raise Faulty(f"{what}: lower gave {made!r}, not a tensor that it drew")
        return pen.part(made)
    except UserError:
        raise
    except Exception as error:
        raise Faulty(f"{what}: lower fails: {in_words(error)}") from error


@cache
def transition_part(shape: Shape, downsample: int) -> Part:
    """1x1 convolution at constant channels, then average pooling."""
    pen = Pen(shape)
    x = pen.conv_norm_relu(pen.input, shape[0], 1, name="0")
    return pen.part(pen.avg_pool(x, downsample, downsample) if downsample > 1 else x)


@cache
def head_part(shape: Shape) -> Part:
    """The last 1x1 convolution and the mean over the map."""
    pen = Pen(shape)
    return pen.part(pen.global_pool(pen.conv_norm_relu(pen.input, shape[0], 1, name="")))


@cache
def embedding_part(shape: Shape, features: int) -> Part:
    """Linear, batch normalisation, ReLU."""
    pen = Pen(shape)
    x = pen.linear(pen.flatten(pen.input), features, name="0")
    return pen.part(pen.relu(pen.norm1d(x, name="1")))


class _where:
    """Adds the place in the network to a UserError."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UserError):
            raise type(error)(f"{self.place}: {error}") from error.__cause__
