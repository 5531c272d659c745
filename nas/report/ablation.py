"""The tables of an ablation: frames of numbers put into words, and written in every format."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.ablation.design import Design
from nas.ablation.run import BESIDE, Ablation
from nas.ablation.statistics import NOT_COMPARED, Comparisons
from nas.ablation.tables import contrast_frame, term_frame
from nas.errors import UserError, meant
from nas.files import write_atomically
from nas.report.figures import write_figure
from nas.report.forest import forest_figure
from nas.report.formats import FILES, Spare
from nas.report.words import change, compact, p_value, recipe_in_words, shortened
from nas.search.budget import number_of
from nas.search.objectives import METRICS, SCORE
from nas.search.run import read_asked

if TYPE_CHECKING:
    import pandas as pd

MEANS: Spare = tuple(
    (name, lambda text: text.partition(" ")[0]) for name in (*BESIDE, *METRICS, SCORE)
)
SPARE: Spare = (
    "params",
    "effect size",
    "macs",
    "params change",
    "unpaired",
    *MEANS,
    *BESIDE,
    "macs change",
    "unpaired interval",
    "unpaired p (Holm)",
)
"""What a narrow terminal does without; of a score the mean stays."""

COLUMNS = (
    "score", *BESIDE, "difference", "interval", "p", "effect", "unpaired", "verdict", "macs",
    "params",
)  # fmt: skip
"""What a table may be asked to have beside its rows: one column each, or a few of one matter."""

EFFECT = " Effect size: difference over its deviation, Hedges' correction."
EQUAL = (
    " All of its differences are the same number, as happens by chance where scores have few "
    "values; more --seeds would tell."
)


def comparison_words(frame: pd.DataFrame, found: Comparisons, metric: str = SCORE) -> pd.DataFrame:
    """The table of `comparison_frame`; with the unpaired result where pairs are not alike.

    metric: what the score is called.
    """
    import pandas as pd

    level = f"{1 - found.alpha:.0%} interval"
    records = frame.to_dict("records")
    columns = {
        "row": [str(row["row"]) for row in records],
        metric: [_score(row) for row in records],
        **{
            name: [_spread(row[name], row[f"{name}_deviation"]) for row in records]
            for name in BESIDE
            if name in frame
        },
        "difference": [_signed(row["difference"]) for row in records],
        level: [_interval(row["low"], row["high"]) for row in records],
        "p (Holm)": [p_value(row["p_holm"]) for row in records],
        "effect size": [_number(row["effect_size"], "+.2f") for row in records],
    }
    if found.shows_unpaired:
        columns |= {
            "unpaired": [_signed(row["unpaired_difference"]) for row in records],
            "unpaired interval": [
                _interval(row["unpaired_low"], row["unpaired_high"]) for row in records
            ],
            "unpaired p (Holm)": [p_value(row["unpaired_p_holm"]) for row in records],
        }
    columns["verdict"] = [str(row["verdict"]) for row in records]
    for name in ("macs", "params"):
        columns[name] = [compact(row[name]) for row in records]
        changes = [change(row[f"{name}_change"]) for row in records[1:]]
        columns[f"{name} change"] = ["", *changes]
    return pd.DataFrame(columns)


def parse_columns(text: str) -> tuple[str, ...]:
    """Of COLUMNS, as `score,difference,interval`; UserError for others."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in COLUMNS:
            raise UserError(
                f"--columns: {name!r} is not one of {', '.join(COLUMNS)}{meant(name, COLUMNS)}"
            )
    if not names:
        raise UserError(f"--columns: names of {', '.join(COLUMNS)} are expected")
    return names


def with_columns(words: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The table of `comparison_words` with the rows and these of COLUMNS alone, in their order; all
    of it where none is named. What it has none of is left out."""
    if not names:
        return words
    kept = [own for name in names for own in words.columns[1:] if _short(own) == name]
    return words[["row", *kept]]


def _short(column: str) -> str:
    """Which of COLUMNS a column of the table belongs to."""
    first = column.partition(" ")[0]
    if first in COLUMNS:
        return first
    return "interval" if column.endswith("interval") else "score"


def contrast_words(frame: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """The table of `contrast_frame`."""
    import pandas as pd

    records = frame.to_dict("records")
    return pd.DataFrame(
        {
            "effect": [str(row["effect"]) for row in records],
            "estimate": [_signed(row["estimate"]) for row in records],
            f"{1 - alpha:.0%} interval": [_interval(row["low"], row["high"]) for row in records],
            "p (Holm)": [p_value(row["p_holm"]) for row in records],
            "verdict": [str(row["verdict"]) for row in records],
        }
    )


def term_words(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of `term_frame`."""
    import pandas as pd

    records = frame.to_dict("records")
    return pd.DataFrame(
        {
            "term": [str(row["term"]) for row in records],
            "F": [_number(row["f"], ".2f") for row in records],
            "freedom": [f"{row['freedom']}, {row['rest_freedom']}" for row in records],
            "p (Holm)": [p_value(row["p_holm"]) for row in records],
        }
    )


def comparison_notes(
    design: Design,
    found: Comparisons,
    in_parts: Mapping[str, int] | None = None,
    looks: Sequence[int] = (),
    columns: Sequence[str] = (),
) -> list[str]:
    """What a reader of the table has to know: how it was computed, and what is not in it.

    in_parts, looks: of the `Ablation`. columns: that the table has, as for `with_columns`.
    """
    shown = columns or COLUMNS
    tested = sum(not math.isnan(p) for p in found.holm)
    seeds = found.seeds
    notes = [
        f"Score: mean ±deviation (seeds). Differences to {design.rows[0].label} are paired by "
        f"seed; intervals by Student's t, each at {1 - found.alpha:.0%}; p adjusted by Holm for "
        f"{number_of(tested, 'comparison')}; verdicts from these p at {found.alpha:g}."
        + EFFECT
        * ("effect" in shown),
    ]
    alike = "unknown" if math.isnan(found.pooled) else f"{found.pooled:.2f}"
    line = f"Correlation of the pairs: {alike}"
    if not math.isnan(found.pays_above):
        line += f"; pairs narrow the interval above {found.pays_above:.2f}"
    line += "."
    beside = "stands beside" if "unpaired" in shown else "is in the CSV"
    line += f" So the unpaired result (Welch) {beside}." if found.shows_unpaired else ""
    notes.append(line)
    if found.pairs[1:].max() < 2:
        notes.append("Nothing can be compared yet: it takes two seeds of a row, and of the first.")
    for i, (row, count) in enumerate(zip(design.rows, found.count, strict=True)):
        compared = found.verdict[i] != NOT_COMPARED
        equal = "" if compared or found.pairs[i] < 2 else EQUAL
        if count < seeds:
            rest = f"compared in {found.pairs[i]} pairs" if i else "and all their pairs with them"
            rest = rest if compared else NOT_COMPARED
            missing = f"{seeds - count} of {seeds} scores are missing, {rest}"
            notes.append(f"{row.label}: {missing}.{equal}")
        elif equal:
            notes.append(f"{row.label}: {NOT_COMPARED}.{equal}")
    for label, count in (in_parts or {}).items():
        notes.append(
            f"{label}: memory was too small for {count} of its trainings, whose batches were "
            "computed in parts: other statistics of batch normalisation, other triplets. Part of a "
            "difference may be that."
        )
    notes += _looked(looks)
    notes += [f"Context: {design.context}."] * bool(design.context)
    notes += [f"Left out: {reason}." for reason in design.left_out]
    return notes


def effect_notes(design: Design, tests: Sequence[float], looks: Sequence[int] = ()) -> list[str]:
    """What a reader of a table of effects has to know. tests: its p values, NaN where there is
    none; looks: of the `Ablation`."""
    notes = [
        "By least squares with seeds as blocks, as if the noise of all rows were the same. A main "
        f"effect is the difference to the baseline's level ({design.rows[0].label}), averaged over "
        "the levels of the other factors; an interaction is how far two changes together are from "
        "the sum of what each does alone. p is adjusted by Holm for the "
        f"{sum(not math.isnan(p) for p in tests)} tests of this table."
    ]
    rows = [cell.row for cell in design.cells if cell.row is not None]
    if len(set(rows)) < len(rows):
        notes.append("Combinations that are one network have its scores, and count each.")
    return notes + _looked(looks)


def _looked(looks: Sequence[int]) -> list[str]:
    if len(looks) < 2:
        return []
    return [
        f"Verdicts were looked at with {', '.join(map(str, looks))} seeds: p holds for one look, "
        "and each further one is another chance of a false verdict."
    ]


def ablation_notes(ablation: Ablation, columns: Sequence[str] = ()) -> list[str]:
    """`comparison_notes` of an ablation, and what its design lacks."""
    notes = comparison_notes(
        ablation.design, ablation.found, ablation.in_parts, ablation.looks, columns
    )
    if ablation.design.factorial and not ablation.effects:
        notes.append("Effects of the factors: not known yet, as there are too few scores.")
    return notes


def write_ablation(
    ablation: Ablation, images: Sequence[str] = (), columns: Sequence[str] = ()
) -> list[Path]:
    """Write an ablation's tables and forest plot into its directory: every file that was made.

    columns: of its table, as `with_columns` takes them; the CSV has all.
    """
    frame, found = ablation.table(), ablation.found
    notes = ablation_notes(ablation, columns)
    words = with_columns(comparison_words(frame, found, ablation.metric), columns)
    files = write_tables(ablation.path, "ablation", frame, words, title(ablation), notes)
    for name, heading, frame_of, words in effect_tables(ablation):
        notes = effect_notes(ablation.design, frame_of["p"].tolist(), ablation.looks)
        heading = f"{heading}: {title(ablation)}"
        files += write_tables(ablation.path, name, frame_of, words, heading, notes)
    figure = forest_figure(frame, title(ablation), ablation.metric)
    return files + write_figure(figure, ablation.path / "forest", images)


def effect_tables(ablation: Ablation) -> list[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
    """Of a factorial design's effects and differences of levels: name, heading, numbers, words."""
    if not ablation.effects:
        return []
    terms, contrasts = term_frame(ablation.effects[0]), contrast_frame(ablation.effects[1])
    differences = contrast_words(contrasts, ablation.found.alpha)
    return [
        ("terms", "Effects", terms, term_words(terms)),
        ("contrasts", "Differences", contrasts, differences),
    ]


def title(ablation: Ablation) -> str:
    """What was ablated on what, in one line."""
    seeds = ablation.scores.shape[1]
    return titled(read_asked(ablation.path), seeds, matched=ablation.design.matched)


def titled(asked: Mapping[str, Any], seeds: int, *, matched: str = "") -> str:
    """`title`, by what was asked for."""
    equal = f" at equal {matched}" if matched else ""
    return (
        f"{asked['design']}{equal}, {shortened(asked['data'])}, "
        f"recipe {recipe_in_words(asked['recipe'])}, {number_of(seeds, 'seed')}, "
        f"{asked['split']} split"
    )


def write_tables(
    folder: Path,
    name: str,
    frame: pd.DataFrame,
    words: pd.DataFrame,
    title: str = "",
    notes: Sequence[str] = (),
) -> list[Path]:
    """Write NAME.md, .tex and .html of the words, and NAME.csv of the frame's numbers."""
    written = []
    for suffix, render in FILES.items():
        written.append(folder / f"{name}.{suffix}")
        write_atomically(written[-1], render(words, title, notes))
    written.append(folder / f"{name}.csv")
    write_atomically(written[-1], frame.to_csv(index=False))
    return written


def _score(row: dict[Any, Any]) -> str:
    if not row["scores"]:
        return ""
    return f"{_spread(row['mean'], row['deviation'])} ({row['scores']})"


def _spread(mean: float, deviation: float) -> str:
    """A mean, and after it the deviation over seeds where there are two."""
    return _number(mean, ".4f") + ("" if math.isnan(deviation) else f" ±{deviation:.4f}")


def _signed(value: float) -> str:
    return _number(value, "+.4f")


def _interval(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"{low:+.4f} to {high:+.4f}"


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else f"{value:{form}}"
