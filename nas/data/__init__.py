"""Data sets: loading them by name, the synthetic generator, splits, previews."""

from nas.data.dataset import Dataset, Images, Task, digest, relabel, resize
from nas.data.preview import contact_sheet
from nas.data.spec import check_spec, load_dataset
from nas.data.split import Held, choose_queries, hold_out

__all__ = [
    "Dataset",
    "Held",
    "Images",
    "Task",
    "check_spec",
    "choose_queries",
    "contact_sheet",
    "digest",
    "hold_out",
    "load_dataset",
    "relabel",
    "resize",
]
