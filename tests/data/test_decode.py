"""Decoding image files: what comes out, and what is said of bad ones."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data import Images, resize
from nas.data.decode import Files, as_rgb, decode, fingerprint, is_image, over_files
from nas.errors import UserError

PICTURE = np.random.default_rng(0).integers(0, 256, (20, 10, 3), dtype=np.uint8)


def encoded(kind: str = "PNG", pixels: np.ndarray = PICTURE) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A BMP header of that size, with no pixels after it."""
    small = bytearray(encoded("BMP"))
    small[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    return bytes(small)


def test_pixels_come_out_as_they_went_in(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    assert np.array_equal(decode(str(path)), PICTURE)


def test_resizing_is_that_of_images_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    expected = resize(Images(PICTURE[None], np.array([0])), (8, 6)).pixels[0]
    assert np.array_equal(decode(str(path), (8, 6)), expected)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    Image.fromarray(PICTURE).convert(mode).save(tmp_path / "a.png")
    assert decode(str(tmp_path / "a.png")).shape == (20, 10, 3)


def test_a_picture_is_upright_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its left side
    Image.fromarray(PICTURE).rotate(90, expand=True).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decode(str(tmp_path / "a.png")), PICTURE)


def test_grey_of_16_bits_is_scaled_and_32_are_refused(tmp_path: Path) -> None:
    wide = PICTURE[:, :, 0].astype(np.uint16) * 257
    Image.fromarray(wide).save(tmp_path / "a.png")
    assert np.array_equal(decode(str(tmp_path / "a.png"))[:, :, 1], PICTURE[:, :, 0])
    with pytest.raises(ValueError, match="pixels of 32 bits"):
        as_rgb(Image.fromarray(wide.astype(np.int32)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"this is no image", "not an image of a known kind"),
        (encoded("GIF"), "not an image of a known kind"),
        (encoded("JPEG")[:-40], "damaged image: "),
        (encoded("PNG")[:-40], "damaged image: "),
        (encoded("BMP")[:-40], "damaged image: "),
        (claiming(10_000, 10_000), "claims more than the 89,478,485 pixels"),
        (claiming(60_000, 60_000), "claims more than the 89,478,485 pixels"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_bad_file_is_named_in_one_line(
    content: bytes | None, message: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    for read in (
        lambda: list(over_files(decode, [str(path)], "x")),
        lambda: Files([str(path)], (8, 8))[np.array([0])],
    ):
        with pytest.raises(UserError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: {message}")
        assert "\n" not in str(caught.value)
    assert not recwarn.list


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Is a directory"):
        decode(str(tmp_path))


def test_values_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    names = [str(i) for i in range(600)]
    chunks = list(over_files(int, names, "x"))
    assert [value for chunk in chunks for value in chunk] == list(range(600))
    assert max(len(chunk) for chunk in chunks) < 600


def test_the_first_bad_file_is_the_one_that_is_named(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{i:03}.jpg") for i in range(50)]
    for i in range(20):
        Path(paths[i]).write_bytes(encoded())
    with pytest.raises(UserError, match=r"020\.jpg"):
        list(over_files(decode, paths, "x"))


def test_fingerprints_are_of_pixels_and_size_and_not_of_bytes(tmp_path: Path) -> None:
    other, turned = tmp_path / "b.bmp", tmp_path / "c.png"
    (tmp_path / "a.png").write_bytes(encoded())
    other.write_bytes(encoded("BMP"))
    turned.write_bytes(encoded("PNG", PICTURE.reshape(10, 20, 3)))
    assert fingerprint(str(tmp_path / "a.png")) == fingerprint(str(other))
    assert fingerprint(str(turned)) != fingerprint(str(other))


def test_hidden_files_and_others_are_no_images() -> None:
    names = ("a.jpg", "A.JPEG", "b.PnG", "._a.jpg", "Thumbs.db", "jpg", "a.txt")
    assert [is_image(name) for name in names] == [True, True, True, False, False, False, False]
