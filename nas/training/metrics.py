"""What is written of a training while it goes on: a table, and TensorBoard's files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.files import write_atomically

Row = Mapping[str, float]


def write_metrics(path: Path, rows: Sequence[Row]) -> None:
    """A CSV of one row an epoch; columns in the order in which they come up."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _short(value) for name, value in row.items()})
    write_atomically(path, text.getvalue())


def open_tensorboard(folder: Path, step: int) -> Any:
    """A writer of TensorBoard's files from `step` on; None where tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step)


def add_scalars(writer: Any, row: Row) -> None:
    """One row, at its step."""
    for name, value in row.items():
        if name not in ("epoch", "step"):
            writer.add_scalar(name, value, int(row["step"]))
    writer.flush()


def _short(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"
