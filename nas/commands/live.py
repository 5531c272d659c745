"""What is told while a long command runs: lines on standard error, or above what is redrawn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from nas.progress import hidden

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress


class Lines:
    """Plain lines. path: the directory that is worked in, once it is there."""

    what: ClassVar[str]
    """What the directory is of."""
    path: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is KeyboardInterrupt and self.path is not None:
            self.notice(f"interrupted: {self.path} is saved; the same command goes on")

    def opened(self, path: Path) -> None:
        self.path = path
        self.notice(f"{self.what} {path}")

    def notice(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def warning(self, text: str) -> None:
        """A notice that is not left out by --quiet."""
        self.notice(text)


class Redrawn(Lines):
    """Lines above something that rich draws at the foot of a terminal while this is entered."""

    def __init__(self, drawn: Live | Progress) -> None:
        self._drawn = drawn

    def __enter__(self) -> Self:
        self._drawn.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._drawn.stop()
        super().__exit__(*error)

    def notice(self, text: str) -> None:
        self._drawn.console.print(text, soft_wrap=True)


class Hushed(Lines):
    """Nothing but warnings, while this is entered; path is known all the same."""

    def __enter__(self) -> Self:
        self._hidden = hidden()
        self._hidden.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._hidden.__exit__(None, None, None)

    def notice(self, text: str) -> None: ...
    def warning(self, text: str) -> None:
        Lines.notice(self, text)
