"""One process at a time holds a directory.

The system takes the lock from a process that dies. Where a file system has no such locks, as those
of clusters at times, the file itself is the lock; it stays when its machine dies.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nas.errors import UserError


@contextmanager
def locked(path: Path, noun: str) -> Iterator[None]:
    """Hold the directory for this process; UserError where another one does, or it is no place."""
    from filelock import FileLock, SoftFileLock, Timeout

    _check_writable(path)
    file = _lock_file(path)
    lock = FileLock(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _by_a_file_too():
            lock.acquire(timeout=0.5)  # who looks whether it is in use holds it for a moment
    except Timeout:
        stays = f"; if its machine died, remove {file}" if isinstance(lock, SoftFileLock) else ""
        raise UserError(
            f"{path} is in use by another {noun}; wait for it, or choose another --out{stays}"
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
            with _by_a_file_too(), FileLock(file, timeout=0):
                pass
        return False
    except Timeout:
        return True
    except OSError:  # it can not be looked at, so it can not have been locked from here
        return False


@contextmanager
def _by_a_file_too() -> Iterator[None]:
    """Without the warning that the file is the lock."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "flock not supported", UserWarning)
        yield


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
