"""A directory that holds one piece of work, says what was asked for, and can be gone on with."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from nas.errors import UserError
from nas.files import remove_torn, write_atomically


@dataclass(frozen=True)
class Kind:
    """What a directory is of. file: the JSON that says what was asked; read: what it says there."""

    noun: str
    file: str
    folders: tuple[str, ...]
    libraries: tuple[str, ...]
    read: Callable[[Path], dict[str, Any]]


@contextmanager
def locked(path: Path, noun: str) -> Iterator[None]:
    """Hold the directory for this process; UserError where another one does, or it is no place."""
    from filelock import FileLock, Timeout

    _check_writable(path)
    file = _lock_file(path)
    lock = FileLock(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0.5)  # who looks whether it is in use holds it for a moment
    except Timeout:
        raise UserError(
            f"{path} is in use by another {noun}; wait for it, or choose another --out"
        ) from None
    except OSError as error:
        raise UserError(
            f"--out: {path} can not be written ({error.strerror}; its lock is {file.name})"
        ) from None
    try:
        yield
    finally:
        lock.release()


def in_use(path: Path) -> bool:
    """Whether a process holds the directory."""
    from filelock import FileLock, Timeout

    file = _lock_file(path)
    try:
        if file.exists():
            with FileLock(file, timeout=0):
                pass
        return False
    except Timeout:
        return True
    except OSError:  # it can not be looked at, so it can not have been locked from here
        return False


def make_directory(path: Path, asked: Mapping[str, Any], kind: Kind, *, fresh: bool) -> str:
    """Make the directory, or check that the one there asks for the same.

    Returns what has changed since it was made, if that may change scores, in a sentence. Raises
    UserError for a directory that can not be written, that is something else, or that was asked for
    something else, naming what differs.
    """
    from nas.data import fingerprint

    check_directory(path, asked, kind, fresh=fresh)
    if fresh:
        _remove(path, kind)
    for folder in (path, *(path / name for name in kind.folders)):
        remove_torn(folder)
    if (path / kind.file).exists():
        found = _changed(path, kind, asked["data"])
        if found:
            _keep_in_mind(path / kind.file, found)
        return f"{path} {found}" if found else ""
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name in kind.folders:
            (path / name).mkdir(exist_ok=True)
        about = {
            "asked": dict(asked),
            "command": command_line(),
            "versions": library_versions(kind.libraries),
            "machine": machine(),
            "git": _git_state(),
            "code": training_code(),
            "images": fingerprint(asked["data"]),
        }
        write_atomically(path / kind.file, json.dumps(about, indent=2) + "\n")
    except OSError as error:
        raise UserError(f"--out: {path} can not be written ({error.strerror})") from None
    return ""


def _changed(path: Path, kind: Kind, data: str) -> str:
    """What trains otherwise than when the directory was made."""
    then, now = made_with(path / kind.file), making_with(data)
    found = []
    for name, words in CHANGES.items():
        before, here = getattr(then, name), getattr(now, name)
        if None not in (before, here) and before != here:
            found.append(words.format(before, here))
    if not found:
        return ""
    return f"was begun with {' and '.join(found)}: scores may differ from here on"


def _keep_in_mind(file: Path, changed: str) -> None:
    """Note in the directory's own file what has changed since it was made, once."""
    about = json.loads(file.read_text(encoding="utf-8"))
    known = about.get("changes") or []
    if changed not in known:
        about["changes"] = [*known, changed]
        write_atomically(file, json.dumps(about, indent=2) + "\n")


def command_line() -> str:
    """What was typed, as it can be typed again, but for passwords."""
    return shlex.join(map(without_passwords, sys.argv)) if any(sys.argv) else ""


class Made(NamedTuple):
    """What scores come from, beside what was asked; None where it is not known."""

    torch: str | None
    code: str | None
    images: str | None


CHANGES = {
    "torch": "torch {}, and this is {}",
    "code": "other code of the training, or other plug-ins",
    "images": "other images, or other labels",
}


def made_with(file: Path) -> Made:
    """What a directory was made with, by its file."""
    about = json.loads(file.read_text(encoding="utf-8"))
    torch = (about.get("versions") or {}).get("torch")
    return Made(torch, about.get("code"), about.get("images"))


def making_with(data: str) -> Made:
    """What this process would make a directory of that data with."""
    from nas.data import fingerprint

    return Made(library_versions(("torch",))["torch"], training_code(), fingerprint(data))


def check_directory(path: Path, asked: Mapping[str, Any], kind: Kind, *, fresh: bool) -> None:
    """What `make_directory` refuses; writes nothing."""
    if path.exists() and not path.is_dir():
        raise UserError(f"--out: {path} is a file, not a directory")
    if path.is_dir() and not (path / kind.file).exists():
        begun = (*kind.folders, f".{kind.file}.")  # what a kill while it was made leaves
        if not all(x.name.startswith(begun) for x in path.iterdir()):
            raise UserError(f"--out: {path} is a directory with other things in it")
    if (path / kind.file).exists() and not fresh:
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


def without_passwords(text: str) -> str:
    """The text, in which URLs have *** for their passwords."""
    text = re.sub(r"(://[^/:@\s]*):\S*@", r"\1:***@", text)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", text)


def machine() -> dict[str, Any]:
    """What the numbers of a run were measured on."""
    import torch

    found: dict[str, Any] = {
        "system": platform.platform(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name(0)
    return found


def library_versions(names: Sequence[str]) -> dict[str, str]:
    """Of these libraries, and of Python."""
    return {name: _version(name) for name in names} | {"python": sys.version.split()[0]}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def training_code() -> str:
    """What tells apart the code that decides what a training scores, loaded plug-ins included.

    UserError where one of these has changed since it was loaded.
    """
    from nas.plugins import check_unchanged, loaded_plugins

    check_unchanged()
    files = sorted(loaded_plugins().values())
    return "+".join(
        [_own_code(), *(blake2b(f.read_bytes(), digest_size=8).hexdigest() for f in files)]
    )


@cache
def _own_code() -> str:
    """16 hex digits of the sources here."""
    folder = Path(__file__).parent
    files = [folder / "seeds.py"]
    for name in ("architecture", "data", "models", "training"):
        files += [file for file in (folder / name).rglob("*") if file.suffix in (".py", ".cpp")]
    state = blake2b(digest_size=8)
    for file in sorted(files):
        state.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return state.hexdigest()


def _git_state() -> str:
    """The commit of the code, with a + where it was changed; empty where there is none."""
    folder = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
        return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _check_writable(path: Path) -> None:
    """UserError where the directory could not be made; makes nothing."""
    place = path
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
    except OSError as error:
        raise UserError(f"--out: {str(path)[:80]} can not be written ({error.strerror})") from None
    if not place.is_dir():
        raise UserError(f"--out: {place} is a file, not a directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"--out: {path} can not be written (no permission in {place})")


def _lock_file(path: Path) -> Path:
    """Beside the directory, so that --fresh may empty it; one, by whatever name it is called."""
    place = Path(os.path.realpath(path))
    return place.parent / f".{place.name}.lock"
