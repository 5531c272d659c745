"""What a piece of work was made with: command, versions, machine, code, images."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from nas.files import file_digest


def provenance(libraries: Sequence[str], data: str) -> dict[str, Any]:
    """Of work that begins now, on that data: as plain data."""
    from nas.data import fingerprint

    return {
        "command": command_line(),
        "versions": library_versions(libraries),
        "machine": machine(),
        "git": _git_state(),
        "code": training_code(),
        "images": fingerprint(data),
    }


def command_line() -> str:
    """What was typed, as it can be typed again, but for passwords."""
    return shlex.join(map(without_passwords, sys.argv)) if any(sys.argv) else ""


class Made(NamedTuple):
    """What scores come from, beside what was asked; None where it is not known."""

    torch: str | None
    norms: str | None
    code: str | None
    images: str | None


CHANGES = {
    "torch": "torch {}, and this is {}",
    "norms": "batch norms that were {}, and here are {}",
    "code": "other code of the training, or other plug-ins",
    "images": "other images, or other labels",
}


def made_with(file: Path) -> Made:
    """What a directory was made with, by its file."""
    about = json.loads(file.read_text(encoding="utf-8"))
    torch = (about.get("versions") or {}).get("torch")
    norms = (about.get("machine") or {}).get("norms")
    return Made(torch, norms, about.get("code"), about.get("images"))


def making_with(data: str) -> Made:
    """What this process would make a directory of that data with."""
    from nas.data import fingerprint

    torch, norms = library_versions(("torch",))["torch"], machine().get("norms")
    return Made(torch, norms, training_code(), fingerprint(data))


def changed_since(file: Path, data: str) -> str:
    """What trains otherwise than when this file was written, in words; empty where nothing does."""
    then, now = made_with(file), making_with(data)
    found = []
    for name, words in CHANGES.items():
        before, here = getattr(then, name), getattr(now, name)
        if None not in (before, here) and before != here:
            found.append(words.format(before, here))
    if not found:
        return ""
    return f"was begun with {' and '.join(found)}: scores may differ from here on"


def without_passwords(text: str) -> str:
    """The text, in which URLs have *** for their passwords."""
    text = re.sub(r"(://[^/:@\s]*):\S*@", r"\1:***@", text)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", text)


def machine() -> dict[str, Any]:
    """What the numbers of a run were measured on.

    norms: compiled, where batch norms train by the step that is compiled at installation, which
    has other last bits than torch's. Of a GPU they are torch's own.
    """
    import torch

    from nas.models.fused_norm import library

    found: dict[str, Any] = {
        "system": platform.platform(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
    }
    if torch.cuda.is_available():
        names = map(torch.cuda.get_device_name, range(torch.cuda.device_count()))
        found["gpu"] = ", ".join(dict.fromkeys(names))
    else:
        found["norms"] = "compiled" if library() else "torch's"
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
    return "+".join([_own_code(), *map(file_digest, files)])


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
