"""Decoded images, kept on disk: decoded and resized once, then memory-mapped by every process.

An entry is a folder named by a hash of its files' names, sizes and times of change and of the size
that they were brought to, so that a changed file makes another entry. It is built beside its place
under a lock and renamed when it is whole. The least recently used go when the limit is reached.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.data.decode import decode, over_files
from nas.errors import UserError
from nas.files import FOLDER_VARIABLE, cache_folder

LIMIT_VARIABLE = "OSNET_NAS_CACHE_LIMIT"
DEFAULT_LIMIT = "32G"

_VERSION = 2
_PIXELS, _ABOUT, _PART = "pixels.npy", "about.json", ".part"
_KEY = re.compile(r"[0-9a-f]{32}")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True)
class Entry:
    """Images in the cache. size: "HEIGHTxWIDTH". used: time.time() of the last use."""

    key: str
    about: str
    images: int
    size: str
    bytes: int
    used: float


def parse_bytes(text: str, what: str) -> int:
    """Bytes of `500M`, `20G`, `1.5T` or a plain number; K, M, G, T are powers of 1024."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.I)
    if not match:
        raise UserError(f"{what}: {text!r} is not a size; write 500M, 20G or 1T")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def cache_limit() -> int:
    """Bytes that the cache may hold: $OSNET_NAS_CACHE_LIMIT, or 32G."""
    return parse_bytes(os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT, LIMIT_VARIABLE)


def cached_pixels(paths: Sequence[str], size: tuple[int, int], about: str) -> NDArray[np.uint8]:
    """The images of these files at `size` = (height, width): memory-mapped, uint8 (n, H, W, 3).

    Decodes them where they are not in the cache yet; while another process does, waits for it.
    about: a few words for the list of entries. Raises UserError where a file is damaged, or the
    cache can not be written or has no room.
    """
    key = _key(paths, size)
    folder = cache_folder()
    shape = (len(paths), *size, 3)
    try:
        with _locked(folder, key):
            found = _opened(folder / key, shape)
            if found is None:
                _build(folder, key, paths, size, about)
                found = _opened(folder / key, shape)
    except OSError as error:
        raise UserError(
            f"the cache {folder} can not be used ({error.strerror or error}); "
            f"set {FOLDER_VARIABLE} to another folder"
        ) from None
    if found is None:
        raise UserError(f"the cache {folder} does not keep what is written to it")
    return found


def entries() -> list[Entry]:
    """What the cache holds, the most recently used first."""
    folder = cache_folder()
    found = []
    for path in folder.glob("*/" + _ABOUT):
        if not _KEY.fullmatch(path.parent.name):
            continue
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            stored = (path.parent / _PIXELS).stat().st_size
            used = path.stat().st_mtime
            entry = Entry(
                path.parent.name, about["about"], about["images"], about["size"], stored, used
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # being removed, or not ours
        found.append(entry)
    return sorted(found, key=lambda entry: (-entry.used, entry.key))


def trim(limit: int) -> list[Entry]:
    """Remove the least recently used until at most `limit` bytes are held; returns the removed.

    One that is being opened or built at this moment stays.
    """
    folder, held = cache_folder(), entries()
    total = sum(entry.bytes for entry in held)
    removed = []
    for entry in reversed(held):
        if total <= limit:
            break
        if _remove(folder, entry.key):
            total -= entry.bytes
            removed.append(entry)
    return removed


def clear() -> list[Entry]:
    """Remove everything, also what was left half-built; returns the entries removed."""
    removed = trim(-1)
    _remove_abandoned(cache_folder())
    return removed


def _key(paths: Sequence[str], size: tuple[int, int]) -> str:
    state = hashlib.sha256(f"{_VERSION} {size[0]}x{size[1]}\n".encode())
    for path in paths:
        try:
            found = os.stat(path)
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        name = os.path.abspath(path)
        state.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="replace"))
    return state.hexdigest()[:32]


@contextmanager
def _locked(folder: Path, key: str, timeout: float = -1) -> Iterator[None]:
    """Hold an entry. The system releases the lock of a process that dies."""
    from filelock import FileLock

    locks = folder / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{key}.lock", timeout=timeout):
        yield


def _remove(folder: Path, key: str) -> bool:
    from filelock import Timeout

    try:
        with _locked(folder, key, timeout=0):
            shutil.rmtree(folder / key, ignore_errors=True)
            shutil.rmtree(folder / (key + _PART), ignore_errors=True)
    except Timeout:
        return False
    return not (folder / key).exists()


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes that died left half-built; the locks of live ones are held."""
    for part in folder.glob("*" + _PART):
        key = part.name.removesuffix(_PART)
        if _KEY.fullmatch(key):
            _remove(folder, key)


def _opened(entry: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """The pixels of an entry, marked as used now; None where there is none or it is damaged."""
    if not entry.is_dir():
        return None
    try:
        pixels = np.load(entry / _PIXELS, mmap_mode="r", allow_pickle=False)
        if pixels.shape != shape or pixels.dtype != np.uint8:
            raise ValueError(f"{pixels.shape} {pixels.dtype}")
        os.utime(entry / _ABOUT)
    except (OSError, ValueError, EOFError):
        shutil.rmtree(entry, ignore_errors=True)
        return None
    found: NDArray[np.uint8] = pixels
    return found


def _build(folder: Path, key: str, paths: Sequence[str], size: tuple[int, int], about: str) -> None:
    """Decode the files into a folder beside the entry's place, and rename it when it is whole.

    Written in order and not through the map, for which a full disk would be a dead process.
    """
    needed = len(paths) * size[0] * size[1] * 3
    part = folder / (key + _PART)
    shutil.rmtree(part, ignore_errors=True)
    _make_room(folder, needed)
    part.mkdir()
    try:
        with (part / _PIXELS).open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(paths), *size, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in over_files(partial(decode, size=size), paths, f"decoding {about}"):
                file.write(np.stack(chunk).data)
            file.flush()
            os.fsync(file.fileno())
        facts = {"about": about, "images": len(paths), "size": f"{size[0]}x{size[1]}"}
        (part / _ABOUT).write_text(json.dumps(facts), encoding="utf-8")
        part.rename(folder / key)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _make_room(folder: Path, needed: int) -> None:
    limit = cache_limit()
    if needed > limit:
        raise UserError(
            f"the images take {_gigabytes(needed)} in the cache, {_gigabytes(limit)} are allowed; "
            f"set {LIMIT_VARIABLE} to more, or use a smaller input"
        )
    _remove_abandoned(folder)
    trim(limit - needed)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"the images take {_gigabytes(needed)} in the cache {folder}, {_gigabytes(free)} are "
            f"free; set {FOLDER_VARIABLE} to a folder on another disk, or use a smaller input"
        )


def _gigabytes(count: int) -> str:
    return f"{count / (1 << 30):.2f} GiB"
