"""Reading a pickle of dicts, lists, numbers, texts and uint8 arrays, and of nothing else.

A pickle can name any function to be called. This reader looks up no name: the three that an array
is made of stand for two small classes here, and any other is refused. So no code of the file, of
numpy or of anything else is run.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.errors import UserError

_MAX_BYTES = 1 << 30


class _Dtype:
    """What is said of an array's type; only plain uint8 is taken."""

    def __init__(self, *arguments: Any) -> None:
        self.code = arguments[0] if arguments else None

    def __setstate__(self, state: Any) -> None:
        """Byte order and such, which uint8 does not have."""


class _Array:
    """An array's shape and bytes, as its state says: (version, shape, type, by columns, bytes)."""

    pixels: NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, raw = state
        if not isinstance(kind, _Dtype) or kind.code not in ("u1", "|u1"):
            raise pickle.UnpicklingError("an array that is not of uint8")
        if isinstance(raw, str):  # bytes of Python 2 are read as text of Latin 1
            raw = raw.encode("latin-1")
        values = np.frombuffer(raw, dtype=np.uint8)
        self.pixels = values.reshape(shape, order="F" if by_columns else "C")


def _reconstruct(*arguments: Any) -> _Array:
    return _Array()


_ADMITTED = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _Plain(pickle._Unpickler):
    """Python's own, for the one in C allocates whatever memory a few bytes of a file ask for."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it asks for an object from elsewhere")


def read_plain_pickle(path: Path) -> dict[str, Any]:
    """Read a dict from a pickle of Python 2 or 3; arrays are uint8, texts are str.

    Raises UserError that names the file where it is damaged or holds anything else.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"{path}: larger than any file of this kind")
        found = _Plain(io.BytesIO(path.read_bytes()), encoding="latin-1").load()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UserError:
        raise
    except Exception as error:  # a damaged pickle fails in whatever way its bytes say
        reason = str(error).strip() or type(error).__name__
        raise UserError(f"{path}: refused, not a plain pickle: {reason}") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: refused, not a plain pickle: it holds no dict")
    return {
        str(name): value.pixels if isinstance(value, _Array) else value
        for name, value in found.items()
    }
