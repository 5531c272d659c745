"""Embeddings of a folder of images, as a file."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nas.architecture import Size
from nas.arguments import a_path
from nas.data.decode import FORMATS, decode
from nas.data.listing import files_below
from nas.errors import UserError
from nas.files import check_writable, write_atomically
from nas.models import Network
from nas.progress import Tell, untold
from nas.training.evaluation import NotFinite, batch_size, embed_batch, scoring

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
TABLES = (".npz", ".parquet")
READERS = 4


@dataclass(frozen=True)
class Features:
    """What `embed_folder` wrote: the number of images and of values of each, and what it left out.

    damaged: one line for each file that could not be read.
    """

    images: int
    dimensions: int
    damaged: tuple[str, ...]


def embed_folder(
    checkpoint: Network | str | Path,
    folder: str | Path,
    out: str | Path,
    *,
    normalise: bool = False,
    flip: bool = False,
    skip_damaged: bool = False,
    progress: Tell = untold,
) -> Features:
    """Write the embeddings of all images under a folder, in the order of their names.

    checkpoint: a network, or its file, as `load_trained` takes it. out: .npz with the arrays
    `name`, text (n,), and `embedding`, float32 (n, E), or .parquet with these two columns; names
    are relative to the folder. normalise: to length 1. flip: the mean of the image's and its mirror
    image's. progress: told how many files of how many are done. UserError where there is no image,
    and where one can not be read, unless `skip_damaged`.
    """
    folder, out = a_path("folder", folder), a_path("--out", out)
    _check_out(out)
    names = find_images(folder)
    kept: list[str] = []
    found: list[NDArray[np.float32]] = []
    damaged: list[str] = []
    with scoring(checkpoint) as network:
        for batch, pixels in _batches(folder, names, network.input_size, batch_size(network)):
            bad = [x for x in pixels if isinstance(x, UserError)]
            if bad and not skip_damaged:
                raise UserError(f"{bad[0]}; --skip-damaged leaves out such files")
            damaged += map(str, bad)
            good = [x for x in pixels if not isinstance(x, UserError)]
            if good:
                kept += [
                    n for n, x in zip(batch, pixels, strict=True) if not isinstance(x, UserError)
                ]
                found.append(_embedded(network, np.stack(good), normalise, flip))
            progress(len(kept) + len(damaged), len(names))
    if not kept:
        raise UserError(f"{folder}: none of {len(damaged)} images can be read; first, {damaged[0]}")
    embeddings = np.concatenate(found)
    write = _write_npz if out.suffix == ".npz" else _write_parquet
    write(out, [_printable(name) for name in kept], embeddings)
    return Features(len(kept), embeddings.shape[1], tuple(damaged))


def find_images(folder: Path) -> list[str]:
    """Names of the image files under a folder, relative to it, sorted; what is hidden is left out.

    UserError where there is none.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder")
    found = [
        Path(file).relative_to(folder).as_posix()
        for file in files_below(folder)
        if file.lower().endswith(IMAGES)
    ]
    if not found:
        raise UserError(f"{folder}: no image is under it; image files are *{', *'.join(IMAGES)}")
    return sorted(found)


Read = NDArray[np.uint8] | UserError


def _batches(
    folder: Path, names: list[str], size: Size, count: int
) -> Iterator[tuple[list[str], list[Read]]]:
    """Names, and pixels or what is wrong with the file, one batch in memory at a time."""

    def read(name: str) -> Read:
        try:
            return decode(str(folder / name), size, (*FORMATS, "GIF", "TIFF"))
        except UserError as error:
            return error

    with ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(names), count):
            batch = names[start : start + count]
            with warnings.catch_warnings():  # of odd metadata; what matters is raised
                warnings.simplefilter("ignore")
                found = list(pool.map(read, batch))
            yield batch, found


def _embedded(
    network: Network, pixels: NDArray[np.uint8], normalise: bool, flip: bool
) -> NDArray[np.float32]:
    try:
        found = embed_batch(network, pixels, flip=flip)
    except NotFinite as error:
        raise UserError(str(error)) from None
    return (torch.nn.functional.normalize(found) if normalise else found).cpu().numpy()


def _check_out(out: Path) -> None:
    if out.suffix not in TABLES or not out.parent.is_dir():
        raise UserError(f"--out: {out} is not a {' or '.join(TABLES)} file in a folder that exists")
    check_writable(out)
    if out.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise UserError(
                "--out: .parquet needs pyarrow: pip install 'osnet-nas[parquet]'"
            ) from None


def _printable(name: str) -> str:
    """The name as UTF-8 has it: bytes that are no text are written \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _write_npz(out: Path, names: list[str], embeddings: NDArray[np.float32]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, name=np.array(names), embedding=embeddings)
    write_atomically(out, buffer.getvalue())


def _write_parquet(out: Path, names: list[str], embeddings: NDArray[np.float32]) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    values = pa.array(embeddings.reshape(-1))
    lists = pa.FixedSizeListArray.from_arrays(values, embeddings.shape[1])
    table = pa.table({"name": pa.array(names, pa.string()), "embedding": lists})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    write_atomically(out, buffer.getvalue())
