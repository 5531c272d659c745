"""A table of one's own: rows that a file names, each by what it changes of a base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.ablation.design import Candidate, Design, collect
from nas.architecture import Architecture, key, to_document
from nas.architecture.fields import Value
from nas.architecture.value import Size
from nas.errors import UserError, meant
from nas.search.run import open_run, split_trial
from nas.space import paths
from nas.space.document import Document, Where, read_document
from nas.space.load import check_plugins, named, space_of

KEYS = ("table", "about", "plugin", "base", "input", "fixed", "rows")
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class OwnTable:
    """name: of the table, as the file has it."""

    name: str
    design: Design


def own_table(file: str | Path, base: Architecture | None = None) -> OwnTable:
    """The table of a file, whose first row is the baseline.

    base: in place of that of the file, at its own input. UserError names file, line, and what would
    be valid, or why there is nothing to compare.
    """
    document = read_document(Path(file))
    name = _check_keys(document)
    check_plugins(document)
    base = _base(document) if base is None else base
    fixed = _changes(document, "fixed") if "fixed" in document.data else {}
    candidates = [_row(document, label, base, fixed) for label in document.data["rows"]]
    label, _, baseline = candidates[0]
    try:
        key(baseline())
    except UserError as error:
        raise document.error(f"{label}: {error}", "rows", label) from None
    try:
        return OwnTable(name, collect(candidates))
    except UserError as error:
        raise UserError(f"{file}: {error}") from None


def _check_keys(document: Document) -> str:
    data = document.data
    if not isinstance(data, dict):
        raise document.error(f"a table is a mapping of {', '.join(KEYS)}")
    for entry in data:
        if entry not in KEYS:
            known = f"{', '.join(KEYS)}{meant(entry, KEYS)}"
            raise document.error(f"{entry!r} is not one of {known}", entry)
    name = data.get("table")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise document.error("'table' is missing: the name of the table, as text", "table")
    if not isinstance(data.get("rows"), dict) or len(data["rows"]) < 2:
        raise document.error(
            "rows: two rows or more are expected, each as NAME: {FIELD: VALUE}; the first is the "
            "baseline",
            "rows",
        )
    for label in data["rows"]:
        if not label.strip() or not label.isprintable():
            raise document.error(f"rows: {label!r} is no name of a row", "rows", label)
    return name


def _base(document: Document) -> Architecture:
    if "base" not in document.data:
        raise document.error("'base' is missing, and no --baseline is given")
    base = named(document, document.data["base"], "base")
    try:
        given = document.data.get("input")
        return base if given is None else base.resized(Size.parse(given))
    except UserError as error:
        raise document.error(str(error), "input") from None


def _row(document: Document, label: str, base: Architecture, fixed: Mapping[str, Any]) -> Candidate:
    given = document.data["rows"][label]
    if isinstance(given, str):
        own = _named_row(document, label, given).resized(base.input)
        return label, {"architecture": given}, lambda: own
    changes = _changes(document, "rows", label)
    made = _made(document, label, base, _beside(fixed, changes, len(base.stages)) | changes)
    factors = {paths.short(pattern): value for pattern, value in changes.items()}
    return label, factors, lambda: made


def _beside(fixed: Mapping[str, Any], changes: Mapping[str, Any], stages: int) -> dict[str, Any]:
    """What is fixed, but for the fields that a row sets itself."""
    try:
        own = {path for pattern in changes for path in paths.concrete(pattern, stages)}
        groups = {pattern: paths.concrete(pattern, stages) for pattern in fixed}
    except UserError:  # which is said with its line where the row is made
        return dict(fixed)
    found: dict[str, Any] = {}
    for pattern, group in groups.items():
        rest = [path for path in group if path not in own]
        found |= dict.fromkeys([pattern] if len(rest) == len(group) else rest, fixed[pattern])
    return found


def _changes(document: Document, *where: str) -> dict[str, Value]:
    found = document.data
    for entry in where:
        found = found[entry]
    if found is None:
        return {}
    if not isinstance(found, dict):
        whole = ", a preset, a file, or a RUN#trial" if where[0] == "rows" else ""
        raise document.error(
            f"{where[-1]}: {found!r} is not a mapping of fields to values{whole}", *where
        )
    for pattern, value in found.items():
        if isinstance(value, (list, dict)):
            raise document.error(
                f"{where[-1]}: {pattern}: a row has one value of a field, and here is {value!r}",
                *where,
                pattern,
            )
    return found


def _named_row(document: Document, label: str, given: str) -> Architecture:
    """A trial of a run, a preset, or an architecture file; paths are from the file's folder."""
    try:
        run, trial = split_trial(str(Path(document.source).parent / given))
        if trial is not None:
            return open_run(run).trial(trial).architecture
    except UserError as error:
        raise document.error(f"{label}: {error}", "rows", label) from None
    return named(document, given, "rows", label)


def _made(
    document: Document, label: str, base: Architecture, values: Mapping[str, Any]
) -> Architecture:
    """The base with these fields, by the rules of the language: a space of one point."""
    if not values:
        return base
    where = ("rows", label) if document.data["rows"][label] else ("fixed",)
    lines: dict[Where, int] = {("parameters",): document.lines.get(where, 1)}
    for pattern in values:
        for place in (("fixed", pattern), ("rows", label, pattern)):
            if place in document.lines:
                lines["parameters", pattern] = document.lines[place]
    content = {"space": label, "base": to_document(base), "parameters": dict(values)}
    space = space_of(Document(document.source, content, lines))
    for parameter in space.parameters:
        if len(parameter.values) > 1:
            raise document.error(
                f"{label}: {parameter.name}: a row has one value of a field, and here are "
                f"{len(parameter.values)}",
                *where,
            )
    return space.architecture({p.name: p.values[0] for p in space.parameters})
