"""Ctrl-C, and SIGTERM, that wait until a step is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C or SIGTERM only make the function that is given true: a step is done or not
    begun."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came = threading.Event()
    both = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(own, lambda number, frame: came.set()) for own in both]
    try:
        yield came.is_set
    finally:
        for own, handler in zip(both, before, strict=True):
            signal.signal(own, handler or signal.SIG_DFL)
