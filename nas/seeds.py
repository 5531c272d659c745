"""Seeds derive from names, so that equal things get equal random numbers and others do not."""

from __future__ import annotations

from hashlib import blake2b


def derived_seed(*parts: object) -> int:
    """A seed from 0 to 2**63 - 1 that follows from the parts' text, the same on every machine."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1
