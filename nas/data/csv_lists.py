"""Data sets that a CSV file lists: a row an image, with its path, its split and what it shows."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from nas.data.class_folders import SIZE as CLASS_SIZE
from nas.data.dataset import Task
from nas.data.layouts import LAYOUTS
from nas.data.listing import Listing, Report, Split
from nas.data.reid import DISTRACTOR, JUNK
from nas.errors import UserError

COLUMNS: dict[Task, tuple[str, ...]] = {
    "reid": ("path", "split", "identity", "camera"),
    "classification": ("path", "split", "class"),
}
SPLITS: dict[Task, tuple[str, ...]] = {
    "reid": ("train", "query", "gallery"),
    "classification": ("train", "test"),
}
Row = tuple[str, ...]
"""Path, and the columns after split."""


def check_csv(task: Task, file: Path) -> None:
    """Raise UserError unless there is a CSV file with the columns of the task; reads no rows."""
    next(_lines(task, file), None)


def list_csv(name: str, task: Task, file: Path, report: Report) -> Listing:
    """List the images of a CSV file. What is wrong goes to `report`.

    Paths are below the file's folder. Identities, cameras and classes are any texts: numbered from
    1, classes from 0, in their order; a gallery image without identity is a distractor.
    """
    rows = _rows(task, file, report)
    splits: dict[str, Split] = {}
    every = [row for own in rows.values() for row in own]
    identities = _numbers((row[1] for row in every if row[1]), 1) | {"": DISTRACTOR}
    cameras = _numbers((row[-1] for row in every), 1)
    classes = _numbers((row[1] for row in rows["train"]), 0)
    for split, own in rows.items():
        if not own:
            kind = "train" if split == "train" and task == "reid" else "folder"
            report(kind, f"{file}: no images of {split}")
            continue
        labels = [(classes if task == "classification" else identities)[row[1]] for row in own]
        seen = [cameras[row[-1]] for row in own] if task == "reid" else None
        splits[split] = Split(
            tuple(row[0] for row in own),
            np.array(labels, np.int64),
            None if seen is None else np.array(seen, np.int64),
        )
    size = LAYOUTS["reid-folder"].size if task == "reid" else CLASS_SIZE
    named = tuple(classes) if task == "classification" else ()
    return Listing(name, task, file.parent, splits, size, f"as {file} lists it", named)


def _numbers(names: Iterable[str], first: int) -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted(set(names)), first)}


def _rows(task: Task, file: Path, report: Report) -> dict[str, list[Row]]:
    """By split, the rows that hold, sorted by path."""
    found: dict[str, dict[str, Row]] = {split: {} for split in SPLITS[task]}
    for line, (path, split, *shown) in _lines(task, file):
        problem, file_of = "", os.path.normpath(file.parent / path)
        if not path or "\0" in path:
            problem = "no path"
        elif split not in found:
            problem = f"split {split!r} is not one of {', '.join(found)}"
        elif file_of in found[split]:
            problem = f"{path} is listed already"
        elif shown[0] == str(JUNK) and task == "reid":
            continue
        else:
            named = dict(zip(COLUMNS[task][2:], shown, strict=True))
            empty = [column for column, value in named.items() if not value]
            if empty and (split, empty) != ("gallery", ["identity"]):
                problem = f"no {empty[0]} for {path}"
        if problem:
            report("name", f"{file}:{line}: {problem}")
        else:
            found[split][file_of] = (file_of, *shown)
    if task == "classification":
        classes = {row[1] for row in found["train"].values()}
        for path, row in list(found["test"].items()):
            if row[1] not in classes:
                report("class", f"{row[0]}: class {row[1]!r} is not one of train")
                del found["test"][path]
    return {split: [own for _, own in sorted(rows.items())] for split, rows in found.items()}


def _lines(task: Task, file: Path) -> Iterator[tuple[int, list[str]]]:
    """(number of the line, the task's columns) of each row."""
    wanted = COLUMNS[task]
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, skipinitialspace=True)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            missing = [name for name in wanted if name not in reader.fieldnames]
            if missing:
                first = ",".join(reader.fieldnames)[:80]
                raise UserError(
                    f"{file}: no column {missing[0]}: the first line has to name "
                    f"{','.join(wanted)}, and is {first!r}"
                )
            for row in reader:
                yield reader.line_num, [(row[name] or "").strip() for name in wanted]
    except IsADirectoryError:
        lists = ", ".join(sorted(own.name for own in file.glob("*.csv"))[:3])
        inside = f", as {lists} in it" if lists else ""
        raise UserError(f"{file} is a directory; give the CSV file{inside}") from None
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not a table in CSV ({error})") from None
