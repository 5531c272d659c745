"""How the program was called, for the commands that it prints."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
"""The project, where the package is read from it; where it was installed, it has no cli.py."""


def program() -> str:
    """`osnet-nas`, or python with cli.py as it was called; from Python, what there is of them."""
    own = Path(sys.argv[0])
    if own.name == "cli.py":
        return shlex.join(["python", str(own)])
    in_project = own.stem != "osnet-nas" and (PROJECT / "pyproject.toml").is_file()
    return "python cli.py" if in_project else "osnet-nas"


def typed(path: Path) -> str:
    """A path as it can be typed: one that begins with a dash is no option."""
    return f"./{path}" if str(path).startswith("-") else str(path)
