"""Paths of fields: `width`, `stem.kind`, `stages[1].streams`, `stages[0].blocks[1].gate`, patterns.

A pattern addresses several stages: `[*]` and slices (`[1:]`) tie them to one choice, `[each]` and
`[each 1:]` make a choice for each. `expand` turns a pattern into groups of concrete paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from nas.architecture.fields import Field
from nas.architecture.registry import family_fields
from nas.architecture.value import FAMILY_FIELD, NETWORK_FIELDS, STAGE_FIELDS
from nas.errors import UserError, meant

STAGE = re.compile(r"stages\[([^\]]*)\](?:\.blocks\[([^\]]*)\])?\.([A-Za-z_]\w*)")
SLICE = re.compile(r"(-?\d+)?:(-?\d+)?")


def expand(pattern: str, stages: int) -> list[list[str]]:
    """Groups of concrete paths: one path in a group is one field, a group is one choice."""
    match = STAGE.fullmatch(pattern)
    if not match:
        if pattern in NETWORK_FIELDS:
            return [[pattern]]
        known = ", ".join(NETWORK_FIELDS)
        raise UserError(
            f"no field is named {pattern!r}; fields are {known}, stages[i].<field>"
            + meant(pattern, NETWORK_FIELDS)
        )
    index, block, name = match.groups()
    _known(name, pattern, in_block=block is not None)
    inner = name
    if block is not None:
        if not block.isdecimal():
            raise UserError(f"{pattern}: blocks[{block}] is not a block's index, as blocks[0]")
        inner = f"blocks[{int(block)}].{name}"
    separate = index == "each" or index.startswith("each ")
    chosen = stage_indices(
        index.removeprefix("each").strip() or "*" if separate else index, stages, pattern
    )
    paths = [f"stages[{i}].{inner}" for i in chosen]
    return [[path] for path in paths] if separate else [paths]


def concrete(pattern: str, stages: int) -> list[str]:
    """All concrete paths of a pattern, or of a name in an expression, one after the other."""
    return [path for group in expand(pattern, stages) for path in group]


def reader(
    field: Callable[[str], Any],
    stages: int,
    costs: Mapping[str, Any] | None = None,
    *,
    tied: bool = False,
) -> Callable[[str], Any]:
    """What an expression reads by a name: one of the `costs`, or what `field` gives for its path.

    `[*]` is a list, but in a condition (`tied`) the one value that all of them have.
    """

    def read(name: str) -> Any:
        if costs is not None and name in costs:
            return costs[name]
        found = [field(path) for path in concrete(name, stages)]
        return found if is_list(name) and not tied else found[0]

    return read


def stage_indices(index: str, stages: int, pattern: str) -> list[int]:
    """The stages that an index (`1`, `*`, `1:`) means; UserError where there is none."""
    everything = list(range(stages))
    if index == "*":
        return everything
    if match := SLICE.fullmatch(index):
        start, stop = (int(bound) if bound else None for bound in match.groups())
        if chosen := everything[start:stop]:
            return chosen
    elif index.isdecimal() and int(index) < stages:
        return [int(index)]
    raise UserError(
        f"{pattern}: [{index}] is no stage; stages are 0 to {stages - 1}, or *, each, 1:, each 1:"
    )


def declared(path: str) -> list[Field]:
    """The declarations of the field that a concrete path names (families may share a name)."""
    if path in NETWORK_FIELDS:
        return [NETWORK_FIELDS[path]]
    name = path.rpartition(".")[2]
    if name == "family":
        return [FAMILY_FIELD]
    return [STAGE_FIELDS[name]] if name in STAGE_FIELDS else family_fields()[name]


def set_value(document: dict[str, Any], path: str, value: Any) -> None:
    """Set the field of an architecture's document (see `nas.architecture.to_document`)."""
    match = STAGE.fullmatch(path)
    if match:
        target = document["stages"][int(match[1])]
        if match[2] is not None:
            target = target.setdefault("blocks", {}).setdefault(match[2], {})
        target[match[3]] = value
    elif path.startswith("stem."):
        document["stem"][path.removeprefix("stem.")] = value
    else:
        document[path] = value


def get_value(document: dict[str, Any], path: str) -> Any:
    """The field's value in the document; None where the block's family has no such field."""
    match = STAGE.fullmatch(path)
    if match:
        stage = document["stages"][int(match[1])]
        block = stage.get("blocks", {}).get(match[2], {}) if match[2] is not None else {}
        if match[3] in block or match[3] in stage:
            return block.get(match[3], stage.get(match[3]))
        fields = family_fields().get(match[3])
        return fields[0].default if fields else None
    if path.startswith("stem."):
        return document["stem"][path.removeprefix("stem.")]
    return document[path]


def of_stage(path: str) -> str:
    """The field of the stage that a single block's field overrides; empty for other paths."""
    match = STAGE.fullmatch(path)
    return f"stages[{match[1]}].{match[3]}" if match and match[2] is not None else ""


def own_value(document: dict[str, Any], path: str) -> Any:
    """As `get_value`, but None for a block's field that the block itself does not set."""
    match = STAGE.fullmatch(path)
    if match and match[2] is not None:
        blocks = document["stages"][int(match[1])].get("blocks", {})
        return blocks.get(match[2], {}).get(match[3])
    return get_value(document, path)


def _known(name: str, pattern: str, *, in_block: bool) -> None:
    known = (
        ["family", *family_fields()] if in_block else [*STAGE_FIELDS, "family", *family_fields()]
    )
    if name not in known:
        raise UserError(
            f"{pattern}: no field is named {name!r}; fields are {', '.join(known)}"
            + meant(name, known)
        )


def short(name: str) -> str:
    """A parameter's name without what is said of all stages: stages[*].gate is gate."""
    return name.removeprefix("stages[*].")


def is_list(path: str) -> bool:
    """Whether a path in an expression means a list of fields."""
    match = STAGE.fullmatch(path)
    return bool(match) and not match[1].isdecimal()  # type: ignore[index]
