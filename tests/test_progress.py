import pytest

from nas.commands.train_view import QuietView
from nas.progress import counted, hidden, warn


@pytest.mark.parametrize(
    ("lines", "expected"), [(True, ["x: 5 of 25", "x: 20 of 25", "x: 25 of 25"]), (False, [])]
)
def test_elsewhere_than_on_a_terminal_a_tenth_is_a_line_where_lines_are_wanted(
    lines: bool, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with counted("x", lines=lines) as progress:
        for done in (0, 1, 2, 5, 20, 21, 25):
            progress(done, 25)
    assert capsys.readouterr().err.splitlines() == expected


def test_where_it_is_hidden_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with hidden(), counted("x", lines=True) as progress:
        progress(25, 25)
    with counted("x", lines=True) as progress:
        progress(25, 25)
    assert capsys.readouterr().err == "x: 25 of 25\n"


def test_a_warning_is_told_by_who_is_quiet_and_by_who_knows_notices_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Own:
        def notice(self, text: str) -> None:
            print(text)

    quiet = QuietView()
    with quiet:
        quiet.notice("nothing")
        for view in (quiet, Own()):
            warn(view, "other images")
            warn(view, "")
    shown = capsys.readouterr()
    assert (shown.err, shown.out) == ("other images\n", "other images\n")
