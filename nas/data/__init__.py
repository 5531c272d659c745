"""Data sets: loading them by name, the synthetic generator, splits, checks, previews.

Names are loaded when they are first used: the table of sources needs no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.data.check import Checked, Finding, check_dataset
    from nas.data.dataset import Dataset, Images, Task, digest, relabel, resize
    from nas.data.preview import contact_sheet
    from nas.data.spec import (
        check_spec,
        fingerprint,
        load_dataset,
        prepare_dataset,
        task_of,
        written,
    )
    from nas.data.split import Held, check_matches, choose_queries, hold_out, hold_out_to_score

_HOME = {
    "Checked": "check",
    "Dataset": "dataset",
    "Finding": "check",
    "Held": "split",
    "Images": "dataset",
    "Task": "dataset",
    "check_dataset": "check",
    "check_matches": "split",
    "check_spec": "spec",
    "choose_queries": "split",
    "contact_sheet": "preview",
    "digest": "dataset",
    "fingerprint": "spec",
    "hold_out": "split",
    "hold_out_to_score": "split",
    "load_dataset": "spec",
    "prepare_dataset": "spec",
    "relabel": "dataset",
    "resize": "dataset",
    "task_of": "spec",
    "written": "spec",
}
__all__ = [
    "Checked",
    "Dataset",
    "Finding",
    "Held",
    "Images",
    "Task",
    "check_dataset",
    "check_matches",
    "check_spec",
    "choose_queries",
    "contact_sheet",
    "digest",
    "fingerprint",
    "hold_out",
    "hold_out_to_score",
    "load_dataset",
    "prepare_dataset",
    "relabel",
    "resize",
    "task_of",
    "written",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"nas.data.{_HOME[name]}"), name)
    raise AttributeError(f"module 'nas.data' has no attribute {name!r}")
