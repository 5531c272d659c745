"""Data sets of users' plug-ins: a function that gives one, by a name that specs take then."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nas.data.spec import SOURCES, Source
from nas.errors import UserError, in_words
from nas.plugins import check_function, check_name

if TYPE_CHECKING:
    from nas.data.dataset import Dataset, Task

    Load = Callable[[str], Dataset]

DATA: dict[str, Load] = {}


def register_data(name: str, task: Task, *, takes: str = "") -> Callable[[Load], Load]:
    """Decorator of a function that gives a `Dataset` for that task: of what follows the colon in
    `name:TEXT`, or of "" where nothing does.

    takes: what a message calls that text, as FILE, where there has to be one. The function runs in
    every process that trains, and has to give the same each time. Images of any size are brought to
    the size that a network takes.
    """
    check_name("data", name)
    if not re.fullmatch(r"[A-Za-z][\w-]*", name):
        raise UserError(f"data {name!r}: a name is letters, digits and -, and a letter first")
    if task not in ("reid", "classification"):
        raise UserError(f"data {name!r}: task {task!r} is neither reid nor classification")

    def add(load: Load) -> Load:
        check_function("data", name, load, {**SOURCES, **DATA})
        DATA[name] = load
        usage = f"{name}:{takes}" if takes else f"{name}[:TEXT]"
        SOURCES[name] = Source(usage, task, _nothing, load=partial(_load, name, task, load))
        return load

    return add


def _nothing(text: str) -> None:
    """What can be checked is not known before it is loaded."""


def _load(name: str, task: Task, load: Load, text: str) -> Dataset:
    from nas.data.dataset import Dataset

    try:
        found = load(text)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"data {name}: {in_words(error)}") from error
    if not isinstance(found, Dataset) or found.task != task:
        raise UserError(f"data {name}: its function did not give a nas.data.Dataset for {task}")
    known = np.unique(found.train.labels)
    if not np.array_equal(known, np.arange(len(known))):
        raise UserError(
            f"data {name}: labels of train are 0 to {len(known) - 1} for {len(known)} of them; "
            "nas.data.relabel makes them so"
        )
    if fault := _fault(found, len(known)):
        raise UserError(f"data {name}: {fault}")
    if task == "reid" or found.classes:
        return found
    return replace(found, classes=tuple(map(str, range(len(known)))))  # by which sets are joined


def _fault(found: Dataset, classes: int) -> str | None:
    """What training or scoring would fail by, without a word of where it comes from."""
    for name in ("query", "gallery") if found.task == "reid" else ("test",):
        if not len(getattr(found, name)):
            return f"{name} has no images"
    if found.task == "reid":
        for name, own in found.splits.items():
            if own.cameras is None:
                return f"{name} has no cameras"
        if (found.splits["query"].labels == 0).any():
            return "identity 0 is that of distractors, which are in the gallery alone, not in query"
        return None
    if not classes:  # it can be scored on alone
        return None
    if found.classes and len(found.classes) != classes:
        return f"{len(found.classes)} names of classes for {classes} of them in train"
    if not np.isin(found.splits["test"].labels, np.arange(classes)).all():
        return f"labels of test are not all those of train, 0 to {classes - 1}"
    return None
