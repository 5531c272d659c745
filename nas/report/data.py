"""Tables of what a check of a data set found, and of the cache of decoded images."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.table import Table

from nas.data.cache import Entry
from nas.data.counts import SplitCount
from nas.report.formats import bare_table


def split_table(splits: Sequence[SplitCount]) -> Table:
    """One row a split: its counts, beside the published ones (images / identities or classes)."""
    table = bare_table()
    names = ("images", "ids or\nclasses", "distractors", "cameras", "one\ncamera", "published")
    several = len({split.data for split in splits}) > 1
    if several:
        table.add_column("data", overflow="fold")
    table.add_column("split", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for split in splits:
        counts = (split.images, split.labels, split.distractors, split.cameras, split.unmatched)
        known = split.published
        table.add_row(
            *([split.data] if several else []),
            split.split,
            *(f"{count:,}" for count in counts),
            f"{known[0]:,} / {known[1]:,}" if known else "-",
        )
    return table


def cache_table(entries: Sequence[Entry]) -> Table:
    """One row an entry, the most recently used first."""
    table = bare_table()
    table.add_column("what", overflow="fold")
    for name in ("images", "MiB", "last used"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        table.add_row(entry.about, f"{entry.images:,}", f"{entry.bytes / 2**20:,.1f}", used)
    return table
