"""Reads a YAML file into plain data, with the line of every entry. Never runs code.

Only plain mappings, lists and scalars: tags, anchors, duplicate keys, deep nesting and large files
are refused with their line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nas.errors import UserError

MAX_BYTES, MAX_NESTING, MAX_BITS = 1_000_000, 20, 64
MENDED_BY = {  # what YAML's reader says, and what is usually meant by it
    "got '": "text with [ or { in it needs quotes",
    "found '<block ": "entries of one mapping or list are indented alike",
    "character '\\t'": "indent with spaces, not with tabs",
    "mapping values are": "NAME: VALUE has a space after its colon, also in the line before, and a "
    "value with another colon in it needs quotes",
    "expected ':'": "an entry is NAME: VALUE, with a space after the colon",
}
Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """Plain data and, for the path of each entry, its line (from 1)."""

    source: str
    data: Any
    lines: dict[Where, int]

    def error(self, message: str, *where: str | int) -> UserError:
        """A UserError that starts with file and line of the entry at `where`."""
        while where and where not in self.lines:
            where = where[:-1]
        return UserError(f"{self.source}:{self.lines.get(where, 1)}: {message}")


def read_document(path: Path) -> Document:
    """Read one YAML file."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(
                f"{path}: {size} bytes; a file of at most {MAX_BYTES} bytes is expected"
            )
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    return parse_document(text, str(path))


def parse_document(text: str, source: str) -> Document:
    """Read YAML text; `source` names it in errors."""
    try:
        _refuse(text, source)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hints = [f"; {mend}" for said, mend in MENDED_BY.items() if said in str(error.problem)]
        raise UserError(f"{source}:{line}: not YAML: {error.problem}{''.join(hints[:1])}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{source}: not YAML: {str(error).splitlines()[0]}") from None
    lines: dict[Where, int] = {}
    return Document(source, _plain(node, (), lines, source), lines)


def _refuse(text: str, source: str) -> None:
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UserError(f"{source}:{line}: anchors and aliases are not used here; write it out")
        if getattr(event, "tag", None):
            raise UserError(f"{source}:{line}: tags ({event.tag}) are not used here")  # type: ignore[attr-defined]
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise UserError(f"{source}:{line}: one document a file is expected")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_NESTING:
            raise UserError(f"{source}:{line}: nested more than {MAX_NESTING} deep")


def _plain(node: yaml.Node | None, where: Where, lines: dict[Where, int], source: str) -> Any:
    if node is None:
        return None
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*where, i), lines, source) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            name = name_node.value
            if not isinstance(name, str) or not name.isprintable():
                raise UserError(f"{source}:{line}: a name is expected before the colon")
            if name in found:
                raise UserError(f"{source}:{line}: {name!r} stands here twice")
            lines[(*where, name)] = line
            found[name] = _plain(value_node, (*where, name), lines, source)
        return found
    try:
        value = yaml.SafeLoader("").construct_object(node)
        if isinstance(value, str):
            value.encode()  # a ValueError for half a character, as "\ud800"
        if not isinstance(value, int) or value.bit_length() <= MAX_BITS:
            return value
    except (ValueError, OverflowError, yaml.YAMLError):
        pass
    raise UserError(
        f"{source}:{node.start_mark.line + 1}: {node.value[:60]!r} is not a value: text, or a "
        f"number of {MAX_BITS} bits at most, is expected"
    )
