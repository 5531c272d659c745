"""What a terminal of some width shows."""

from typing import Any

from rich.console import Console


def text_of(drawn: Any, width: int = 80) -> str:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(drawn, highlight=False)
    return capture.get()
