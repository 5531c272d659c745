"""Images and data sets: subsets, resizing, digests, and what is refused."""

import hashlib
import struct
import subprocess
import sys

import numpy as np
import pytest

from nas.data import Dataset, Images, digest, relabel, resize


def _images(n: int = 4, size: tuple[int, int] = (6, 4)) -> Images:
    pixels = np.arange(n * size[0] * size[1] * 3, dtype=np.int64) % 251
    return Images(
        pixels.reshape(n, *size, 3).astype(np.uint8),
        np.arange(n, dtype=np.int64),
        np.arange(n, dtype=np.int64) + 10,
        np.arange(n, dtype=np.int64) // 2,
    )


def test_importing_the_package_does_not_import_torch_or_pillow() -> None:
    code = "import sys, nas.data; print([m for m in ('torch', 'PIL') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_subset_takes_pixels_labels_cameras_and_groups_alike() -> None:
    part = _images().subset(np.array([3, 1]))
    assert len(part) == 2
    assert part.labels.tolist() == [3, 1]
    assert part.cameras is not None and part.cameras.tolist() == [13, 11]
    assert part.groups is not None and part.groups.tolist() == [1, 0]
    assert np.array_equal(part.pixels, _images().pixels[[3, 1]])


def test_subset_takes_a_mask() -> None:
    assert _images().subset(np.array([True, False, False, True])).labels.tolist() == [0, 3]


def test_images_refuse_pixels_of_another_type() -> None:
    with pytest.raises(ValueError, match="float64"):
        Images(np.zeros((1, 2, 2, 3)), np.zeros(1, dtype=np.int64))  # type: ignore[arg-type]


def test_images_refuse_labels_of_another_length() -> None:
    with pytest.raises(ValueError, match=r"labels must be int64 \(2,\)"):
        Images(np.zeros((2, 2, 2, 3), dtype=np.uint8), np.zeros(3, dtype=np.int64))


def test_a_data_set_refuses_the_splits_of_another_task() -> None:
    with pytest.raises(ValueError, match="train and query and gallery"):
        Dataset("x", "reid", _images(), test=_images())
    with pytest.raises(ValueError, match="train and test"):
        Dataset("x", "classification", _images())


def test_images_without_files_are_named_by_their_number() -> None:
    images = _images()
    assert images.names == [str(i) for i in range(len(images))]
    assert images.subset(np.array([2, 0])).names == ["0", "1"]


def test_images_are_shown_without_their_pixels() -> None:
    images = _images()
    assert repr(images).startswith(f"Images({len(images)} of {images.size[0]}x{images.size[1]}, ")
    assert "[" not in repr(Dataset("x", "classification", images, test=images))


def test_splits_are_listed_by_name() -> None:
    assert list(Dataset("x", "classification", _images(), test=_images()).splits) == [
        "train",
        "test",
    ]


def test_relabel_ranks_the_distinct_labels() -> None:
    assert relabel(np.array([30, 7, 30, 12])).tolist() == [2, 0, 2, 1]


def test_resize_to_the_same_size_is_the_same_object() -> None:
    images = _images()
    assert resize(images, (6, 4)) is images


def test_resize_keeps_a_flat_colour_and_all_but_the_pixels() -> None:
    flat = Images(np.full((2, 6, 4, 3), 77, dtype=np.uint8), np.array([5, 6]))
    resized = resize(flat, (12, 9))
    assert resized.size == (12, 9)
    assert (resized.pixels == 77).all()
    assert resized.labels.tolist() == [5, 6]


def test_resize_by_a_half_averages_neighbours() -> None:
    pixels = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    pixels[:, :, 4:] = 200
    half = resize(Images(pixels, np.array([0])), (4, 4)).pixels
    # Bilinear with support scaled by 2: weights 1 3 3 1 over the columns 1..4, then 3..6.
    assert half[0, 0, :, 0].tolist() == [0, 25, 175, 200]


@pytest.mark.parametrize("what", ["pixels", "labels", "cameras"])
def test_digest_depends_on_every_value(what: str) -> None:
    first, other = _images(), _images()
    getattr(other, what)[-1] += 1
    digests = {digest(Dataset("x", "classification", first, test=i)) for i in (first, other)}
    assert len(digests) == 2


def test_digest_of_a_tiny_data_set_follows_the_documented_order() -> None:
    images = Images(np.array([[[[1, 2, 3]]]], dtype=np.uint8), np.array([7]))
    block = struct.pack("<3q", 1, 1, 1) + bytes([1, 2, 3]) + struct.pack("<q", 7)
    expected = hashlib.sha256(b"train\0" + block + b"test\0" + block).hexdigest()
    assert digest(Dataset("x", "classification", images, test=images)) == expected
