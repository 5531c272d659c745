"""An architecture: one fully decided network, as a frozen value that is written as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from nas.architecture import blocks  # noqa: F401  (registers the kinds)
from nas.architecture.fields import Field, Value, choice, integer, number
from nas.architecture.registry import Component, families, family_fields, stems
from nas.errors import UserError

Fields = tuple[tuple[str, Value], ...]


class Size(NamedTuple):
    """Height and width in pixels, written 256x128."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"

    @classmethod
    def parse(cls, text: object, path: str = "input") -> Size:
        """Read "256x128"; UserError says what is valid otherwise."""
        parts = str(text).lower().split("x")
        if len(parts) == 2 and all(p.isdecimal() and 8 <= int(p) <= 4096 for p in parts):
            return cls(int(parts[0]), int(parts[1]))
        raise UserError(
            f"{path}: {text!r} is not a size; give HEIGHTxWIDTH, 8 to 4096 pixels each, as 256x128"
        )


def _size_problem(value: Value) -> str | None:
    try:
        Size.parse(value)
    except UserError:
        return "HEIGHTxWIDTH in pixels from 8 to 4096, as 256x128"
    return None


NORMS = ("batch", "instance")
PAPER_INPUT = Size(256, 128)
NETWORK_FIELDS: dict[str, Field] = {
    "input": Field("256x128", "height x width of the image, in pixels", _size_problem),
    "width": number(
        1.0, above=0.0, high=8.0, about="multiplier of all channels but the embedding's"
    ),
    "embedding": integer(512, low=1, high=65536, about="features of the embedding"),
    "stem.kind": choice("conv7", stems, about="what turns the image into the first map"),
    "stem.norm": choice("batch", NORMS, about="the stem's normalisation"),
    "stem.channels": integer(64, low=1, high=65536, about="before the width multiplier"),
}
STAGE_FIELDS: dict[str, Field] = {
    "channels": integer(256, low=1, high=65536, about="before the width multiplier"),
    "depth": integer(2, low=1, high=32, about="number of blocks"),
    "downsample": integer(2, low=1, high=4, about="pooling after the stage (none after the last)"),
}
FAMILY_FIELD: Field = choice("osnet", families, about="the kind of the stage's blocks")


@dataclass(frozen=True)
class Block:
    """A family, and the values of fields that differ from their defaults, sorted by name.

    Fields that the family does not read may be among them; they make no difference to the key.
    """

    family: str = "osnet"
    fields: Fields = ()

    def component(self) -> Component:
        return families[self.family](dict(self.fields))

    def read(self) -> Block:
        """The block without the fields that its family, gate, ... do not read: the same layers."""
        read = _read_fields(self.family, dict(self.fields))
        return Block(self.family, tuple((n, v) for n, v in self.fields if n in read))

    def get(self, name: str) -> Value | None:
        """The value of a field; None where the family has no such field."""
        if name == "family":
            return self.family
        declared = families[self.family].fields()
        return dict(self.fields).get(name, declared[name].default) if name in declared else None


@dataclass(frozen=True)
class Stage:
    """Blocks of one description, with overrides for single blocks (by index)."""

    channels: int
    depth: int = 2
    downsample: int = 2
    block: Block = field(default_factory=Block)
    overrides: tuple[tuple[int, Fields], ...] = ()

    def block_at(self, index: int) -> Block:
        """The description of block `index`, overrides applied."""
        own = dict(self.overrides).get(index)
        if own is None:
            return self.block
        values = {"family": self.block.family, **dict(self.block.fields), **dict(own)}
        return block_from(values, "block")


@dataclass(frozen=True)
class Architecture:
    """One network. Channels are given before the width multiplier; the embedding is not scaled."""

    stages: tuple[Stage, ...]
    input: Size = PAPER_INPUT
    width: float = 1.0
    stem: str = "conv7"
    stem_norm: str = "batch"
    stem_channels: int = 64
    embedding: int = 512

    def resized(self, size: Size) -> Architecture:
        """The same network at another input size."""
        return replace(self, input=size)

    def channels(self, nominal: int) -> int:
        """Channels after the width multiplier; lowering refuses 0."""
        return scaled(nominal, self.width)


def scaled(channels: int, width: float) -> int:
    """Channels after the width multiplier, rounded half up."""
    return int(channels * width + 0.5)


def block_from(values: Mapping[str, Any], path: str) -> Block:
    """A block from field values. Fields that are not read are checked and kept: an override of a
    single block may choose a family or gate that reads them."""
    family = str(FAMILY_FIELD.check(f"{path}.family", values.get("family", "osnet")))
    declared, anywhere = families[family].fields(), family_fields()
    kept: dict[str, Value] = {}
    for name, value in values.items():
        if name == "family":
            continue
        if name not in anywhere:
            known = ["family", *STAGE_FIELDS, *anywhere]
            raise UserError(f"{path}.{name}: no such field; fields are {', '.join(known)}")
        field = declared.get(name, anywhere[name][0])
        field.check(f"{path}.{name}", value)
        if value != field.default:
            kept[name] = value
    return Block(family, tuple(sorted(kept.items())))


def _read_fields(family: str, values: Mapping[str, Value]) -> dict[str, Field]:
    """The family's own fields, and those of the gate, fusion, ... that these values choose."""
    kind = families[family]
    found = dict(kind.own_fields)
    for name, registry in kind.uses.items():
        chosen = registry[str(values.get(name, found[name].default))]
        found |= {f"{name}_{inner}": field for inner, field in chosen.fields().items()}
    return found


def to_document(architecture: Architecture) -> dict[str, Any]:
    """The architecture as plain data, every field written out; `from_document` is its inverse."""

    def described(block: Block) -> dict[str, Value]:
        values = dict(block.fields)
        read = _read_fields(block.family, values)
        return {"family": block.family} | {n: f.default for n, f in read.items()} | values

    stages = []
    for stage in architecture.stages:
        entry: dict[str, Any] = {
            "channels": stage.channels,
            "depth": stage.depth,
            "downsample": stage.downsample,
            **described(stage.block),
        }
        if stage.overrides:
            entry["blocks"] = {str(index): dict(values) for index, values in stage.overrides}
        stages.append(entry)
    return {
        "input": str(architecture.input),
        "width": architecture.width,
        "embedding": architecture.embedding,
        "stem": {
            "kind": architecture.stem,
            "norm": architecture.stem_norm,
            "channels": architecture.stem_channels,
        },
        "stages": stages,
    }


def from_document(document: Mapping[str, Any]) -> Architecture:
    """Build and check an architecture from plain data; errors name the path and what is valid."""
    if not isinstance(document, Mapping):
        raise UserError("an architecture is a mapping with `stages`")
    known = {"input", "width", "embedding", "stem", "stages"}
    if unknown := set(document) - known:
        raise UserError(
            f"{sorted(unknown)[0]}: no such field; fields are {', '.join(sorted(known))}"
        )
    stem = document.get("stem", {})
    if not isinstance(stem, Mapping) or set(stem) - {"kind", "norm", "channels"}:
        raise UserError(f"stem: {stem!r} is not a mapping of kind, norm, channels")
    given = {
        **{name: document[name] for name in ("input", "width", "embedding") if name in document},
        **{f"stem.{name}": value for name, value in stem.items()},
    }
    top = {
        name: declared.check(name, given.get(name, declared.default))
        for name, declared in NETWORK_FIELDS.items()
    }
    entries = document.get("stages")
    if not isinstance(entries, list) or not 1 <= len(entries) <= 8:
        raise UserError("stages: a list of 1 to 8 stages is needed")
    return Architecture(
        stages=tuple(_stage(entry, f"stages[{i}]") for i, entry in enumerate(entries)),
        input=Size.parse(top["input"]),
        width=float(top["width"]),
        stem=str(top["stem.kind"]),
        stem_norm=str(top["stem.norm"]),
        stem_channels=int(top["stem.channels"]),
        embedding=int(top["embedding"]),
    )


def _stage(entry: object, path: str) -> Stage:
    if not isinstance(entry, Mapping):
        raise UserError(f"{path}: {entry!r} is not a mapping of fields")
    own: dict[str, Any] = {
        name: declared.check(f"{path}.{name}", entry.get(name, declared.default))
        for name, declared in STAGE_FIELDS.items()
    }
    rest = {name: v for name, v in entry.items() if name not in STAGE_FIELDS and name != "blocks"}
    overrides: list[tuple[int, Fields]] = []
    blocks_given = entry.get("blocks", {})
    if not isinstance(blocks_given, Mapping):
        raise UserError(
            f"{path}.blocks: {blocks_given!r} is not a mapping of block index to fields"
        )
    for index, values in sorted(blocks_given.items(), key=lambda item: str(item[0])):
        if not str(index).isdecimal() or not isinstance(values, Mapping):
            raise UserError(
                f"{path}.blocks: {index!r} is not a block index with a mapping of fields"
            )
        block_from({**rest, **values}, f"{path}.blocks[{index}]")
        if int(index) in dict(overrides):
            raise UserError(f"{path}.blocks: block {int(index)} stands there twice")
        overrides.append((int(index), tuple(sorted(values.items()))))
    return Stage(block=block_from(rest, path), overrides=tuple(sorted(overrides)), **own)


def to_json(architecture: Architecture) -> str:
    return json.dumps(to_document(architecture), indent=2) + "\n"


def from_json(text: str, source: str) -> Architecture:
    """Read an architecture from JSON text; `source` (a file name) starts each error."""
    try:
        return from_document(json.loads(text))
    except (ValueError, RecursionError) as error:
        if source.endswith((".yaml", ".yml")):
            raise UserError(
                f"{source} is a space, not an architecture; {source}@0 is one of its architectures"
            ) from None
        raise UserError(f"{source}: not JSON: {error}") from None
    except UserError as error:
        raise UserError(f"{source}: {error}") from None
