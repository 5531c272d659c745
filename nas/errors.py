"""The one exception for what a user can mend: bad input, said in one line."""

import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from traceback import walk_tb


class UserError(Exception):
    """What went wrong, where, and what would have been valid, in one line."""


class Faulty(UserError):
    """Code of a user fails. That is a mistake in it, and nothing that can not be built."""


class Unwritable(UserError):
    """A file can not be written. What was being done can be done again once it can."""


class Unavailable(UserError):
    """Where a job was sent to, it can not be done: no fault of the job."""


def meant(given: str, known: Iterable[str]) -> str:
    """The one of those that are known that is nearest to what was given, as the end of a sentence;
    empty where none is near."""
    near = get_close_matches(given, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def brief(given: object) -> str:
    """What was given, for a message: on one line, and the beginning of what is long, as a network
    or a table is."""
    words = re.sub(r"\s*\n\s*", " ", repr(given))  # blanks within a text stay
    return words if len(words) <= 200 else f"{words[:200]}..."


def in_words(error: BaseException) -> str:
    """What code of a user raised, in one line, with the last line of that code: it may be in none.

    KeyError: 'width' (my_block.py, line 12)
    """
    words = f"{type(error).__name__}: {error}".removesuffix(": ")
    return " ".join(words.split()) + where(error)


FULL = ("out of memory", "alloc")
"""What is said where memory is full, by torch, CUDA, cuBLAS or cuDNN, in lower case."""


def first_line(error: BaseException) -> str:
    """Of what it says; its type, where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def is_memory_full(error: BaseException) -> bool:
    """Whether there was no room for what was computed, on a GPU or beside it."""
    names = {own.__name__ for own in type(error).__mro__}
    if names & {"MemoryError", "OutOfMemoryError"}:
        return True
    said = first_line(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in FULL)


def where(error: BaseException) -> str:
    """The last line of code of a user that it came through, as ` (my_block.py, line 12)`; empty
    where there is none."""
    lines = [
        f" ({Path(frame.f_code.co_filename).name}, line {line})"
        for frame, line in walk_tb(error.__traceback__)
        if not _of_a_library(frame.f_globals.get("__name__", ""), frame.f_code.co_filename)
    ]
    return lines[-1] if lines else ""


def _of_a_library(module: str, file: str) -> bool:
    """Or of this toolkit, which may lie anywhere."""
    package = module.partition(".")[0]
    installed = {"site-packages", "dist-packages"} & set(Path(file).parts)
    return package == "nas" or package in sys.stdlib_module_names or bool(installed)
