"""A directory that holds one piece of work, says what was asked for, and can be gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.errors import UserError, brief
from nas.files import remove_torn, write_atomically
from nas.plugins import COPIES, keep_copies, loaded_plugins
from nas.provenance import changed_since, provenance


@dataclass(frozen=True)
class Kind:
    """What a directory is of. file: the JSON that says what was asked; read: what it says there."""

    noun: str
    file: str
    folders: tuple[str, ...]
    libraries: tuple[str, ...]
    read: Callable[[Path], dict[str, Any]]


def make_directory(path: Path, asked: Mapping[str, Any], kind: Kind, *, fresh: bool) -> str:
    """Make the directory, or check that the one there asks for the same.

    Returns what has changed since it was made, if that may change scores, in a sentence. Raises
    UserError for a directory that can not be written, that is something else, or that was asked for
    something else, naming what differs.
    """
    check_directory(path, asked, kind, fresh=fresh)
    if fresh:
        _remove(path, kind)
    for folder in (path, *(path / name for name in kind.folders)):
        remove_torn(folder)
    if (path / kind.file).exists():
        found = changed_since(path / kind.file, asked["data"])
        if found:
            _keep_in_mind(path / kind.file, found)
        return f"{path} {found}" if found else ""
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name in kind.folders:
            (path / name).mkdir(exist_ok=True)
        keep_copies(path)
        about = {"asked": dict(asked), **provenance(kind.libraries, asked["data"])}
        write_atomically(path / kind.file, json.dumps(about, indent=2) + "\n")
    except OSError as error:
        raise UserError(f"--out: {path} can not be written ({error.strerror})") from None
    return ""


def _keep_in_mind(file: Path, changed: str) -> None:
    """Note in the directory's own file what has changed since it was made, once."""
    about = json.loads(file.read_text(encoding="utf-8"))
    known = about.get("changes") or []
    if changed not in known:
        about["changes"] = [*known, changed]
        write_atomically(file, json.dumps(about, indent=2) + "\n")


def check_directory(path: Path, asked: Mapping[str, Any], kind: Kind, *, fresh: bool) -> None:
    """What `make_directory` refuses; writes nothing."""
    if not isinstance(fresh, bool):  # which any text would be
        raise UserError(f"--fresh: {brief(fresh)} is not True or False")
    if path.exists() and not path.is_dir():
        raise UserError(f"--out: {path} is a file, not a directory")
    if path.is_dir() and not (path / kind.file).exists():
        begun = (*kind.folders, COPIES, f".{kind.file}.")  # what a kill while it was made leaves
        if not all(x.name.startswith(begun) for x in path.iterdir()):
            raise UserError(f"--out: {path} is a directory with other things in it")
    if fresh:
        for file in loaded_plugins().values():
            if file.is_relative_to(path.resolve()):
                raise UserError(
                    f"--fresh: {file.name} is a plug-in that it needs, and lies in {path}: copy it "
                    "elsewhere"
                )
    elif (path / kind.file).exists():
        _refuse_difference(path, asked, kind)


def _remove(path: Path, kind: Kind) -> None:
    """Delete the directory's things, its file last: what a kill leaves half-way is still known."""
    try:
        items = path.iterdir() if path.exists() else ()
        for item in sorted(items, key=lambda x: x.name == kind.file):
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
    except OSError as error:
        raise UserError(f"--fresh: {path} can not be removed ({error.strerror})") from None


def _refuse_difference(path: Path, asked: Mapping[str, Any], kind: Kind) -> None:
    from nas.data import written

    before, now = flat(kind.read(path)), flat(json.loads(json.dumps(asked)))
    for own in (before, now):
        own["data"] = written(own.get("data", ""))
    for name in sorted({*before, *now}, key=_telling):
        if before.get(name) != now.get(name):
            there = noun_of(before)
            if there != kind.noun:
                raise UserError(
                    f"{path} holds {there}, and this is {kind.noun}; choose another --out"
                )
            found = f"{name}: {before.get(name)} there, {now.get(name)} now"
            if name == "space_hash" and (path / "space.yaml").is_file():
                found = f"the space, which is there as {path / 'space.yaml'}"
            raise UserError(
                f"{path} holds {there} that differs in {found}; choose another --out, or --fresh "
                "to start over"
            )


def _telling(name: str) -> tuple[int, str]:
    """Of entries that differ, what tells the user most comes first."""
    derived = name == "eta" or name.startswith("cost_range")  # follow from others
    return (0 if name.endswith(".name") else 2 if derived else 1), name


def noun_of(asked: Mapping[str, Any]) -> str:
    """What was asked for: a training, a search, an ablation, an audit."""
    names = {name.partition(".")[0] for name in asked}
    for name, noun in (
        ("audit", "an audit"),
        ("design", "an ablation"),
        ("objectives", "a search"),
    ):
        if name in names:
            return noun
    return "a training"


def flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Nested entries by their path: recipe.lr."""
    found: dict[str, Any] = {}
    for name, value in asked.items():
        inner = flat(value) if isinstance(value, Mapping) else {}
        found |= {f"{name}.{n}": v for n, v in inner.items()} or {name: value}
    return found
