"""Fashion-MNIST: tiny files of the same format, whole and damaged."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nas.data.fashion_mnist import FOLDER, check_folder, fashion_mnist, read_idx
from nas.errors import UserError

IMAGES = "train-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte"


def _idx(values: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def _write(folder: Path, *, zipped: bool = True, side: int = 28, top: int = 9) -> None:
    for part, count in (("train", 6), ("t10k", 3)):
        pixels = np.arange(count * side * side).reshape(count, side, side) % 256
        labels = np.arange(count) * top // (count - 1)
        for name, values in ((f"{part}-images-idx3", pixels), (f"{part}-labels-idx1", labels)):
            raw = _idx(values)
            if zipped:
                (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(raw))
            else:
                (folder / f"{name}-ubyte").write_bytes(raw)


@pytest.mark.parametrize("zipped", [True, False])
def test_images_are_padded_to_32_and_grey_is_in_all_channels(tmp_path: Path, zipped: bool) -> None:
    _write(tmp_path, zipped=zipped)
    dataset = fashion_mnist(tmp_path)
    assert dataset.task == "classification" and dataset.test is not None
    assert dataset.train.pixels.shape == (6, 32, 32, 3)
    assert len(dataset.test) == 3
    inner = dataset.train.pixels[:, 2:-2, 2:-2]
    expected = (np.arange(6 * 28 * 28) % 256).reshape(6, 28, 28)
    for channel in range(3):
        assert np.array_equal(inner[..., channel], expected)
    assert int(dataset.train.pixels.sum()) == int(inner.sum())
    assert dataset.train.labels.tolist() == [0, 1, 3, 5, 7, 9]


def test_a_missing_file_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    _write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError) as caught:
        check_folder(tmp_path)
    message = str(caught.value)
    assert f"no file t10k-labels-idx1-ubyte.gz in {tmp_path}" in message
    assert "apt install dataset-fashion-mnist, or --data fashion-mnist:FOLDER" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: b"\x89PNG" + raw[4:], "not an IDX file: starts 89504e47, not 00000803"),
        (lambda raw: bytes([0, 0, 13, 3]) + raw[4:], "not an IDX file: starts 00000d03"),
        (lambda raw: raw[:10], "cut off: 10 bytes, the header alone has 16"),
        (lambda raw: raw[:-5], r"damaged: 4715 bytes, 4720 for the shape \(6, 28, 28\)"),
        (lambda raw: raw + b"x", "damaged: 4721 bytes"),
        (lambda raw: raw[:4] + b"\xff" * 12 + raw[16:], "damaged: 4720 bytes"),
        (lambda raw: gzip.compress(raw)[:-20], "cannot be read"),
        (lambda raw: b"\x1f\x8bnothing of the kind", "cannot be read"),
        (lambda raw: b"", "not an IDX file"),
    ],
)
def test_damage_is_said(tmp_path: Path, damage: Callable[[bytes], bytes], message: str) -> None:
    _write(tmp_path, zipped=False)
    path = tmp_path / IMAGES
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=message) as caught:
        fashion_mnist(tmp_path)
    assert str(path) in str(caught.value)


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, side=8)
    with pytest.raises(UserError, match="images of 8x8, not 28x28"):
        fashion_mnist(tmp_path)


def test_labels_of_no_class_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, top=10)
    with pytest.raises(UserError, match="label 10, classes are 0 to 9"):
        fashion_mnist(tmp_path)


def test_images_without_their_labels_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, zipped=False)
    (tmp_path / LABELS).write_bytes(_idx(np.arange(5)))
    with pytest.raises(UserError, match=r"6 images, but .* has 5 labels"):
        fashion_mnist(tmp_path)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_packaged_test_labels_are_balanced() -> None:
    labels = read_idx(FOLDER / "t10k-labels-idx1-ubyte.gz", 1)
    assert np.bincount(labels).tolist() == [1000] * 10
