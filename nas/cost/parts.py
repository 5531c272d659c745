"""Latency of a whole space: the sum of the latencies of its parts, each measured once.

A table of parts belongs to one device and setting. It is made on the device, cached, or written as
a CSV file to be read elsewhere; a network's latency is then a look-up. It leaves out what parts do
to each other (caches, the scheduler), so its error is printed against whole networks.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from nas.architecture import Architecture, Layer, Part, lower
from nas.architecture.canonical import digest, part_key
from nas.arguments import a_path
from nas.cost import measure
from nas.cost.backends import Setting, ready, threads
from nas.cost.latency import alone, time_in_rounds
from nas.cost.measure import CALL, LEAST_MS
from nas.errors import UserError
from nas.files import cache_folder, write_atomically
from nas.progress import Tell, untold

NOTHING = Part((Layer("relu", (), (-1,), (1, 1, 1)),), (1, 1, 1))  # what a call costs by itself
SETTING = ("backend", "threads", "batch", "precision", "device", "memory_format", "machine")
COLUMNS = ("part", "p50_ms", "about", *SETTING, "library")


@dataclass
class PartTable:
    """Milliseconds (median) of parts by their key, in one setting. Smaller is better.

    setting: as `Setting.record` gives it. about: what each part is, for people.
    """

    setting: Mapping[str, Any]
    p50_ms: dict[str, float] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    def latency(self, architecture: Architecture) -> float:
        """Milliseconds of the network: a call, and the sum over its parts, one after the other as
        over a whole space: to the last bit, as limits may be round numbers."""
        return reduce(add, (self.of(placed.part) for placed in lower(architecture)), self.call)

    def has(self, architecture: Architecture) -> bool:
        """Whether a call and all parts of the network are in the table."""
        return not self.missing([NOTHING, *(placed.part for placed in lower(architecture))])

    @property
    def call(self) -> float:
        """Milliseconds of a call, whatever it computes."""
        return self.of(NOTHING)

    def of(self, part: Part) -> float:
        """Milliseconds of one part; UserError where the table lacks it."""
        try:
            return self.p50_ms[part_key(part)]
        except KeyError:
            lacking = "row of a call" if part == NOTHING else f"part {describe(part)}"
            raise UserError(
                f"the latency table has no {lacking}: make it on the device, "
                "with `cli.py latency SPACE --out device.csv`"
            ) from None

    def get(self, part: Part) -> float:
        """Milliseconds of one part; nan where the table lacks it."""
        return self.p50_ms.get(part_key(part), math.nan)

    def noted(self) -> dict[str, Any]:
        """What a run says of the table: the setting that it was measured in, and a digest of its
        numbers."""
        numbers = digest(*sorted(self.p50_ms.items()), size=8).hex()
        return {**self.setting, "parts": numbers}

    def missing(self, parts: Iterable[Part]) -> list[Part]:
        """Those of the parts that are not in the table, each once."""
        return list({part_key(x): x for x in parts if part_key(x) not in self.p50_ms}.values())


def describe(part: Part) -> str:
    """A part in a few words: 16x64x32 to 64x64x32, 33 layers."""
    sizes = ("x".join(map(str, shape)) for shape in (part.input, part.output))
    return f"{' to '.join(sizes)}, {len(part.layers)} layers"


def measure_parts(
    table: PartTable,
    parts: Iterable[Part],
    setting: Setting,
    *,
    progress: Tell = untold,
) -> None:
    """Measure the parts that the table lacks, and put them into it.

    What a call costs by itself is taken off.
    """
    import torch

    from nas.models.network import PartNetwork

    wanted = table.missing([NOTHING, *parts])
    with alone(), threads(setting), torch.random.fork_rng(devices=[]):
        runs = [ready(PartNetwork(part), setting) for part in wanted]
        found = time_in_rounds(runs, progress=progress)
    for part, own in zip(wanted, found, strict=True):
        if part is not NOTHING:
            own = max(own - table.call, LEAST_MS)
        table.p50_ms[part_key(part)] = own
        table.about[part_key(part)] = CALL if part is NOTHING else describe(part)


def write_parts(parts: Iterable[Part], folder: Path, *, progress: Tell = untold) -> None:
    """The parts as ONNX files, to be measured on a device without this toolkit.

    Beside them are parts.csv, which is a table without its times, and the program measure.py, which
    makes the table of it there (`nas/cost/measure.py`).
    """
    import torch

    from nas.models.network import PartNetwork
    from nas.models.onnx import to_onnx

    each = {part_key(part): part for part in [NOTHING, *parts]}
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        for done, (key, part) in enumerate(each.items(), 1):
            write_atomically(folder / f"{key}.onnx", to_onnx(PartNetwork(part)))
            progress(done, len(each))
    about = {key: CALL if part is NOTHING else describe(part) for key, part in each.items()}
    known = {
        "backend": "onnxruntime", "batch": 1, "precision": "float32", "memory_format": "nchw",
    }  # fmt: skip
    write_table(PartTable(known, dict.fromkeys(each, math.nan), about), folder / "parts.csv")
    write_atomically(folder / "measure.py", Path(measure.__file__).read_bytes())


def measured_table(
    parts: Iterable[Part],
    setting: Setting,
    path: Path | None = None,
    *,
    progress: Tell = untold,
) -> PartTable:
    """A table that has these parts, all measured now and written to `path`.

    Without a path it is the cached one of this device and setting: what it lacks is measured, and
    kept.
    """
    table, path = (PartTable(setting.record()), path) if path else cached_table(setting)
    measure_parts(table, parts, setting, progress=progress)
    write_table(table, path)
    return table


def cached_table(setting: Setting) -> tuple[PartTable, Path]:
    """The cached table of this device and setting, and its file; empty where there is none."""
    record = setting.record()
    path = cache_folder() / "latency" / f"{digest(sorted(record.items()), size=8).hex()}.csv"
    return (read_table(path) if path.is_file() else PartTable(record)), path


def write_table(table: PartTable, path: Path) -> None:
    """As a CSV file: a row a part, with the setting in each."""
    import pandas as pd

    rows = [
        {"part": key, "p50_ms": value, "about": table.about.get(key, ""), **table.setting}
        for key, value in sorted(table.p50_ms.items())
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(index=False))


def read_table(path: str | Path | PartTable) -> PartTable:
    """A table that `write_table` wrote, and one that was read is itself; UserError says what is
    wrong with other files."""
    import pandas as pd

    if isinstance(path, PartTable):
        return path
    path = a_path("latency_table", path)
    try:
        frame = pd.read_csv(
            io.StringIO(path.read_text(encoding="utf-8")), dtype={"part": str, "about": str}
        )
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a table in CSV"
        raise UserError(f"{path}: {reason}") from None
    if list(frame.columns) != list(COLUMNS) or frame.empty:
        raise UserError(f"{path}: not a latency table: its columns are not {', '.join(COLUMNS)}")
    settings = frame[[*SETTING, "library"]].astype(object)
    settings = settings.where(settings.notna(), "").drop_duplicates()
    if len(settings) > 1:
        raise UserError(f"{path}: rows of {len(settings)} settings; a table is of one")
    times = pd.to_numeric(frame["p50_ms"], errors="coerce")
    good = (times > 0) & (times < float("inf"))
    if not good.all():
        line = int((~good).to_numpy().argmax()) + 2
        raise UserError(f"{path}:{line}: p50_ms is not a positive number of milliseconds")
    keys = frame["part"].tolist()
    if (again := frame["part"].duplicated()).any():
        line = int(again.to_numpy().argmax()) + 2
        raise UserError(f"{path}:{line}: a part that an earlier row has; a table is of one run")
    return PartTable(
        {str(name): value for name, value in settings.to_dict("records")[0].items()},
        dict(zip(keys, times.tolist(), strict=True)),
        dict(zip(keys, frame["about"].fillna("").tolist(), strict=True)),
    )
