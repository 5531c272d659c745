"""One process at a time holds a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nas.errors import UserError


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
