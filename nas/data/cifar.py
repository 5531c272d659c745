"""CIFAR-10 and CIFAR-100, from their binary version or, without running code, the Python version.

A record of the binary version is 1 label byte (CIFAR-100: coarse, then fine) and 3,072 bytes, the
red, green and blue planes of 32x32. https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import Dataset, Images
from nas.data.plain_pickle import read_plain_pickle
from nas.errors import UserError

SIDE = 32
_PLANES = 3 * SIDE * SIDE


@dataclass(frozen=True)
class Version:
    """One way that CIFAR is distributed. label: its byte in a record, or key in a pickled batch.

    names: the file that names the classes, and its key where it is a pickle.
    """

    roots: tuple[str, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    label: int | str
    record: int = 0
    names_key: str = ""


_BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
VERSIONS: dict[str, tuple[Version, Version]] = {
    "cifar10": (
        Version(
            ("", "cifar-10-batches-bin"),
            tuple(f"{name}.bin" for name in _BATCHES),
            ("test_batch.bin",),
            "batches.meta.txt",
            label=0,
            record=1 + _PLANES,
        ),
        Version(
            ("", "cifar-10-batches-py"),
            _BATCHES,
            ("test_batch",),
            "batches.meta",
            label="labels",
            names_key="label_names",
        ),
    ),
    "cifar100": (
        Version(
            ("", "cifar-100-binary"),
            ("train.bin",),
            ("test.bin",),
            "fine_label_names.txt",
            label=1,
            record=2 + _PLANES,
        ),
        Version(
            ("", "cifar-100-python"),
            ("train",),
            ("test",),
            "meta",
            label="fine_labels",
            names_key="fine_label_names",
        ),
    ),
}


def find_cifar(name: str, path: Path) -> tuple[Version, Path]:
    """The version that is there, and its folder. Raises UserError where no version is whole."""
    if not path.is_dir():
        raise UserError(f"data {name}: no folder {path}")
    missing = ""
    for version in VERSIONS[name]:
        for root in (path / below for below in version.roots):
            files = (*version.train, *version.test, version.names)
            absent = [file for file in files if not (root / file).is_file()]
            if not absent:
                return version, root
            if len(absent) < len(files) and not missing:
                missing = f"data {name}: no file {absent[0]} in {root}"
    binary, python = VERSIONS[name]
    raise UserError(
        missing or f"data {name}: {path} has neither {binary.train[0]} nor {python.train[0]}"
    )


def cifar(name: str, path: Path) -> Dataset:
    """Load `cifar10` or `cifar100` (fine labels) from a folder.

    Raises UserError where a file is missing, damaged or holds anything else.
    """
    version, root = find_cifar(name, path)
    classes = _class_names(version, root / version.names)
    if len(set(classes)) != len(classes) or not classes:
        raise UserError(f"{root / version.names}: names of classes are missing or twice there")
    return Dataset(
        name=name,
        task="classification",
        train=_images(version, [root / file for file in version.train], len(classes)),
        test=_images(version, [root / file for file in version.test], len(classes)),
        about=f"{name}, {len(classes)} classes, 32x32, {root}",
        classes=classes,
    )


def _images(version: Version, files: list[Path], classes: int) -> Images:
    read = _pickled if isinstance(version.label, str) else _binary
    batches = [read(version, file) for file in files]
    for file, (_, labels) in zip(files, batches, strict=True):
        if not len(labels) or not 0 <= labels.min() <= labels.max() < classes:
            raise UserError(f"{file}: labels are not 0 to {classes - 1}")
    planes = np.concatenate([found for found, _ in batches]).reshape(-1, 3, SIDE, SIDE)
    pixels = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return Images(pixels, np.concatenate([labels for _, labels in batches]))


def _binary(version: Version, file: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    raw = _bytes(file)
    if not raw or len(raw) % version.record:
        raise UserError(f"{file}: damaged: {len(raw)} bytes are no records of {version.record}")
    records = np.frombuffer(raw, np.uint8).reshape(-1, version.record)
    assert isinstance(version.label, int)
    return records[:, -_PLANES:], records[:, version.label].astype(np.int64)


def _pickled(version: Version, file: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    found = read_plain_pickle(file)
    planes, labels = found.get("data"), found.get(str(version.label))
    if not isinstance(planes, np.ndarray) or planes.ndim != 2 or planes.shape[1] != _PLANES:
        raise UserError(f"{file}: holds no images of 32x32")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise UserError(f"{file}: holds no {version.label}")
    if len(labels) != len(planes):
        raise UserError(f"{file}: damaged: {len(planes)} images, but {len(labels)} labels")
    if not all(0 <= label < 256 for label in labels):
        raise UserError(f"{file}: labels are not 0 to 255")
    return planes, np.array(labels, dtype=np.int64)


def _class_names(version: Version, file: Path) -> tuple[str, ...]:
    if not version.names_key:
        text = _bytes(file).decode("utf-8", errors="replace")
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    names = read_plain_pickle(file).get(version.names_key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{file}: holds no {version.names_key}")
    return tuple(names)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
