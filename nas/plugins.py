"""Plug-ins: a user's file that registers blocks, losses and more of its own; run only if named."""

from __future__ import annotations

import importlib.util
import inspect
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nas.arguments import a_path
from nas.errors import UserError, in_words
from nas.files import file_digest, write_atomically

COPIES = "plugins"
"""The folder of a run in which it has the plug-ins with which it was begun, to be read."""
_loaded: dict[str, Path] = {}
_digests: dict[Path, str] = {}
"""Of the files as they were when they were loaded."""


def load_plugin(path: str | Path) -> None:
    """Run the file, which registers what it brings; a second time it is left alone.

    UserError where it is no Python file, fails, has the name of another loaded plug-in, or has
    changed since it was loaded.
    """
    file = a_path("--plugin", path).resolve()
    if not file.exists():
        raise UserError(f"--plugin: there is no file {path}")
    if file.suffix != ".py" or not file.is_file():
        raise UserError(f"--plugin: {path} is not a Python file")
    if file.name in _loaded:
        if _loaded[file.name] != file:
            raise UserError(f"--plugin: {path} has the name of {_loaded[file.name]}; rename one")
        check_unchanged()
        return
    digest = file_digest(file)
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
    _loaded[file.name], _digests[file] = file, digest


def loaded_plugins() -> dict[str, Path]:
    """File names of the loaded plug-ins, and where they are."""
    return dict(_loaded)


def plugin_files() -> tuple[str, ...]:
    """Paths of the loaded plug-ins, for processes that have to load them too."""
    return tuple(map(str, _loaded.values()))


def check_unchanged() -> None:
    """UserError where a file is another one than what was loaded, which runs as it was."""
    for file in _loaded.values():
        if not file.is_file() or file_digest(file) != _digests.get(file, file_digest(file)):
            raise UserError(f"--plugin: {file} has changed since it was loaded; start Python anew")


def check_name(what: str, name: object) -> None:
    """UserError where a decorator is given no name, but what it decorates."""
    if not isinstance(name, str) or not name.strip():
        raise UserError(f"{what}: `register` needs a name, as @register('mine')")


def check_function(what: str, name: str, function: object, known: Mapping[str, object]) -> None:
    """UserError where what is registered is no function, or one of that name is known that was not
    typed in."""
    if not callable(function):
        raise UserError(f"{what} {name!r} is not a function")
    if name in known and not typed_again(known[name], function):
        raise UserError(f"{what} {name!r} is registered already")


def of_script(what: str, known: Mapping[str, Callable[..., Any]]) -> list[str]:
    """Of functions by name those of the script that runs, or of a notebook: `loss mine`. Other
    processes know them only if they run the script too."""
    return [f"{what} {n}" for n, f in known.items() if source_of(f).__module__ == "__main__"]


def typed_again(old: Any, new: Any) -> bool:
    """Whether both were typed in under one name: a cell of a notebook was run again."""
    own = [source_of(one) if not isinstance(one, type) else one for one in (old, new)]
    return all(one.__module__ == "__main__" for one in own) and (
        own[0].__qualname__ == own[1].__qualname__
    )


def source_of(function: Callable[..., Any]) -> Any:
    """The function or class whose code is called: behind decorators and `partial`."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    return function if inspect.isroutine(function) else type(function)


def digest_of(function: Callable[..., Any]) -> str:
    """Of the file that the function is in; empty where it is in none."""
    try:
        file = inspect.getsourcefile(source_of(function))
    except (TypeError, OSError):  # of a class that was typed in; of torch's own in C
        file = None
    return file_digest(Path(file)) if file and Path(file).is_file() else ""


def keep_copies(folder: Path) -> None:
    """Copy the loaded plug-ins into COPIES of the folder, where there are any."""
    for name, file in _loaded.items():
        (folder / COPIES).mkdir(exist_ok=True)
        write_atomically(folder / COPIES / name, file.read_bytes())


def maybe_missing(folder: Path) -> str:
    """What may help where something in the folder is of a kind that is not known."""
    copies = [own for own in sorted((folder / COPIES).glob("*.py")) if own.name not in _loaded]
    options = " ".join(f"--plugin {shlex.quote(str(own))}" for own in copies)
    return f"; if you trust it, give {options}" if copies else "; does it need --plugin?"


def plugin_options() -> str:
    """What a printed command needs to know them again: --plugin FILE for each."""
    found = ""
    for file in _loaded.values():
        near = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
        found += f" --plugin {shlex.quote(str(near))}"
    return found
