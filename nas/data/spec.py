"""Names of data sets: `synthetic:ids=600,size=128x64`, `market1501:PATH`, several joined with `+`,
or one to train on and another to be scored on, `msmt17:PATH -> market1501:PATH`.

A spec is the name of a source and, after a colon, what it takes. To add a source, add a row to
SOURCES, as `register_data` does: everything that names, checks or loads data sets goes by them.
Nothing heavy is imported before a data set is asked for: help texts are made from the table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nas.arguments import several, whole
from nas.data.layouts import LAYOUTS, Count, Layout
from nas.errors import UserError, brief, meant

if TYPE_CHECKING:
    from nas.data.dataset import Dataset, Task
    from nas.data.listing import Listing, Report


ARROW = "->"


@dataclass(frozen=True)
class Source:
    """A kind of data set; the functions take what follows the colon, "" for nothing.

    usage: how its specs are written. check: raises UserError for what loading would refuse at
    once, without reading any data. One of two ways to read it: `load` gives the data set in
    memory, `listing` the files that it is made of. published: counts of the splits, one mapping
    for each variant. own_ids: train and test number their identities separately.
    """

    usage: str
    task: Task
    check: Callable[[str], object]
    load: Callable[[str], Dataset] | None = None
    listing: Callable[[str, Report], Listing] | None = None
    published: tuple[Mapping[str, Count], ...] = ()
    own_ids: bool = False


def _path(text: str) -> Path:
    try:
        path = Path(text).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):  # said later, with what is missing
            path.stat()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"data: {text[:80]!r} is no path: {reason}") from None
    return path


def _check_synthetic(text: str) -> None:
    from nas.data.synthetic_options import synthetic_options

    synthetic_options(text)


def _load_synthetic(text: str) -> Dataset:
    from nas.data.synthetic import synthetic
    from nas.data.synthetic_options import synthetic_options

    return synthetic(**synthetic_options(text))


def _fashion_folder(text: str) -> Path:
    from nas.data.fashion_mnist import FOLDER

    return _path(text) if text else FOLDER


def _check_fashion_mnist(text: str) -> None:
    from nas.data.fashion_mnist import check_folder

    folder = _fashion_folder(text)
    if text and not folder.is_dir():
        raise UserError(f"data fashion-mnist: no folder {folder}; name one with the four IDX files")
    check_folder(folder)


def _load_fashion_mnist(text: str) -> Dataset:
    from nas.data.fashion_mnist import fashion_mnist

    return fashion_mnist(_fashion_folder(text))


def _check_cifar(name: str, text: str) -> None:
    from nas.data.cifar import find_cifar

    find_cifar(name, _path(text))


def _load_cifar(name: str, text: str) -> Dataset:
    from nas.data.cifar import cifar

    return cifar(name, _path(text))


def _cifar(name: str, classes: int) -> Source:
    return Source(
        f"{name}:PATH",
        "classification",
        partial(_check_cifar, name),
        load=partial(_load_cifar, name),
        published=({"train": (50_000, classes), "test": (10_000, classes)},),
    )


def _check_folder(text: str) -> None:
    from nas.data.class_folders import check_class_folders

    check_class_folders(_path(text))


def _list_folder(text: str, report: Report) -> Listing:
    from nas.data.class_folders import list_class_folders

    return list_class_folders(_path(text), report)


def _check_csv(task: Task, text: str) -> None:
    from nas.data.csv_lists import check_csv

    check_csv(task, _path(text))


def _list_csv(name: str, task: Task, text: str, report: Report) -> Listing:
    from nas.data.csv_lists import list_csv

    return list_csv(name, task, _path(text), report)


def _csv(name: str, task: Task) -> Source:
    return Source(
        f"{name}:PATH", task, partial(_check_csv, task), listing=partial(_list_csv, name, task)
    )


def _check_layout(name: str, layout: Layout, text: str) -> None:
    from nas.data.reid import check_folders

    check_folders(name, layout, _path(text))


def _list_layout(name: str, layout: Layout, text: str, report: Report) -> Listing:
    from nas.data.reid import list_reid

    return list_reid(name, layout, _path(text), report)


def _layout(name: str, layout: Layout) -> Source:
    return Source(
        f"{name}:PATH",
        "reid",
        partial(_check_layout, name, layout),
        listing=partial(_list_layout, name, layout),
        published=layout.published,
        own_ids=layout.own_ids,
    )


SOURCES: dict[str, Source] = {
    "synthetic": Source("synthetic[:ids=N,...]", "reid", _check_synthetic, load=_load_synthetic),
    "fashion-mnist": Source(
        "fashion-mnist[:PATH]",
        "classification",
        _check_fashion_mnist,
        load=_load_fashion_mnist,
        published=({"train": (60_000, 10), "test": (10_000, 10)},),
    ),
    "cifar10": _cifar("cifar10", 10),
    "cifar100": _cifar("cifar100", 100),
    "folder": Source("folder:PATH", "classification", _check_folder, listing=_list_folder),
    "class-csv": _csv("class-csv", "classification"),
    **{name: _layout(name, layout) for name, layout in LAYOUTS.items()},
    "reid-csv": _csv("reid-csv", "reid"),
}


def usages() -> str:
    """How every spec is written, in one line."""
    own = ", ".join(source.usage for source in SOURCES.values())
    return f"{own}; several joined with +; 'A {ARROW} B' trains on A and is scored on B"


def sides(spec: str) -> list[str]:
    """The spec of what is trained on and, where an arrow follows, of what is scored on."""
    if not isinstance(spec, str):
        raise UserError(
            f"data {brief(spec)} is not a text, as {usages()}; "
            "nas.register_data gives a name to others"
        )
    found = _cut(spec, ARROW)
    if len(found) > 2:
        raise UserError(f"data {spec!r}: {ARROW} is there more than once")
    if spec.rstrip().endswith(ARROW):
        raise UserError(f"data {spec!r}: nothing after {ARROW}")
    return found


def _cut(spec: str, mark: str) -> list[str]:
    """What the marks separate; a mark that no name of a source follows is part of a path."""
    names = "|".join(re.escape(name) for name in sorted(SOURCES, key=len, reverse=True))
    return re.split(rf"{re.escape(mark)}(?=\s*(?:{names})(?:[:+\s]|$))", spec)


def parts_of(spec: str) -> list[tuple[str, Source, str]]:
    """(spec, source, what follows the colon) of each data set that a spec names.

    Raises UserError where one is unknown or without what it takes, is there twice, or is for
    another task.
    """
    found = []
    for text in [part for side in sides(spec) for part in _cut(side, "+")]:
        name, colon, rest = (piece.strip() for piece in text.partition(":"))
        if name not in SOURCES:
            hint = meant(name, SOURCES) or "; that of a plug-in needs --plugin"
            raise UserError(
                f"data {spec!r}: {name!r} is not a data set; valid are {usages()}{hint}"
            )
        source = SOURCES[name]
        if not rest and (colon or "[" not in source.usage):
            what = "after the colon" if colon else "after the name"
            raise UserError(f"data {spec!r}: nothing {what}; write {source.usage}")
        _refuse_misspelt(spec, rest)
        found.append((text.strip(), source, rest))
    texts, tasks = [text for text, _, _ in found], [source.task for _, source, _ in found]
    alone = len(found) == 1  # a plug-in's text may be none that a path can be
    if not alone and len({(s.usage, _where(rest)) for _, s, rest in found}) < len(found):
        raise UserError(f"data {spec!r}: a data set is there twice")
    if len(set(tasks)) > 1:
        words = ", ".join(f"{text} is for {task}" for text, task in zip(texts, tasks, strict=True))
        raise UserError(f"data {spec!r}: only sets for one task go together; {words}")
    return found


def _refuse_misspelt(spec: str, rest: str) -> None:
    """Raise UserError where a path that is not there ends in a mark and no data set's name: as
    `a+marked:b` does, but not the URL `postgresql+driver://b`."""
    other = re.search(rf"(?:{ARROW}|\+)\s*([\w-]+)\s*:(?!//)", rest)
    if other and not _path(rest).exists():
        name = other[1]
        raise UserError(f"data {spec!r}: {name!r} is not a data set{meant(name, SOURCES)}")


def _where(rest: str) -> str:
    """What tells what follows a colon apart from another: a path, however it is written."""
    return str(_path(rest).resolve()) if "=" not in rest else rest


def written(spec: str) -> str:
    """The spec in the one way that equal ones are written: spaces, and how a path ends, are no
    difference. One that can not be read is itself."""
    try:
        parts = [[(text, rest) for text, _, rest in parts_of(side)] for side in sides(spec)]
    except UserError:
        return spec
    own = [[_plain(text, rest) for text, rest in side] for side in parts]
    return f" {ARROW} ".join("+".join(side) for side in own)


def _plain(text: str, rest: str) -> str:
    name = text.partition(":")[0].strip()
    return f"{name}:{rest if '=' in rest else Path(rest)}" if rest else name


def task_of(spec: str) -> Task:
    """What the data set that a spec names is for; UserError as `parts_of`."""
    return parts_of(spec)[0][1].task


def check_spec(spec: str) -> None:
    """Raise UserError unless the spec names a data set that can be loaded; loads nothing."""
    for _, source, rest in parts_of(spec):
        source.check(rest)


def load_dataset(
    spec: str, size: tuple[int, int] | None = None, *, cache: bool = True, train: bool = True
) -> Dataset:
    """Load the data set that a spec names.

    size: (height, width) in pixels that all images are brought to; by default their own, or what
    the layout of the files names. Files are decoded into the cache when the first image of their
    split is asked for; cache=False decodes single images whenever they are, to look at a few.
    train=False takes a re-identification set without a train split too, to evaluate on, as what
    stands after an arrow may be without. Raises UserError as `check_spec` does, for another size,
    or on damage.
    """
    from nas.data.join import scored_on

    if size is not None:
        size = _pixels(size)
    check_spec(spec)
    trained, *scored = sides(spec)
    dataset = _load_joined(trained, size, cache, train)
    if scored:
        other = _load_joined(scored[0], dataset.train.size, cache, train=False)
        return scored_on(dataset, other, spec)
    return dataset


def _load_joined(spec: str, size: tuple[int, int] | None, cache: bool, train: bool) -> Dataset:
    from nas.data.join import join

    parts, loaded = parts_of(spec), []
    for _, source, rest in parts:
        loaded.append(_load(source, rest, size, cache, train))
        size = loaded[0].train.size
    return loaded[0] if len(loaded) == 1 else join(loaded, [text for text, _, _ in parts])


def _pixels(size: object) -> tuple[int, int]:
    found = several(size)
    if len(found) != 2:
        raise UserError(f"size {size!r} is not (height, width) in pixels")
    return whole("size, height", found[0], 1), whole("size, width", found[1], 1)


def fingerprint(spec: str) -> str | None:
    """What tells the files of a data set apart from others; as `nas.data.listing.fingerprint`, and
    of the one file that a plug-in reads, its size.

    "" where it is not made of files; None where they are not here, or can not be read.
    """
    from nas.data.listing import fingerprint, refuse, refuse_but_train

    found = []
    try:
        for side, report in zip(sides(spec), (refuse, refuse_but_train), strict=False):
            for _, source, rest in parts_of(side):
                if source.listing:
                    found.append(fingerprint(source.listing(rest, report)))
                elif os.path.isfile(rest):
                    found.append(f"{os.path.getsize(rest)} bytes")
    except (UserError, OSError):
        return None
    return "+".join(found)


def prepare_dataset(spec: str, size: tuple[int, int], *, tested: bool = False) -> None:
    """Decode the training files of a spec into the cache, so that every process finds them there.

    tested: of what is trained on alone, as no train split is scored on. Does nothing for data sets
    without files of images. Raises UserError as `load_dataset`, and where a file is damaged.
    """
    for _, source, rest in parts_of(sides(spec)[0] if tested else spec):
        if source.listing is not None:
            _load(source, rest, size, cache=True).train.prepare()


def _load(
    source: Source, rest: str, size: tuple[int, int] | None, cache: bool, train: bool = True
) -> Dataset:
    from nas.data.dataset import resize
    from nas.data.listing import refuse, refuse_but_train, to_dataset

    if source.listing is not None:
        report = refuse if train else refuse_but_train
        return to_dataset(source.listing(rest, report), size, cache=cache)
    assert source.load is not None
    dataset = source.load(rest)
    if train and not len(dataset.train):
        raise UserError(f"data {dataset.name}: it has no images to train on")
    if size is None:
        return dataset
    return dataset.mapped(lambda images: resize(images, size))
