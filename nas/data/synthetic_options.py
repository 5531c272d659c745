"""Options of the synthetic data set, as they are written in a spec: `ids=600,size=64x32,seed=1`."""

import re
from typing import TypedDict

from nas.errors import UserError

_MAX_BYTES = 16 << 30


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
    """Parse `ids=600,size=64x32,seed=1`, any of them in any order; "" is all defaults."""
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
    needed = options.get("ids", 600) * 12 * height * width * 3
    if needed > _MAX_BYTES:
        raise UserError(
            f"data synthetic: {text!r} takes {needed / (1 << 30):.0f} GiB of memory, "
            f"at most {_MAX_BYTES >> 30} GiB is allowed; ask for fewer ids or a smaller size"
        )
    return options
