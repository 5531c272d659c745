"""The palettes. They are short, so that a histogram of colours does not tell identities apart."""

import numpy as np
from numpy.typing import NDArray

from nas.data.random_bits import Counter, integers

Colours = NDArray[np.int64]


def _palette(*colours: str) -> Colours:
    return np.array([list(bytes.fromhex(colour)) for colour in colours], dtype=np.int64)


SKIN = _palette("e8bfa0", "d2a17c", "a8744f", "6b4630")
HAIR = _palette("1c1815", "6a4224", "d8b46a", "a4a4a6", "a04420")
CLOTHES = _palette(
    "1e1e22",
    "e4e4de",
    "84868a",
    "24305e",
    "a82832",
    "2c7044",
    "4478be",
    "c8ae86",
    "68442a",
    "d8b040",
)
TROUSERS = _palette("1c1c20", "262f52", "7c7e82", "bca684", "5a4030", "4a6690")
ACCENTS = _palette("ecece6", "141418", "c83034", "e0bc3c", "34944c", "3460c0", "d47830", "b04888")
LEATHER = _palette("d8d4cc", "16161a", "6e4428", "8e2c30", "2c4474", "80868a", "a88858")
OCCLUDERS = _palette("50565c", "8c4a34", "3c5a46", "a8a498", "2a2c30", "7a6a40")

_APART = 120
"""Sum of differences over the channels from which on a colour stands out from another."""


def choose_apart(
    palette: Colours,
    background: Colours,
    step: NDArray[np.int64],
    seed: int,
    *counters: Counter,
) -> Colours:
    """Choose colours of `palette` that stand out from the `background` colours (n, 3).

    step: (n,). Rows with the same background and counters get the same colour where their steps
    are equal, and different ones where they differ by less than the number that stand out.
    Returns (n, 3).
    """
    distance = np.abs(palette[None] - background[:, None]).sum(2)
    allowed = distance >= _APART
    first = np.argsort(~allowed, axis=1, kind="stable")
    count = np.maximum(allowed.sum(1), 1)
    start = integers(0, 1 << 20, seed, *counters)
    index = np.take_along_axis(first, ((start + step) % count)[:, None], 1)[:, 0]
    return palette[index]
