"""Folders of images to files of embeddings."""

import builtins
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nas import embed_folder
from nas.architecture import Architecture, Size, Stage
from nas.data import Images, resize
from nas.errors import UserError
from nas.models import Network, build
from nas.training import evaluation
from nas.training.evaluation import embed
from nas.training.features import find_images

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)


@pytest.fixture
def network() -> Network:
    return build(TINY, 3, seed=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven images of several sizes and kinds in two folders, and files that are none."""
    draw = np.random.default_rng(0)
    root = tmp_path / "images"
    (root / "b" / "deep").mkdir(parents=True)
    for i, name in enumerate(["z.png", "a.PNG", "b/2.png", "b/10.bmp", "b/deep/é 1.png"]):
        pixels = draw.integers(0, 256, (40 + i, 20 + 3 * i, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name)
    grey = draw.integers(0, 256, (50, 30), dtype=np.uint8)
    Image.fromarray(grey).save(root / "grey.png")
    Image.fromarray(grey).convert("P").save(root / "palette.gif")
    (root / "notes.txt").write_text("no image")
    (root / "._z.png").write_bytes(b"\0\5\x16\7")
    return root


NAMES = ["a.PNG", "b/10.bmp", "b/2.png", "b/deep/é 1.png", "grey.png", "palette.gif", "z.png"]


def expected(network: Network, folder: Path) -> np.ndarray[Any, Any]:
    """Embeddings one by one, resized as data sets are."""
    found = []
    for name in NAMES:
        with Image.open(folder / name) as image:
            pixels = np.asarray(image.convert("RGB"))[None]
        found.append(embed(network, resize(Images(pixels, np.zeros(1, np.int64)), TINY.input)))
    return torch.cat(found).numpy()


def test_every_image_in_the_order_of_names_as_the_data_sets_resize(
    network: Network, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "BATCH", 3)
    told: list[tuple[int, int]] = []
    out = tmp_path / "features.npz"
    written = embed_folder(network, folder, out, progress=lambda *x: told.append(x))
    assert (written.images, written.dimensions, written.damaged) == (7, 512, ())
    assert told == [(3, 7), (6, 7), (7, 7)]
    with np.load(out, allow_pickle=False) as found:
        assert found["name"].tolist() == NAMES
        assert found["embedding"].dtype == np.float32
        np.testing.assert_allclose(found["embedding"], expected(network, folder), rtol=1e-3)


def test_normalised_embeddings_have_length_1(
    network: Network, folder: Path, tmp_path: Path
) -> None:
    embed_folder(network, folder, tmp_path / "x.npz", normalise=True)
    plain = expected(network, folder)
    unit = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    with np.load(tmp_path / "x.npz") as found:
        np.testing.assert_allclose(found["embedding"], unit, rtol=1e-3, atol=1e-6)


def test_parquet_holds_the_same(network: Network, folder: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    embed_folder(network, folder, tmp_path / "x.parquet")
    embed_folder(network, folder, tmp_path / "x.npz")
    table = parquet.read_table(tmp_path / "x.parquet")
    with np.load(tmp_path / "x.npz") as found:
        assert table["name"].to_pylist() == found["name"].tolist()
        rows = np.array(table["embedding"].to_pylist(), dtype=np.float32)
        assert np.array_equal(rows, found["embedding"])


def test_without_pyarrow_what_to_install_is_told_first(
    network: Network, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"needs pyarrow: pip install 'osnet-nas\[parquet\]'"):
        embed_folder(network, folder, tmp_path / "x.parquet")


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 12,000 x 8,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 12_000, 8_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def cut() -> bytes:
    """Half of a JPEG."""
    buffer = io.BytesIO()
    draw = np.random.default_rng(0)
    Image.fromarray(draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


def wide() -> bytes:
    """A TIFF whose white nothing tells."""
    buffer = io.BytesIO()
    Image.new("I", (8, 8)).save(buffer, "TIFF")
    return buffer.getvalue()


DAMAGED = {
    "bomb": (bomb(), "claims more than the 89,478,485 pixels"),
    "cut": (cut(), "damaged image: "),
    "empty": (b"", "empty file"),
    "text": (b"hello", "not an image of a known kind"),
    "white": (wide(), "pixels of 32 bits; save it with 8 or 16"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_image_is_one_line_with_its_name(
    network: Network, folder: Path, tmp_path: Path, kind: str
) -> None:
    content, reason = DAMAGED[kind]
    (folder / "b" / "bad.jpg").write_bytes(content)
    out = tmp_path / "x.npz"
    with pytest.raises(UserError, match=rf"/b/bad.jpg: {reason}.*; --skip-damaged leaves") as error:
        embed_folder(network, folder, out)
    assert "\n" not in str(error.value)
    assert not out.exists()
    written = embed_folder(network, folder, out, skip_damaged=True)
    assert written.images == 7
    assert [f"b/bad.jpg: {reason}" in line for line in written.damaged] == [True]
    with np.load(out) as found:
        assert found["name"].tolist() == NAMES
        np.testing.assert_allclose(found["embedding"], expected(network, folder), rtol=1e-3)


def test_folders_without_images_and_of_damaged_ones_are_told(
    network: Network, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no image is under it; image files are"):
        find_images(tmp_path)
    with pytest.raises(UserError, match="nothing is not a folder"):
        find_images(tmp_path / "nothing")
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / ".thumbnails" / "bad.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="no image is under it"):
        find_images(tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"none of 1 images can be read; first, .*bad.jpg: "):
        embed_folder(network, tmp_path, tmp_path / "x.npz", skip_damaged=True)


def test_a_name_that_is_no_text_is_written_with_its_bytes(network: Network, tmp_path: Path) -> None:
    source = os.fsencode(tmp_path) + b"/\xff.png"
    try:
        with open(source, "wb") as file:
            Image.new("RGB", (8, 8)).save(file, "PNG")
    except OSError:
        pytest.skip("this file system takes names of text only")
    embed_folder(network, tmp_path, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as found:
        assert found["name"].tolist() == ["\\xff.png"]
