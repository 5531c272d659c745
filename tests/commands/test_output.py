"""What verbs print stays as it is."""

import pytest
from rich.table import Table

from nas.commands.output import make_console
from tests.report.text import text_of


def test_brackets_and_colons_of_paths_and_messages_are_no_markup() -> None:
    words = "market1501:/data/[old]/[/x] :smile: stages[each]"
    table = Table(words)
    table.add_row(words)
    assert text_of(table).count(words) == 2
    assert words in text_of(words)


def test_where_the_width_is_said_to_be_0_there_are_80_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    assert make_console().width == 80
    monkeypatch.setenv("COLUMNS", "40")
    assert make_console().width == 40
