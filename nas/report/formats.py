"""A table of words in the format of where it is read: terminal, Markdown, LaTeX, HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

FOLDED = 20
PAGE = 90  # characters that a line of a page has, about
NUMBER = re.compile(r"[<+-]?\d.*|nan")
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "±": r"$\pm$",
}  # fmt: skip
STYLE = """
body { font: 14px system-ui, sans-serif; color: #1f2428; margin: 2em; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: bold; padding-bottom: .5em; }
th, td { padding: .25em .8em; text-align: left; white-space: nowrap; }
thead th { border-bottom: 1px solid #444; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.notes { color: #69737b; }
"""


Spare = Sequence[str | tuple[str, Callable[[str], str]]]
"""Columns that a narrow table does without, the first one first; or a column and how its cells are
made shorter."""


def bare_table(**options: Any) -> Table:
    """For rich, as all tables of the terminal look: without lines, headings bold."""
    return Table(box=None, pad_edge=False, header_style="bold", **options)


def terminal(
    words: pd.DataFrame,
    title: str = "",
    width: int | None = None,
    spare: Spare = (),
    caption: str = "",
) -> RenderableType:
    """For rich. Text may be folded, numbers not; in a `width` of characters that is too narrow,
    columns are left out or made shorter in the order of `spare`, which the caption says; where
    that is not enough, each row is told in lines."""
    left_out = []
    for own in spare:
        if width is None or _width(words) <= width:
            break
        if isinstance(own, str):
            left_out += [own] if own in words else []
            words = words.drop(columns=own, errors="ignore")
        elif own[0] in words:
            name, shorter = own
            words = words.assign(**{name: words[name].map(shorter)})
    if left_out:
        caption = "\n".join(
            filter(None, [caption, f"{width} columns are too few for: {'; '.join(left_out)}"])
        )
    if width is not None and _width(words, _narrowest) > width:
        return Text("\n".join(filter(None, [title, *_lines(words, width), caption])))
    table = bare_table(
        title=title or None, title_justify="left", caption=caption or None, caption_justify="left"
    )
    for name, right in zip(words.columns, numeric(words), strict=True):
        table.add_column(
            name, justify="right" if right else "left", no_wrap=right, overflow="fold",
            min_width=None if width is None else _narrowest(_cells(words, name)),
        )  # fmt: skip
    for row in rows(words):
        table.add_row(*row)
    return table


def _lines(words: pd.DataFrame, width: int) -> Iterator[str]:
    """Of each row its first cell, and then the others by name, as many in a line as there fit."""
    for own in rows(words):
        yield f"{words.columns[0]} {own[0]}"
        line = ""
        for name, cell in list(zip(words.columns, own, strict=True))[1:]:
            told = f"{name} {cell}" if cell else ""
            if line and len(line) + len(told) + 2 > width - 4:
                yield from wrap(line, width, initial_indent="    ", subsequent_indent="    ")
                line = ""
            line = "  ".join(filter(None, [line, told]))
        yield from wrap(line, width, initial_indent="    ", subsequent_indent="    ")


def _cells(words: pd.DataFrame, name: str) -> list[str]:
    """What stands in a column, its name first."""
    return [name, *map(str, words[name])]


def _folded(cells: list[str]) -> int:
    """Of a column of text: as wide as it is in a table that has room."""
    return min(_longest(cells), FOLDED)


def _width(words: pd.DataFrame, of_text: Callable[[list[str]], int] = _folded) -> int:
    """Characters that the table takes; of_text: those of a column of text by its cells."""
    columns = [_cells(words, name) for name in words.columns]
    pairs = zip(columns, numeric(words), strict=True)
    between = 2 * (len(columns) - 1)
    return between + sum((_longest if right else of_text)(cells) for cells, right in pairs)


def _longest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=0)


def _narrowest(cells: list[str]) -> int:
    """Of a column of text: below it words would be cut, or it would be a tower of letters."""
    longest, word = _longest(cells), _longest(" ".join(cells).split())
    tower = FOLDED + 4 if longest > 2 * FOLDED else FOLDED * 3 // 5
    return max(min(longest, tower), min(word, 2 * FOLDED))


def markdown(words: pd.DataFrame, title: str = "", notes: Sequence[str] = ()) -> str:
    """A pipe table; the title bold above it, the notes as a list below."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(re.sub(r"([|*_<`])", r"\\\1", cell) for cell in cells) + " |"

    rule = "|" + "|".join("---:" if right else "---" for right in numeric(words)) + "|"
    lines = [f"**{title}**", ""] if title else []
    lines += [line(list(words.columns)), rule, *map(line, rows(words))]
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    return "\n".join(lines) + "\n"


def latex(words: pd.DataFrame, title: str = "", notes: Sequence[str] = ()) -> str:
    r"""A table with \toprule, \midrule, \bottomrule: the document loads booktabs. One that is wider
    than a page is made smaller, which takes graphicx."""

    def line(cells: Sequence[str]) -> str:
        text = " & ".join(map(in_latex, cells))
        return ("{}" if text.startswith("[") else "") + text + r" \\"  # \\[ would take a length

    columns = "".join("r" if right else "l" for right in numeric(words))
    lines = [r"\begin{table}", r"\centering", *([rf"\caption{{{in_latex(title)}}}"] * bool(title))]
    table = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", line(list(words.columns))]
    table += [r"\midrule", *map(line, rows(words)), r"\bottomrule", r"\end{tabular}"]
    wide = _width(words, _longest) > PAGE  # LaTeX folds nothing
    lines = [f"% \\usepackage{{booktabs{',graphicx' if wide else ''}}}", *lines]
    lines += [r"\resizebox{\linewidth}{!}{%", *table, "}"] if wide else table
    lines += [rf"\par\footnotesize {in_latex(note)}" for note in notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def in_latex(text: str) -> str:
    """Text with LaTeX's characters escaped, and minus signs before numbers."""
    escaped = "".join(LATEX.get(letter, letter) for letter in text)
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", escaped)


def html(words: pd.DataFrame, title: str = "", notes: Sequence[str] = ()) -> str:
    """A page of its own; `html_table` is what another page would take in."""
    below = "".join(f"<p class='notes'>{escape(note)}</p>\n" for note in notes)
    head = f"<meta charset='utf-8'><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html>\n{head}\n{html_table(words, title)}{below}"


def html_table(words: pd.DataFrame, title: str = "") -> str:
    """A table; cells of numbers have the class `number`."""
    right = numeric(words)

    def line(cells: Sequence[str], tag: str) -> str:
        kinds = [" class='number'" if own else "" for own in right]
        pairs = zip(cells, kinds, strict=True)
        return "<tr>" + "".join(f"<{tag}{kind}>{escape(c)}</{tag}>" for c, kind in pairs) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows(words))
    caption = f"<caption>{escape(title)}</caption>\n" if title else ""
    head = line(list(words.columns), "th")
    return f"<table>\n{caption}<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"


FILES: dict[str, Callable[[pd.DataFrame, str, Sequence[str]], str]] = {
    "md": markdown, "tex": latex, "html": html,
}  # fmt: skip


def rows(words: pd.DataFrame) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in words.itertuples(index=False)]


def numeric(words: pd.DataFrame) -> list[bool]:
    """Of each column, whether all that stands in it starts as a number does."""
    return [
        all(NUMBER.fullmatch(str(cell)) for cell in words[name] if cell) for name in words.columns
    ]
