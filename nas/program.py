"""How the program was called, for the commands that it prints."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def program() -> str:
    """`osnet-nas`, or python with cli.py as it was called; from Python, in the project."""
    own = Path(sys.argv[0])
    if own.stem == "osnet-nas":
        return "osnet-nas"
    return shlex.join(["python", str(own) if own.name == "cli.py" else "cli.py"])
