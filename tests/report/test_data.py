"""The tables of data sets."""

import pytest
from rich.console import Console

from nas.data.counts import SplitCount
from nas.data.layouts import LAYOUTS
from nas.report.data import split_table


@pytest.mark.parametrize("data", [["msmt17:PATH"], ["msmt17:PATH", "market1501:PATH"]])
def test_splits_and_counts_are_whole_in_80_columns(data: list[str]) -> None:
    published = LAYOUTS["msmt17"].published[0]
    rows = [
        SplitCount(spec, split, *count, 2798, 15, 0, count)
        for spec in data
        for split, count in published.items()
    ]
    console = Console(width=80)
    with console.capture() as shown:
        console.print(split_table(rows))
    for words in ("train", "query", "gallery", "82,161 / 3,060", "distractors"):
        assert words in shown.get()
    assert "…" not in shown.get()
