"""Frames, and the words that are made of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nas.ablation import (
    Cell,
    Design,
    compare,
    comparison_frame,
    contrast_frame,
    factorial_effects,
    paper_table,
    term_frame,
)
from nas.ablation.statistics import NOT_COMPARED
from nas.architecture import preset
from nas.cost import cost
from nas.errors import UserError
from nas.report.ablation import (
    COLUMNS,
    SPARE,
    comparison_notes,
    comparison_words,
    contrast_words,
    effect_notes,
    parse_columns,
    term_words,
    titled,
    with_columns,
    write_tables,
)
from nas.report.formats import terminal
from nas.training import load_recipe
from tests.report.text import text_of

WHOLE = paper_table(preset("osnet_x0_25"))
DESIGN = Design(WHOLE.rows[:5], WHOLE.cells[:5], ("gate odd: breaks macs <= 1M",), "a context")
NOISE = 0.001 * np.array([[0, 1, 2, 3], [1, 0, 3, 2], [0, 2, 1, 3], [3, 1, 2, 0], [0, 1, 2, 3]])
SCORES = 0.5 + np.array([0, 0.05, -0.05, 0, 0])[:, None] + NOISE
SCORES[3, 2] = np.nan
SCORES[4] = np.nan


def test_the_frame_has_numbers_for_each_row() -> None:
    found = compare(SCORES)
    frame = comparison_frame(DESIGN, found)
    assert frame["row"].tolist() == [row.label for row in DESIGN.rows]
    assert frame["verdict"].tolist() == [
        "baseline", "better", "worse", "no difference shown", "not compared",
    ]  # fmt: skip
    costs = [cost(row.architecture).macs for row in DESIGN.rows]
    assert frame["macs"].tolist() == costs
    assert frame["macs_change"].tolist() == [own / costs[0] - 1 for own in costs]
    assert frame["difference"][1] == found.paired.estimate[1]
    assert frame["set convolution"].isna()[0] and frame["set convolution"][1] == "full"


def test_the_title_says_how_the_recipe_was_changed() -> None:
    """A table of one epoch is not one of the shipped recipe."""
    asked = {"design": "factorial", "data": "synthetic", "split": "test"}
    changed = {
        (): "recipe standard, 3 seeds",
        ("lr=0.5", "epochs=1"): "recipe standard with epochs 1, lr 0.5, 3 seeds",
    }
    for changes, words in changed.items():
        recipe = load_recipe("standard", changes).model_dump()
        assert titled(asked | {"recipe": recipe}, 3) == f"factorial, synthetic, {words}, test split"


def test_words_say_what_the_numbers_are() -> None:
    found = compare(SCORES)
    words = comparison_words(comparison_frame(DESIGN, found), found)
    first, better, *_, last = words.to_dict("records")
    assert first["difference"] == first["p (Holm)"] == first["macs change"] == ""
    assert better["score"] == "0.5515 ±0.0013 (4)"
    assert better["difference"] == "+0.0500"
    assert better["95% interval"].startswith("+0.048") and " to +0.051" in better["95% interval"]
    assert better["p (Holm)"] == "<0.001"
    assert better["macs change"].startswith("+")
    assert last["score"] == "" and last["verdict"] == "not compared"


def test_other_scores_stand_beside_the_one_that_verdicts_are_of() -> None:
    found = compare(SCORES)
    frame = comparison_frame(DESIGN, found, {"rank1": SCORES + 0.1})
    np.testing.assert_allclose(frame["rank1"], found.mean + 0.1)
    np.testing.assert_allclose(frame["rank1_deviation"], found.deviation)
    words = comparison_words(frame, found, "mAP")
    assert list(words)[:3] == ["row", "mAP", "rank1"]
    assert words["rank1"][1] == "0.6515 ±0.0013" and words["rank1"][4] == ""
    narrow = text_of(terminal(words, "", 80, SPARE), 80)
    assert "0.5515" in narrow and "rank1" in narrow.partition("are too few for")[2]


def test_the_unpaired_result_has_columns_only_where_pairs_are_not_alike() -> None:
    alike = NOISE[:3] + 0.1 * np.arange(4)
    few = Design(WHOLE.rows[:3], WHOLE.cells[:3])
    opposed = np.array([[0.0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]])
    for scores, shown in ((opposed, True), (alike, False)):
        found = compare(scores)
        words = comparison_words(comparison_frame(few, found), found)
        assert ("unpaired p (Holm)" in words) == shown
        assert ("Welch" in " ".join(comparison_notes(few, found))) == shown


def test_a_table_has_the_columns_that_were_asked_for() -> None:
    few = Design(WHOLE.rows[:3], WHOLE.cells[:3])
    found = compare(np.array([[0.0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]]))
    beside = {"rank1": np.zeros((3, 4))}
    words = comparison_words(comparison_frame(few, found, beside), found, "mAP")
    assert list(with_columns(words, ())) == list(words)
    every = [name for one in COLUMNS for name in with_columns(words, [one]).columns[1:]]
    assert sorted(every) == sorted(words.columns[1:])
    assert list(with_columns(words, ["macs", "interval", "score", "top5"])) == [
        "row", "macs", "macs change", "95% interval", "mAP",
    ]  # fmt: skip
    assert len(with_columns(words, ["unpaired"]).columns) == 4
    plain, bare = comparison_notes(few, found), comparison_notes(few, found, columns=["score"])
    assert "Effect size" in plain[0] and plain[1].endswith("(Welch) stands beside.")
    assert "Effect size" not in bare[0] and bare[1].endswith("(Welch) is in the CSV.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score,p,score", None),
        ("scores", "'scores' is not one of score, rank1, .*; did you mean score?"),
        (" , ", "names of score, rank1, .* are expected"),
    ],
)
def test_columns_are_read(text: str, message: str | None) -> None:
    if message is None:
        assert parse_columns(text) == ("score", "p")
        return
    with pytest.raises(UserError, match=f"^--columns: {message}"):
        parse_columns(text)


def test_where_nothing_can_be_compared_that_is_said() -> None:
    scores = np.full((3, 2), np.nan)
    scores[:, 0] = 0.5, 0.6, 0.7
    few, found = Design(WHOLE.rows[:3], WHOLE.cells[:3]), compare(scores)
    assert "unpaired p (Holm)" not in comparison_words(comparison_frame(few, found), found)
    notes = comparison_notes(few, found)
    assert "Welch" not in notes[1]
    assert notes[2].startswith("Nothing can be compared yet")
    alike = compare([[0.5, 0.6], [0.6, 0.7], [0.7, 0.8]])
    one = compare([[0.5, 0.6, 0.7], [0.6, 0.75, 0.82]])
    assert "Holm for 1 comparison;" in comparison_notes(Design(WHOLE.rows[:2], ()), one)[0]
    assert not any(note.startswith("Nothing") for note in comparison_notes(few, alike))


def test_notes_say_what_is_missing_and_left_out() -> None:
    notes = comparison_notes(DESIGN, compare(SCORES))
    assert "Holm for 3 comparisons" in notes[0]
    assert notes[2:] == [
        "T=4, concatenation: 1 of 4 scores are missing, compared in 3 pairs.",
        "T=4, addition: 4 of 4 scores are missing, not compared.",
        "Context: a context.",
        "Left out: gate odd: breaks macs <= 1M.",
    ]
    notes = comparison_notes(DESIGN, compare(SCORES), {"T=1": 2}, (3, 5))
    assert notes[4].startswith("T=1: memory was too small for 2 of its trainings")
    assert notes[5].startswith("Verdicts were looked at with 3, 5 seeds: p holds for one look")
    assert comparison_notes(DESIGN, compare(SCORES), {}, (5,))[4].startswith("Context")
    lost = SCORES.copy()
    lost[0, 0] = np.nan
    notes = comparison_notes(DESIGN, compare(lost))
    assert "T=4, unified gate: 1 of 4 scores are missing, and all their pairs with them." in notes


def test_of_equal_differences_that_is_said_whatever_else_is_missing() -> None:
    few = Design(WHOLE.rows[:2], WHOLE.cells[:2])
    whole = comparison_notes(few, compare([[0.5, 0.5], [0.6, 0.6]]))
    assert whole[2].endswith(f"{NOT_COMPARED}. All of its differences are the same number, as "
                             "happens by chance where scores have few values; more --seeds would "
                             "tell.")  # fmt: skip
    parts = comparison_notes(few, compare([[0.5, 0.5, 0.6], [0.6, 0.6, np.nan]]))
    assert f"1 of 3 scores are missing, {NOT_COMPARED}. All of its differences" in parts[2]


def test_a_table_of_effects_says_what_they_are_of_and_how_many_tests_its_p_is_for() -> None:
    cells = [Cell({"a": a, "b": b}, [0, 1, 2, 1][2 * a + b]) for a in (0, 1) for b in (0, 1)]
    design = Design(WHOLE.rows[:3], tuple(cells))
    first, second, third = effect_notes(design, [0.1, np.nan, 0.2], (2, 5))
    assert f"the baseline's level ({WHOLE.rows[0].label}), averaged" in first
    assert first.endswith("p is adjusted by Holm for the 2 tests of this table.")
    assert second.startswith("Combinations that are one network")
    assert third.startswith("Verdicts were looked at with 2, 5 seeds")
    alone = Design(WHOLE.rows[:4], tuple(Cell(c.factors, i) for i, c in enumerate(cells)))
    assert len(effect_notes(alone, [0.1], (2,))) == 1


def test_effects_of_factors_have_tables_too() -> None:
    cells = [Cell({"gate": g, "streams": s}, 2 * i + j)
             for i, g in enumerate(["none", "unified"]) for j, s in enumerate([1, 4])]  # fmt: skip
    terms, contrasts = factorial_effects(cells, SCORES[:4])
    words = contrast_words(contrast_frame(contrasts), 0.05)
    assert words["effect"].tolist() == ["gate unified", "streams 4", "gate unified x streams 4"]
    assert words["verdict"].tolist() == ["worse", "better", "no difference shown"]
    for more, verdict in ((1, "above the sum"), (-1, "below the sum")):
        other = SCORES[:4].copy()
        other[3] += more
        assert factorial_effects(cells, other)[1][-1].verdict == verdict
    tests = term_words(term_frame(terms))
    assert tests["term"].tolist() == ["gate", "streams", "gate x streams"]
    assert tests["freedom"].tolist() == ["1, 8"] * 3


def test_every_format_is_written_and_csv_keeps_all_digits(tmp_path: Path) -> None:
    found = compare(SCORES)
    frame = comparison_frame(DESIGN, found)
    files = write_tables(tmp_path, "ablation", frame, comparison_words(frame, found), "T", ["N"])
    assert [file.name for file in files] == [
        "ablation.md", "ablation.tex", "ablation.html", "ablation.csv",
    ]  # fmt: skip
    for file in files:
        assert "T=4, full 3x3 convolutions" in file.read_text(encoding="utf-8")
    read = pd.read_csv(files[-1])
    assert read["low"].tolist() == pytest.approx(frame["low"].tolist(), rel=1e-15, nan_ok=True)
