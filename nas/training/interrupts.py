"""Ctrl-C, and SIGTERM, that wait until a step is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM)
"""What ends a process in order: Ctrl-C, and what queues send."""


@contextmanager
def interrupts(*, once: bool = False) -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C or SIGTERM only make the function that is given true: a step is done or not
    begun. An exception could be raised anywhere, and is lost where Python can raise none, as in the
    callback of a weak reference.

    One that is ignored, as Ctrl-C by what a script runs in the background, stays so. once: a second
    one raises KeyboardInterrupt at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came = threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        if once and came.is_set():
            raise KeyboardInterrupt
        came.set()

    heard = [own for own in ENDING if signal.getsignal(own) != signal.SIG_IGN]
    before = [signal.signal(own, hear) for own in heard]
    try:
        yield came.is_set
    finally:
        for own, handler in zip(heard, before, strict=True):
            signal.signal(own, handler or signal.SIG_DFL)
