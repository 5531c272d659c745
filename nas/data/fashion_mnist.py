"""Fashion-MNIST: small real images that Debian packages, so that they need no download.

The IDX format: a big-endian magic number (0, 0, type 8 for uint8, number of dimensions), the
dimensions as big-endian uint32, then the values. https://github.com/zalandoresearch/fashion-mnist
"""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import Dataset, Images
from nas.errors import UserError

FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts it."""

CLASSES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

_SIDE = 28
_PAD = 2
_GZIP = b"\x1f\x8b"
_PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def _find(folder: Path, part: str) -> Path:
    for name in (f"{part}-ubyte.gz", f"{part}-ubyte"):
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"fashion-mnist: no file {part}-ubyte.gz in {folder}; "
        "apt install dataset-fashion-mnist, or --data fashion-mnist:FOLDER"
    )


def check_folder(folder: Path) -> None:
    """Raise UserError unless the four files are in the folder; reads nothing."""
    for part in _PARTS:
        _find(folder, part)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of uint8, gzipped or plain, with the given number of dimensions.

    Raises UserError with what is wrong where the file is damaged or is something else.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == _GZIP:
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, 8, dimensions])
    if raw[:4] != magic:
        raise UserError(f"{path}: not an IDX file: starts {raw[:4].hex()}, not {magic.hex()}")
    if len(raw) < header:
        raise UserError(f"{path}: cut off: {len(raw)} bytes, the header alone has {header}")
    shape = struct.unpack(f">{dimensions}I", raw[4:header])
    size = header
    count = 1
    for length in shape:
        count *= length
    size += count
    if len(raw) != size:
        raise UserError(f"{path}: damaged: {len(raw)} bytes, {size} for the shape {shape}")
    return np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(shape)


def _images(folder: Path, part: str) -> Images:
    pictures, numbers = _find(folder, f"{part}-images-idx3"), _find(folder, f"{part}-labels-idx1")
    grey, labels = read_idx(pictures, 3), read_idx(numbers, 1)
    if grey.shape[1:] != (_SIDE, _SIDE):
        raise UserError(f"{pictures}: images of {grey.shape[1]}x{grey.shape[2]}, not 28x28")
    if len(grey) != len(labels) or not len(grey):
        raise UserError(f"{pictures}: {len(grey)} images, but {numbers} has {len(labels)} labels")
    if labels.max() >= len(CLASSES):
        raise UserError(f"{numbers}: label {labels.max()}, classes are 0 to {len(CLASSES) - 1}")
    pixels = np.zeros((len(grey), _SIDE + 2 * _PAD, _SIDE + 2 * _PAD, 3), dtype=np.uint8)
    pixels[:, _PAD:-_PAD, _PAD:-_PAD] = grey[..., None]
    return Images(pixels, labels.astype(np.int64))


def fashion_mnist(folder: Path = FOLDER) -> Dataset:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images of 10 classes.

    Grey is repeated in three channels, and the 28x28 images are padded with zeros to 32x32.
    Raises UserError where a file is missing or damaged.
    """
    check_folder(folder)
    return Dataset(
        name="fashion-mnist",
        task="classification",
        train=_images(folder, "train"),
        test=_images(folder, "t10k"),
        classes=CLASSES,
        about=f"Fashion-MNIST, {len(CLASSES)} kinds of clothes, 28x28 padded to 32x32",
    )
