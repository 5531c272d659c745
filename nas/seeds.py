"""Seeds derive from names, so that equal things get equal random numbers and others do not."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b


def derived_seed(*parts: object) -> int:
    """A seed from 0 to 2**63 - 1 that follows from the parts' text, the same on every machine."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def drawer(*parts: object) -> Callable[[int], int]:
    """`draw(n)`: whole numbers below n, another at each call, that follow from the parts."""
    calls = 0

    def draw(n: int) -> int:
        nonlocal calls
        calls += 1
        return derived_seed(*parts, calls) % n

    return draw
