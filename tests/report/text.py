"""What a terminal of some width shows."""

from typing import Any

from nas.commands.output import make_console


def text_of(drawn: Any, width: int = 80) -> str:
    console = make_console()
    console.width = width
    with console.capture() as capture:
        console.print(drawn)
    return capture.get()
