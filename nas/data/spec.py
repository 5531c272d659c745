"""Names of data sets: `synthetic:ids=400,size=128x64`, `fashion-mnist`, `fashion-mnist:FOLDER`.

A spec is the name of a source and, after a colon, what it takes. To add a source, add a row to
SOURCES: everything that names, checks or loads data sets goes through that table.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from nas.data.dataset import Dataset
from nas.data.fashion_mnist import FOLDER, check_folder, fashion_mnist
from nas.data.synthetic import synthetic
from nas.errors import UserError

_MAX_BYTES = 16 << 30


@dataclass(frozen=True)
class Source:
    """A kind of data set. `check` and `load` take what follows the colon, "" for nothing.

    usage: how its specs are written. check: raises UserError for what `load` would refuse, without
    reading any data.
    """

    usage: str
    check: Callable[[str], None]
    load: Callable[[str], Dataset]


class SyntheticOptions(TypedDict, total=False):
    """Options of the synthetic data set; size is (height, width) in pixels."""

    ids: int
    size: tuple[int, int]
    seed: int


def _whole(option: str, text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or not low <= int(text) <= high:
        raise UserError(f"data synthetic: {option}={text!r} is not a whole number {low}..{high}")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) != 2:
        raise UserError(f"data synthetic: size={text!r} is not HEIGHTxWIDTH, such as 128x64")
    return _whole("size, height", parts[0], 16, 512), _whole("size, width", parts[1], 8, 512)


def synthetic_options(text: str) -> SyntheticOptions:
    """Parse `ids=400,size=64x32,seed=1`, any of them in any order; "" is all defaults."""
    options: SyntheticOptions = {}
    for part in text.split(",") if text else ():
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in ("ids", "size", "seed") or not equals:
            raise UserError(
                f"data synthetic: {part!r} is not one of ids=NUMBER, size=HEIGHTxWIDTH, seed=NUMBER"
            )
        if name in options:
            raise UserError(f"data synthetic: {name} is given twice")
        if name == "ids":
            options["ids"] = _whole("ids", value, 10, 10_000)
        elif name == "size":
            options["size"] = _size(value)
        else:
            options["seed"] = _whole("seed", value, 0, (1 << 63) - 1)
    height, width = options.get("size", (64, 32))
    needed = options.get("ids", 400) * 12 * height * width * 3
    if needed > _MAX_BYTES:
        raise UserError(
            f"data synthetic: {text!r} takes {needed / (1 << 30):.0f} GiB of memory, "
            f"at most {_MAX_BYTES >> 30} GiB is allowed; ask for fewer ids or a smaller size"
        )
    return options


def _check_synthetic(text: str) -> None:
    synthetic_options(text)


def _load_synthetic(text: str) -> Dataset:
    return synthetic(**synthetic_options(text))


def _fashion_folder(text: str) -> Path:
    return Path(text).expanduser() if text else FOLDER


def _check_fashion_mnist(text: str) -> None:
    folder = _fashion_folder(text)
    if text and not folder.is_dir():
        raise UserError(f"data fashion-mnist: no folder {folder}; name one with the four IDX files")
    check_folder(folder)


def _load_fashion_mnist(text: str) -> Dataset:
    return fashion_mnist(_fashion_folder(text))


SOURCES: dict[str, Source] = {
    "synthetic": Source("synthetic[:ids=400,size=64x32,seed=1]", _check_synthetic, _load_synthetic),
    "fashion-mnist": Source("fashion-mnist[:FOLDER]", _check_fashion_mnist, _load_fashion_mnist),
}


def _source(spec: str) -> tuple[Source, str]:
    name, colon, rest = spec.strip().partition(":")
    if name not in SOURCES:
        usages = ", ".join(source.usage for source in SOURCES.values())
        raise UserError(f"data {spec!r}: {name!r} is not a data set; valid are {usages}")
    if colon and not rest:
        raise UserError(f"data {spec!r}: nothing after the colon; write {SOURCES[name].usage}")
    return SOURCES[name], rest


def check_spec(spec: str) -> None:
    """Raise UserError unless the spec names a data set that can be loaded; loads nothing."""
    source, rest = _source(spec)
    source.check(rest)


def load_dataset(spec: str) -> Dataset:
    """Load the data set that a spec names. Raises UserError as `check_spec` does, or on damage."""
    source, rest = _source(spec)
    source.check(rest)
    return source.load(rest)
