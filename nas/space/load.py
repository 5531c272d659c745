"""From a YAML file to a Space; a mistake is one line: file, line, path, and what is valid."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np

from nas.architecture import Architecture, from_document, from_json, preset, to_document
from nas.architecture.presets import PRESETS
from nas.architecture.value import Size
from nas.arguments import several
from nas.cost.parts import PartTable
from nas.errors import UserError, brief, meant
from nas.plugins import loaded_plugins
from nas.space import paths
from nas.space.conditions import ordered, parse_constraint, parse_when
from nas.space.device import on_device
from nas.space.document import Document, parse_document, read_document
from nas.space.domain import Domain, check_values, parse_domain
from nas.space.space import Constraint, Parameter, Space

KEYS = (
    "space", "about", "extends", "plugin", "base", "input", "parameters", "constraints", "baseline",
)  # fmt: skip
MAX_EXTENDS = 10


def load_space(
    name_or_path: str | Path | Space,
    *,
    constraints: str | Sequence[str] = (),
    latency_table: str | Path | PartTable | None = None,
) -> Space:
    """Load a space that we ship, by name, or a YAML file, by path; a space is itself.

    constraints: what its architectures must satisfy besides, as "macs <= 10M". latency_table: of
    parts that were measured on a device (`cli.py latency SPACE`), by which latency_ms is one of the
    costs, which constraints may read too. UserError names file, line, path, value, and what would
    be valid.

    >>> load_space("osnet-mini", constraints=["params <= 60k"]).count().value
    41
    """
    given = name_or_path
    space = given if isinstance(given, Space) else space_of(_read(str(given)))
    device = latency_table is not None or space.latency is not None
    own = [_given(space, text, device) for text in several(constraints)]
    if own := [constraint for constraint in own if constraint not in space.constraints]:
        every = dict.fromkeys((*space.constraints, *own))
        space = replace(space, constraints=tuple(sorted(every, key=Constraint.needs_device)))
    return space if latency_table is None else on_device(space, latency_table)


def _given(space: Space, text: object, device: bool) -> Constraint:
    try:
        return parse_constraint(text, len(space.base.stages), device=device)
    except UserError as error:
        raise UserError(f"--{error}") from None


def from_yaml(text: str, source: str = "space.yaml") -> Space:
    """Load a space from YAML text; `source` names it in errors, and starts relative paths."""
    if not isinstance(text, str):
        raise UserError(f"{source}: {text!r} is not a text of YAML; load_space reads a file")
    return space_of(parse_document(text, source))


def make_space(
    name: str,
    base: str | Architecture,
    parameters: Mapping[str, Any],
    *,
    constraints: str | Sequence[str] | None = None,
    input: str | None = None,
    about: str = "",
) -> Space:
    """A space from Python, with the same entries and checks as in a file.

    Values may also be a tuple, a range or an array.

    >>> make_space("s", "osnet_x0_25", {"stages[each].streams": "1..2"}).raw_points
    8
    """
    data: dict[str, Any] = {"space": name, "about": about, "parameters": _plain(parameters)}
    data["base"] = to_document(base) if isinstance(base, Architecture) else base
    data["constraints"] = several(() if constraints is None else constraints)
    if input is not None:
        data["input"] = input
    return space_of(Document(str(name), data, {}))


def _plain(given: Any) -> Any:
    """The same as a file has it: mappings, lists, and numbers that are not numpy's."""
    if isinstance(given, Mapping):
        return {name: _plain(value) for name, value in given.items()}
    if isinstance(given, (Sequence, Iterator, np.ndarray)) and not isinstance(given, (str, bytes)):
        return [_plain(value) for value in given]
    return given.item() if isinstance(given, np.generic) else given


def shipped_spaces() -> list[str]:
    """Names of the spaces that come with the toolkit."""
    return sorted(f.name[:-5] for f in files("search_spaces").iterdir() if f.name.endswith(".yaml"))


def _read(given: str, beside: Path = Path()) -> Document:
    """The document of a shipped space or of a file, relative to the folder `beside`."""
    if given in shipped_spaces():
        file = files("search_spaces") / f"{given}.yaml"
        return parse_document(file.read_text(encoding="utf-8"), str(file))
    if not isfile(beside / given):
        inside = beside / given / "space.yaml"
        near = f"; there is {inside}" if isfile(inside) else meant(given, shipped_spaces())
        known = ", ".join(shipped_spaces())
        raise UserError(f"no space {brief(given)}: neither a file nor one of {known}{near}")
    return read_document(beside / given)


def space_of(document: Document) -> Space:
    layers = _layers(document)
    for layer in layers:
        check_plugins(layer)
    base = _base(layers)
    stages = len(base.stages)
    return Space(
        name=str(document.data["space"]),
        about=document.data.get("about") or "",
        base=base,
        parameters=_parameters(layers, base),
        constraints=tuple(c for layer in layers for c in _constraints(layer, stages)),
        plugins=tuple(dict.fromkeys(name for layer in layers for name in _plugins(layer))),
        baselines=_baselines(layers, base),
    )


def _layers(document: Document) -> list[Document]:
    """The documents that this one extends, the first ancestor first, and itself."""
    layers = [document]
    seen = [_place(document)]
    while True:
        _check_keys(layers[0])
        given = layers[0].data.get("extends")
        if given is None:
            break
        if not isinstance(given, str):
            raise layers[0].error(
                f"extends: {given!r} is not the name or file of a space", "extends"
            )
        try:
            parent = _read(given, Path(layers[0].source).parent)
        except UserError as error:
            raise layers[0].error(f"extends: {error}", "extends") from None
        if _place(parent) in seen or len(layers) > MAX_EXTENDS:
            chain = " -> ".join([*(Path(x.source).name for x in reversed(layers)), given])
            raise document.error(f"extends: {chain} comes back to itself or is too long", "extends")
        seen.append(_place(parent))
        layers.insert(0, parent)
    for needed in ("base", "parameters"):
        if not any(needed in layer.data for layer in layers):
            raise document.error(f"{needed!r} is missing")
    return layers


def _place(document: Document) -> str:
    return str(Path(document.source).resolve())


def _check_keys(document: Document) -> None:
    if not isinstance(document.data, dict):
        raise document.error(f"a space is a mapping of {', '.join(KEYS)}")
    for entry in document.data:
        if entry not in KEYS:
            raise document.error(
                f"{entry!r} is not one of {', '.join(KEYS)}{meant(str(entry), KEYS)}", entry
            )
    name = document.data.get("space")
    if name is not None and not isinstance(name, str):
        raise document.error(f"space: {name!r} is not a name; write it in quotes", "space")
    if name and not name.isprintable():
        raise document.error(f"space: {name!r} is not a name of printable characters", "space")
    about = document.data.get("about")
    if about is not None and not isinstance(about, str):
        raise document.error(f"about: {about!r} is not text; write it in quotes", "about")
    if not (name or "").strip():
        raise document.error("'space' is missing: the name of the space", "space")


def _plugins(document: Document) -> list[str]:
    given = document.data.get("plugin")
    names = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(name, str) and name.isprintable() for name in names):
        raise document.error(f"plugin: {given!r} is not a file's name or a list of them", "plugin")
    return names


def check_plugins(document: Document) -> None:
    """A space file alone runs no code: it names plug-ins, the command line gives them."""
    missing = [name for name in _plugins(document) if Path(name).name not in loaded_plugins()]
    if missing:
        beside = [Path(document.source).parent / name for name in missing]
        pairs = zip(beside, missing, strict=True)
        found = [file if isfile(file) else name for file, name in pairs]
        options = " ".join(f"--plugin {shlex.quote(str(file))}" for file in found)
        raise document.error(
            f"plugin: it needs {', '.join(missing)}; if you trust it, give {options}",
            "plugin",
        )


def _base(layers: list[Document]) -> Architecture:
    """The base of the last layer that names one, at the input of the last one that names one."""
    document = [layer for layer in layers if "base" in layer.data][-1]
    base = named(document, document.data["base"], "base")
    for layer in layers:
        if "input" in layer.data:
            try:
                base = base.resized(Size.parse(layer.data["input"]))
            except UserError as error:
                raise layer.error(str(error), "input") from None
    return base


def named(document: Document, given: Any, *where: str) -> Architecture:
    """A preset, an architecture file beside the document, or the content of one, which stands at
    `where` in it."""
    try:
        if isinstance(given, dict):
            return from_document(given)
        if not isinstance(given, str):
            raise UserError(f"{given!r} is not a preset, an architecture file or its content")
        if given in PRESETS:
            return preset(given)
        return _base_file(given, Path(document.source).parent / given)
    except UserError as error:
        raise document.error(f"{where[-1]}: {error}", *where) from None


def _baselines(layers: list[Document], base: Architecture) -> tuple[tuple[str, Architecture], ...]:
    """What the last layer that has some names, at the base's input; by default the base."""
    for layer in reversed(layers):
        if "baseline" in layer.data:
            given = layer.data["baseline"]
            if not isinstance(given, list):
                raise layer.error(f"baseline: {given!r} is not a list", "baseline")
            found = [_baseline(layer, entry) for entry in given]
            return tuple((name, own.resized(base.input)) for name, own in found)
    names = [name for name, own in PRESETS.items() if own.resized(base.input) == base]
    return ((names[0] if names else "base", base),)


def _baseline(layer: Document, entry: Any) -> tuple[str, Architecture]:
    """A preset or an architecture file, by its name; or a name with the content of one."""
    if isinstance(entry, dict) and len(entry) == 1:
        ((name, content),) = entry.items()
        if isinstance(name, str) and isinstance(content, dict):
            return name, named(layer, content, "baseline")
    if not isinstance(entry, str):
        raise layer.error(
            f"baseline: {entry!r} is not a preset, an architecture file, or a name with the "
            "content of one",
            "baseline",
        )
    return Path(entry).stem, named(layer, entry, "baseline")


def _base_file(given: str, file: Path) -> Architecture:
    if file.suffix != ".json" or not isfile(file):
        raise UserError(
            f"{given!r} is neither a JSON file nor one of {', '.join(PRESETS)}"
            + meant(given, PRESETS)
        )
    try:
        return from_json(file.read_text(encoding="utf-8"), given)
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{given!r} can not be read as text") from None


def _parameters(layers: list[Document], base: Architecture) -> tuple[Parameter, ...]:
    """All layers' parameters; those of an earlier layer that a later one overlaps are dropped."""
    found: list[Parameter] = []
    places: dict[str, tuple[Document, str]] = {}
    for layer in layers:
        own = _own_parameters(layer, len(base.stages))
        fields = {path for parameter, _ in own for path in parameter.fields}
        found = [parameter for parameter in found if not fields & set(parameter.fields)]
        found += [parameter for parameter, _ in own]
        places |= {parameter.name: (layer, pattern) for parameter, pattern in own}

    def error(parameter: Parameter, message: str) -> UserError:
        document, pattern = places[parameter.name]
        text = f"{parameter.name}: when: {message}"
        return document.error(text, "parameters", pattern, "when")

    return ordered(found, to_document(base), error)


def _own_parameters(document: Document, stages: int) -> list[tuple[Parameter, str]]:
    """The parameters of one file, each with the pattern that it comes from."""
    given = document.data.get("parameters", {})
    if not isinstance(given, dict) or ("parameters" in document.data and not given):
        raise document.error("a mapping of paths to domains is expected", "parameters")
    found: list[tuple[Parameter, str]] = []
    owner: dict[str, str] = {}
    for pattern, entry in given.items():
        try:
            domain = parse_domain(entry)
            if pattern == "input":  # one spelling a size
                sizes = [str(Size.parse(value)) for value in domain.values]
                domain = replace(domain, values=parse_domain(sizes).values)
            for group in paths.expand(pattern, stages):
                for path in group:
                    if path in owner:
                        raise UserError(f"{path} is varied by {owner[path]} already")
                    owner[path] = pattern
                check_values(domain, group[0])
                found.append((_parameter(pattern, group, domain, stages), pattern))
        except UserError as error:
            prefix = "" if str(error).startswith(pattern) else f"{pattern}: "
            raise document.error(f"{prefix}{error}", "parameters", pattern) from None
    return found


def _parameter(pattern: str, group: list[str], domain: Domain, stages: int) -> Parameter:
    """One parameter; a pattern with [each] makes one for each stage, named by its field."""
    separate = pattern.startswith("stages[each")
    index = group[0].removeprefix("stages[").partition("]")[0] if separate else ""
    return Parameter(
        name=group[0] if separate else pattern,
        fields=tuple(group),
        values=domain.values,
        weights=domain.weights,
        when=parse_when(domain.when, index, stages) if domain.when else None,
        when_text=domain.when.replace("[each]", f"[{index}]"),
    )


def _constraints(document: Document, stages: int) -> list[Constraint]:
    given = document.data.get("constraints")
    if given is None:
        return []
    if not isinstance(given, list):
        raise document.error(
            "a list of expressions is expected, each as - macs <= 40M", "constraints"
        )
    found = []
    for i, text in enumerate(given):
        try:
            found.append(parse_constraint(text, stages))
        except UserError as error:
            raise document.error(str(error), "constraints", i) from None
    return found
