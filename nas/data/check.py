"""Whether a data set is what it should be: every file opened, every count compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np

from nas.data.counts import Labelled, SplitCount, count_splits, shared, unmatched
from nas.data.dataset import Dataset, Task
from nas.data.decode import fingerprint, over_files, pixel_fingerprint
from nas.data.listing import Listing
from nas.data.spec import Source, parts_of, sides
from nas.errors import UserError

Names: TypeAlias = tuple[str, ...]

_CHUNK = 1024


@dataclass(frozen=True)
class Finding:
    """Something that is wrong. kind: folder, train (there is none: it can be evaluated only), name,
    image, camera, identity, class, duplicate or count. message: one line that names the file,
    identity or class."""

    kind: str
    message: str


@dataclass(frozen=True)
class Checked:
    """The outcome of a check; `ok` where nothing was found."""

    data: str
    splits: tuple[SplitCount, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"ok": self.ok, **asdict(self)}


@dataclass
class _Check:
    """A check under way. data: the spec of what is looked at; scored_only: whether it may have no
    train split. train, test: what was decoded there, by fingerprint, and where it is."""

    data: str = ""
    scored_only: bool = False
    splits: list[SplitCount] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    train: dict[bytes, str] = field(default_factory=dict)
    test: list[tuple[bytes, str]] = field(default_factory=list)

    def report(self, kind: str, message: str) -> None:
        if not (self.scored_only and kind == "train"):
            self.findings.append(Finding(kind, message))

    def saw(self, split: str, mark: bytes, where: str) -> None:
        if split == "train":
            self.train.setdefault(mark, where)
        else:
            self.test.append((mark, where))


def check_dataset(spec: str) -> Checked:
    """Check every image of a data set, and its counts against the published ones.

    Found are: folders and lists that are missing, names that do not parse, images that can not be
    decoded, cameras out of range, identities that no other camera saw, classes without images,
    images that are in train and test (decoded pixels are compared), and counts that differ from
    the published ones. Raises UserError where the spec names no data set at all.
    """
    check = _Check()
    trained = len(parts_of(sides(spec)[0]))
    for number, (text, source, rest) in enumerate(parts_of(spec)):
        check.data, check.scored_only = text, number >= trained
        if "PATH" not in source.usage:
            source.check(rest)  # nothing but what was asked for can be wrong
        try:
            if source.listing is not None:
                listing = source.listing(rest, check.report)
                _files(check, listing)
                _labels(check, source, listing.task, dict(listing.splits), listing.classes)
            else:
                assert source.load is not None
                dataset = source.load(rest)
                _arrays(check, dataset)
                _labels(check, source, dataset.task, dataset.splits, dataset.classes)
        except UserError as error:
            check.report("folder", str(error))
    for mark, where in check.test:
        if mark in check.train:
            check.report("duplicate", f"{where}: the same pixels as {check.train[mark]} of train")
    return Checked(spec, tuple(check.splits), tuple(check.findings))


def _files(check: _Check, listing: Listing) -> None:
    def attempt(path: str) -> bytes | UserError:
        try:
            return fingerprint(path)
        except UserError as error:
            return error

    for name, split in listing.splits.items():
        text = f"checking {listing.name} {name}"
        marks = (mark for chunk in over_files(attempt, split.paths, text) for mark in chunk)
        for path, mark in zip(split.paths, marks, strict=True):
            if isinstance(mark, UserError):
                check.report("image", str(mark))
            else:
                check.saw(name, mark, path)


def _arrays(check: _Check, dataset: Dataset) -> None:
    for name, images in dataset.splits.items():
        for start in range(0, len(images), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(images)))
            for row, pixels in zip(rows.tolist(), images.gather(rows), strict=True):
                check.saw(name, pixel_fingerprint(pixels), f"{dataset.name} {name}[{row}]")


def _labels(
    check: _Check, source: Source, task: Task, splits: Mapping[str, Labelled], classes: Names
) -> None:
    counts = count_splits(check.data, task, splits, source.published)
    check.splits += counts
    if task == "reid":
        for identity in unmatched("query", splits).tolist():
            check.report(
                "identity",
                f"{check.data}: identity {identity} of query has no image by another camera in "
                "gallery",
            )
        for name, identity in [] if source.own_ids or source.load else shared(splits):
            check.report("identity", f"{check.data}: identity {identity} is in train and in {name}")
    for name, images in splits.items():
        for label in sorted(set(range(len(classes))) - set(images.labels.tolist())):
            check.report("class", f"{check.data}: class {classes[label]!r} has no image in {name}")
    word = "identities" if task == "reid" else "classes"
    for count in counts:
        if count.published not in (None, (count.images, count.labels)):
            known = count.published or (0, 0)
            check.report(
                "count",
                f"{check.data}: {count.split} has {count.images:,} images of {count.labels:,} "
                f"{word}, published are {known[0]:,} of {known[1]:,}",
            )
