"""One table of words in each format."""

import pandas as pd
import pytest

from nas.report.formats import html, in_latex, latex, markdown, numeric, terminal
from tests.report.text import text_of

WORDS = pd.DataFrame(
    {"row": ["a|b <x>", "50% & _c"], "mean": ["", "-0.5 ±0.1"], "p": ["<0.001", ""]}
)


def test_numbers_stand_to_the_right() -> None:
    assert numeric(WORDS) == [False, True, True]


def test_markdown() -> None:
    assert markdown(WORDS, "Title", ["a note"]) == (
        "**Title**\n\n"
        "| row | mean | p |\n"
        "|---|---:|---:|\n"
        "| a\\|b \\<x> |  | \\<0.001 |\n"
        "| 50% & \\_c | -0.5 ±0.1 |  |\n"
        "\n- a note\n"
    )


def test_latex_is_booktabs_and_escapes() -> None:
    assert latex(WORDS, "5% worse", ["a_b"]) == (
        "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\caption{5\\% worse}\n"
        "\\begin{tabular}{lrr}\n\\toprule\nrow & mean & p \\\\\n\\midrule\n"
        "a|b $<$x$>$ &  & $<$0.001 \\\\\n"
        "50\\% \\& \\_c & $-$0.5 $\\pm$0.1 &  \\\\\n"
        "\\bottomrule\n\\end{tabular}\n\\par\\footnotesize a\\_b\n\\end{table}\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stream-wise 3x3", "stream-wise 3x3"),
        ("-0.1 to -0.2", "$-$0.1 to $-$0.2"),
        ("(-3%)", r"($-$3\%)"),
        ("a\\b~^{}#$", r"a\textbackslash{}b\textasciitilde{}\textasciicircum{}\{\}\#\$"),
    ],
)
def test_latex_of_text(text: str, expected: str) -> None:
    assert in_latex(text) == expected


def test_a_latex_table_that_is_wider_than_a_page_is_made_smaller() -> None:
    wide = pd.DataFrame({f"column {i}": ["0.1234 ±0.0123"] for i in range(8)})
    lines = latex(wide).splitlines()
    assert lines[0] == "% \\usepackage{booktabs,graphicx}"
    assert lines[3:5] == ["\\resizebox{\\linewidth}{!}{%", "\\begin{tabular}{rrrrrrrr}"]
    assert lines[-3:] == ["\\end{tabular}", "}", "\\end{table}"]
    for length, smaller in ((60, False), (120, True)):  # a cell of text is one line there
        assert ("resizebox" in latex(pd.DataFrame({"row": ["a" * length]}))) == smaller


def test_a_row_that_starts_with_a_bracket_is_no_length_for_latex() -> None:
    assert "\n{}[1:] & " in latex(pd.DataFrame({"row": ["[1:]"], "p": ["1"]}))


def test_html_escapes_and_marks_numbers() -> None:
    page = html(WORDS, "A & B", ["n < 5"])
    assert "<caption>A &amp; B</caption>" in page
    assert "<td>a|b &lt;x&gt;</td>" in page
    assert "<td class='number'>-0.5 ±0.1</td>" in page
    assert "<p class='notes'>n &lt; 5</p>" in page


def test_a_narrow_terminal_does_without_some_columns() -> None:
    wide = terminal(WORDS, "T", 80, ["p", "mean"])
    assert [str(column.header) for column in wide.columns] == ["row", "mean", "p"]
    narrow = terminal(WORDS, "T", 20, ["p", "mean"])
    assert [str(column.header) for column in narrow.columns] == ["row", "mean"]
    text = text_of(narrow, 20)
    assert "50% & _c" in text and " ".join(text.split()).endswith("20 columns are too few for: p")


def test_a_narrow_terminal_has_shorter_cells() -> None:
    shorter = ("mean", lambda text: text.partition(" ")[0])
    assert "-0.5 ±0.1" in text_of(terminal(WORDS, "T", 80, [shorter]), 80)
    narrow = text_of(terminal(WORDS, "T", 20, [shorter]), 20)
    assert "-0.5" in narrow and "±" not in narrow


@pytest.mark.parametrize("width", range(30, 100, 3))
def test_no_word_is_cut(width: int) -> None:
    words = pd.DataFrame(
        {
            "row": ["baseline", "gate streamwise", "stages[2].depth 1"],
            "mAP": ["0.61", "0.63", "0.62"],
            "interval": ["", "-0.014 to +0.016", "-0.002 to +0.025"],
            "verdict": ["baseline", "no difference shown", "above the baseline"],
        }
    )
    text = text_of(terminal(words, "", width), width)
    assert set(" ".join(words.to_numpy().ravel()).split()) <= set(text.split())


def test_long_text_is_folded_before_a_column_is_left_out() -> None:
    words = pd.DataFrame({"trial": ["1"], "params": ["54.4k"], "text": ["some words " * 9]})
    table = terminal(words, "", 40, ["params"])
    assert [str(column.header) for column in table.columns] == ["trial", "params", "text"]
