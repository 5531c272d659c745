"""Files that are whole or not there."""

from __future__ import annotations

import os
import re
import secrets
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from nas.errors import Unwritable

FOLDER_VARIABLE = "OSNET_NAS_CACHE"
TEMPORARY = ".tmp"


def cache_folder() -> Path:
    """Where caches lie: $OSNET_NAS_CACHE, or osnet-nas among the user's caches."""
    from platformdirs import user_cache_path

    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    return user_cache_path("osnet-nas", appauthor=False)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader, or a crash, never sees half of it.

    What is there and is no file, as a device, is written to; and what the process prints to, as
    /dev/stdout, in its turn, whatever that is. In text, names of files that are no text are their
    bytes. Unwritable where it can not be written.
    """
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    try:
        if (printed := _printed_to(path)) is not None:
            with open(printed, "wb", closefd=False) as stream:
                stream.write(data)
        elif path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path, data)
    except OSError as error:
        raise Unwritable(f"{path} can not be written ({error.strerror})") from None


def check_writable(path: Path) -> None:
    """Unwritable where a file could not be written there: before work that takes long."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise Unwritable(f"{path} can not be written (no permission in {path.parent})")


def remove_torn(folder: Path) -> None:
    """Delete what a kill in the middle of `write_atomically` has left in a folder."""
    for file in folder.glob(f".*{TEMPORARY}"):
        file.unlink(missing_ok=True)


def _printed_to(path: Path) -> int | None:
    """The number of the stream of this process that the path is; flushed, for what comes next."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # there is none, or not of the system
            if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                stream.flush()
                return stream.fileno()
    return None


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}{TEMPORARY}")
    try:
        with temporary.open("xb") as file:  # who may read it is for the umask to say
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def file_digest(path: Path) -> str:
    """16 hex digits of what is in a file; OSError where it can not be read."""
    return blake2b(path.read_bytes(), digest_size=8).hexdigest()


def is_torch_file(path: str | Path) -> bool:
    """Whether a file is named as torch's are: net.pt, model.pth, torchreid's model.pth.tar-50."""
    return re.search(r"\.(pth|pt|tar)(-\d+)?$", str(path)) is not None
