"""Quiet to measure in: the workers of a run pause while one of them measures a latency.

Two files are locked with flock, which a process that dies lets go. Who trains holds the floor, as
others do. Who measures holds the gate and then the floor, alone; at each step, who trains sees that
the gate is shut, leaves the floor, and waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from nas.errors import UserError


class Quiet:
    """One process' part in it. paused: seconds that it waited for others to measure."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paused = 0.0
        self._floor: IO[bytes] | None = None
        self._gate: IO[bytes] | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Within it this process works, and calls `give_way` at each step."""
        with ExitStack() as files:
            self._gate = files.enter_context(open(self.folder / ".gate", "ab"))
            self._floor = files.enter_context(open(self.folder / ".floor", "ab"))
            self._enter()
            yield

    def give_way(self) -> None:
        """Wait where somebody measures."""
        fcntl = _fcntl()
        assert self._gate is not None and self._floor is not None
        try:
            fcntl.flock(self._gate, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(self._gate, fcntl.LOCK_UN)
        except BlockingIOError:
            started = time.monotonic()
            fcntl.flock(self._floor, fcntl.LOCK_UN)
            self._enter()
            self.paused += time.monotonic() - started

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Within it nobody else works. Not within `working`."""
        fcntl = _fcntl()
        with open(self.folder / ".gate", "ab") as gate, open(self.folder / ".floor", "ab") as floor:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(floor, fcntl.LOCK_EX)
            yield

    def _enter(self) -> None:
        """Through the open gate onto the floor."""
        fcntl = _fcntl()
        fcntl.flock(self._gate, fcntl.LOCK_SH)
        fcntl.flock(self._floor, fcntl.LOCK_SH)
        fcntl.flock(self._gate, fcntl.LOCK_UN)


def _fcntl() -> Any:
    try:
        import fcntl
    except ImportError:
        raise UserError(
            "latency_ms as an objective needs a system with flock (not Windows)"
        ) from None
    return fcntl
