"""Plug-ins: a user's file that registers blocks, losses, augmentations; run only if named."""

from __future__ import annotations

import importlib.util
import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nas.errors import UserError, in_words
from nas.files import file_digest

_loaded: dict[str, Path] = {}


def load_plugin(path: str | Path) -> None:
    """Run the file, which registers what it brings; a second time it is left alone.

    UserError where it is no Python file, fails, or has the name of another loaded plug-in.
    """
    file = Path(path).resolve()
    if file.suffix != ".py" or not file.is_file():
        raise UserError(f"--plugin: {path} is not a Python file")
    if file.name in _loaded:
        if _loaded[file.name] != file:
            raise UserError(f"--plugin: {path} has the name of {_loaded[file.name]}; rename one")
        return
    name = f"nas_plugin_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except UserError as error:
        raise UserError(f"--plugin: {path}: {error}") from error
    except (Exception, SystemExit) as error:
        raise UserError(f"--plugin: {path} fails: {in_words(error)}") from error
    _loaded[file.name] = file


def loaded_plugins() -> dict[str, Path]:
    """File names of the loaded plug-ins, and where they are."""
    return dict(_loaded)


def digest_of(function: Callable[..., Any]) -> str:
    """Of the file that the function is in; empty where it is in none."""
    file = inspect.getsourcefile(function)
    return file_digest(Path(file)) if file and Path(file).is_file() else ""


def plugin_options() -> str:
    """What a printed command needs to know them again: --plugin FILE for each."""
    found = ""
    for file in _loaded.values():
        near = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
        found += f" --plugin {shlex.quote(str(near))}"
    return found
