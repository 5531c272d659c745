"""What verbs print stays as it is."""

from rich.table import Table

from tests.report.text import text_of


def test_brackets_and_colons_of_paths_and_messages_are_no_markup() -> None:
    words = "market1501:/data/[old]/[/x] :smile: stages[each]"
    table = Table(words)
    table.add_row(words)
    assert text_of(table).count(words) == 2
    assert words in text_of(words)
