"""Reading re-identification sets from folders, by the table of layouts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nas.data.layouts import Layout, Part
from nas.data.listing import Listing, Report, Split, images_in
from nas.errors import UserError

JUNK, DISTRACTOR = -1, 0
_PAIR = 10_000


def find_root(name: str, layout: Layout, path: Path) -> Path:
    """The folder that holds the splits: `path`, or the one below it that the layout names.

    Raises UserError where there is no such folder, or nothing of the layout in it.
    """
    if not path.is_dir():
        raise UserError(f"data {name}: no folder {path}")
    roots = [path / below for below in layout.roots]
    parts = layout.parts.values()
    found = [sum(_folder(root, part) is not None for part in parts) for root in roots]
    if not any(found):
        wanted = ", ".join(dict.fromkeys(_either(part) for part in parts))
        raise UserError(f"data {name}: {path} has none of the folders {wanted}")
    return roots[found.index(max(found))]


def check_folders(name: str, layout: Layout, path: Path) -> None:
    """Raise UserError unless the folders and lists of every split but train, which is not needed
    to evaluate, are there; reads no names."""
    root = find_root(name, layout, path)
    for split, part in layout.parts.items():
        trained = split != "train" or _folder(root, part) is not None
        if trained and (missing := _missing(name, root, part)):
            raise UserError(missing)


def list_reid(name: str, layout: Layout, path: Path, report: Report) -> Listing:
    """List the images of a set that lies as `layout` says. What is wrong goes to `report`."""
    root = find_root(name, layout, path)
    splits = {}
    for split, part in layout.parts.items():
        if missing := _missing(name, root, part):
            nothing = split == "train" and _folder(root, part) is None
            report("train" if nothing else "folder", missing)
            continue
        rows = list(_rows(layout, split, root, part, report))
        if not rows:
            kind = "train" if split == "train" else "folder"
            report(kind, f"data {name}: no images of {split} in {_folder(root, part)}")
            continue
        paths, labels, cameras = zip(*rows, strict=True)
        splits[split] = Split(paths, np.array(labels, np.int64), np.array(cameras, np.int64))
    return Listing(name, "reid", root, splits, layout.size, f"{layout.about}, {root}")


def _folder(root: Path, part: Part) -> Path | None:
    return next((root / name for name in part.folders if (root / name).is_dir()), None)


def _either(part: Part) -> str:
    return " or ".join(part.folders)


def _missing(name: str, root: Path, part: Part) -> str:
    """What of a split is not there, or ""."""
    if _folder(root, part) is None:
        return f"data {name}: no folder {_either(part)} in {root}"
    lists = [found for found in part.lists if not (root / found).is_file()]
    return f"data {name}: no file {lists[0]} in {root}" if lists else ""


def _rows(
    layout: Layout, split: str, root: Path, part: Part, report: Report
) -> Iterator[tuple[str, int, int]]:
    """(path, identity, camera) of each image, without junk."""
    folder = _folder(root, part)
    assert folder is not None
    found = _listed(root, part, folder, report) if part.lists else _plain(folder)
    for path, listed in found:
        match = layout.name.match(path.name)
        if not match:
            report("name", f"{path}: the name is not like {layout.example}")
            continue
        named, camera = _numbers(match)
        identity = named if listed is None else listed
        if max(named, camera) > np.iinfo(np.int64).max:
            report("name", f"{path}: a number of more than 18 digits")
            continue
        if identity == JUNK:
            continue
        if identity == DISTRACTOR and split != "gallery":
            report("name", f"{path}: identity 0 is a distractor, which {split} can not have")
            continue
        if layout.cameras and not 1 <= camera <= layout.cameras:
            report("camera", f"{path}: camera {camera} is not one of 1 to {layout.cameras}")
            continue
        yield str(path), identity, camera


def _plain(folder: Path) -> Iterator[tuple[Path, int | None]]:
    for name in images_in(folder):
        yield folder / name, None


def _listed(
    root: Path, part: Part, folder: Path, report: Report
) -> Iterator[tuple[Path, int | None]]:
    """The lines `path identity` of the lists, sorted by path.

    Lists number identities from 0, which is a distractor's number: one is added.
    """
    rows: dict[Path, int] = {}
    for name in part.lists:
        file = root / name
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            raise UserError(f"{file}: cannot be read: {error}") from None
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            match = re.fullmatch(r"\s*(\S.*?)\s+(\d{1,9})\s*", line)
            if not match or Path(match[1]).is_absolute() or ".." in Path(match[1]).parts:
                report("name", f"{file}:{number}: {line[:80]!r} is not `path identity`")
                continue
            if folder / match[1] in rows:
                report("name", f"{file}:{number}: {match[1]} is listed already")
                continue
            rows[folder / match[1]] = int(match[2]) + 1
    yield from sorted(rows.items())


def _numbers(match: re.Match[str]) -> tuple[int, int]:
    """Identity and camera of a name."""
    groups = match.groupdict()
    if groups.get("pair") is not None:
        return int(groups["pair"]) * _PAIR + int(groups["in_pair"]), int(groups["view"])
    return int(groups["id"]), int(groups["camera"])
