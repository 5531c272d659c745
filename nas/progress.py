"""How far work is that can be counted, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import parent_process
from typing import Protocol

Tell = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

_hidden = ContextVar("hidden", default=False)


class Told(Protocol):
    """Who is told sentences while work goes on."""

    def notice(self, text: str) -> None: ...


def warn(view: Told, text: str) -> None:
    """Tell what is told though the view is quiet, where it has `warning`; nothing where empty."""
    if text:
        own = getattr(view, "warning", None)
        (own if callable(own) else view.notice)(text)


def untold(done: int, total: int) -> None:
    """For who does not want to know."""


@contextmanager
def hidden() -> Iterator[None]:
    """Within it `counted` shows nothing."""
    before = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(before)


@contextmanager
def counted(what: str, *, lines: bool = False) -> Iterator[Tell]:
    """A function (done, total) that shows how far work is.

    On a terminal it is a bar with the time left; elsewhere nothing, or with `lines` a line for each
    tenth. Workers of a search show nothing, their driver has its own.
    """
    if parent_process() is not None or _hidden.get():
        yield untold
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        named = TextColumn("{task.description}", markup=False)
        columns = (named, BarColumn(), MofNCompleteColumn(), Remaining())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        yield _tenths(what) if lines else untold


def _tenths(what: str) -> Tell:
    shown = 0

    def line(done: int, total: int) -> None:
        nonlocal shown
        if total and 10 * done // total > shown:
            shown = 10 * done // total
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    return line
