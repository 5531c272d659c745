"""Images from files: decoded with Pillow on several threads, and what is wrong with a bad one.

Only formats that are plain pictures are opened, and none whose header claims more pixels than
Pillow's limit: a small file can not take all memory.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from nas.data.store import Pixels, Store
from nas.errors import UserError
from nas.progress import counted

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm")
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM")
_CHUNK = 256

Value = TypeVar("Value")


def is_image(name: str) -> bool:
    """Whether a file's name is that of an image; hidden files are none."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def decode(
    path: str, size: tuple[int, int] | None = None, formats: tuple[str, ...] = FORMATS
) -> Pixels:
    """Decode an image file: uint8 (H, W, 3), RGB, resized to `size` = (height, width) if given.

    Bilinear, as `nas.data.resize`. formats: what Pillow calls those that are read. Raises UserError
    that names the file where it is missing, empty, truncated, no image, or claims too many pixels.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=formats) as picture:
            if Image.MAX_IMAGE_PIXELS and picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            return np.asarray(_brought_to(as_rgb(picture), size))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = Image.MAX_IMAGE_PIXELS or 0
        raise UserError(f"{path}: claims more than the {limit:,} pixels that are allowed") from None
    except Exception as error:  # Pillow raises whatever its decoders meet in a damaged file
        raise UserError(f"{path}: {_reason(path, error, formats)}") from None


class UnknownWhite(ValueError):
    """Nothing says which value of the pixels is white."""


def as_rgb(picture: Image.Image) -> Image.Image:
    """The picture upright, as its camera says in EXIF, in RGB of 8 bits.

    Grey of 16 bits is scaled to 8. UnknownWhite for pixels of 32 bits.
    """
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16"):
        grey = np.asarray(upright, dtype=np.uint16) >> 8
        upright = Image.fromarray(grey.astype(np.uint8))
    elif upright.mode in ("I", "F"):
        raise UnknownWhite("pixels of 32 bits; save it with 8 or 16")
    return upright.convert("RGB")


def _brought_to(picture: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    from PIL import Image

    if size is None or picture.size == size[::-1]:
        return picture
    return picture.resize(size[::-1], Image.Resampling.BILINEAR)


def _reason(path: str, error: Exception, formats: tuple[str, ...]) -> str:
    from PIL import UnidentifiedImageError

    try:
        if os.path.getsize(path) == 0:
            return "empty file"
    except OSError as missing:
        return f"cannot be read: {missing.strerror}"
    if isinstance(error, UnknownWhite):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return f"not an image of a known kind ({', '.join(formats)})"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"damaged image: {str(error).strip() or type(error).__name__}"


def fingerprint(path: str) -> bytes:
    """16 bytes that two files share when they decode to the same pixels. Raises as `decode`."""
    return pixel_fingerprint(decode(path))


def pixel_fingerprint(pixels: Pixels) -> bytes:
    """16 bytes that stand for an image (H, W, 3) and its size."""
    state = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    state.update(np.ascontiguousarray(pixels).data)
    return state.digest()


def over_files(
    function: Callable[[str], Value], paths: Sequence[str], text: str
) -> Iterator[list[Value]]:
    """Yield the function's values for the files, in order, some hundred at a time.

    On a terminal, a bar headed `text` shows how far it is. The first error is raised.
    """
    workers = min(8, os.cpu_count() or 1)
    with _strict_pillow(), counted(text) as progress, ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(paths), _CHUNK):
            chunk = paths[start : start + _CHUNK]
            yield list(pool.map(function, chunk))
            progress(start + len(chunk), len(paths))


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Pillow warns of a moderate bomb on standard error: make it an error, which `decode` tells."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


class Files(Store):
    """Image files that are decoded anew whenever they are asked for: to look at a few of them."""

    def __init__(self, paths: Sequence[str], size: tuple[int, int]) -> None:
        super().__init__((len(paths), *size, 3), paths)
        self._paths, self._size = paths, size

    def __getitem__(self, rows: NDArray[np.integer]) -> Pixels:
        found = np.empty((len(rows), *self._size, 3), dtype=np.uint8)
        with _strict_pillow():
            for place, row in enumerate(rows.tolist()):
                found[place] = decode(self._paths[row], self._size)
        return found
