"""Frames of an audit, and the words, notes and figure that are made of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nas.audit.evidence import from_table
from nas.audit.judge import Judgement, judge
from nas.audit.ranking import Range
from nas.audit.run import Audit
from nas.report.audit import (
    advice,
    audit_figure,
    ranking_notes,
    ranking_words,
    write_audit,
)
from nas.report.formats import html, markdown
from tests.audit.made_up import table

EVIDENCE = replace(
    from_table(table()), points=({},) * len(table().keys)
)  # without importance, which takes long


@pytest.fixture(scope="module")
def found() -> Judgement:
    glance = np.random.default_rng(0).normal(size=len(EVIDENCE))
    return judge(EVIDENCE, {"synflow": glance})


@pytest.fixture
def audit(found: Judgement, tmp_path: Path) -> Audit:
    zero = {"synflow": np.zeros(len(EVIDENCE))}
    return Audit(tmp_path, "a title", found, len(EVIDENCE) + 2, zero, ("A caveat.",))


def test_rows_are_rungs_then_full_length_then_what_needs_no_training(audit: Audit) -> None:
    frame = audit.ranking()
    rungs = [f"epoch {epoch}" for epoch in range(1, 9)]
    assert frame["score"].tolist() == [*rungs, "full length", "synflow", "params", "macs"]
    assert frame["epochs"].tolist() == [*range(1, 10), 0, 0, 0]
    full = frame.iloc[8]
    assert full["tau_bands"] == audit.found.within.ceiling.estimate
    assert (full["share"], full["lost"]) == (1, 0)
    assert np.isnan(full["ahead"])
    assert frame["ahead"].iloc[-1] == 0
    assert (frame["tau_low"] <= frame["tau"]).all() and (frame["tau"] <= frame["tau_high"]).all()


def test_words_are_the_numbers_of_the_frame(audit: Audit) -> None:
    frame = audit.ranking()
    words = ranking_words(frame)
    first, row = words.iloc[0], frame.iloc[0]
    assert first["within bands"] == f"{row['tau_bands']:.2f}"
    assert first["interval"] == f"{row['tau_bands_low']:.2f} to {row['tau_bands_high']:.2f}"
    assert first["of ceiling"] == f"{row['share']:.0%}"
    assert words.iloc[-1]["above macs"] == ""
    assert "epoch 1" in markdown(words, "t") and "epoch 1" in html(words, "t")


def test_notes_say_how_it_was_computed_and_what_is_missing(audit: Audit) -> None:
    notes = " ".join(ranking_notes(audit))
    count = len(EVIDENCE)
    assert "Kendall's tau-b" in notes and "of 3;" in notes
    assert f"2 of {count + 2} architectures lack a score" in notes
    assert "A caveat." in notes
    assert notes.count(f"({len(audit.found.bands[0])})") >= 1


def test_the_advice_is_the_first_rung_that_is_good_enough(audit: Audit) -> None:
    rung = audit.found.first_rung
    assert rung is not None
    assert advice(audit).startswith(f"Advised first rung: epoch {rung}, which reaches ")
    share = audit.found.within.share
    poor = replace(audit.found.within, share=replace(share, estimate=0 * share.estimate))
    worse = replace(audit, found=replace(audit.found, within=poor))
    assert worse.found.first_rung is None
    assert "none reaches 60%" in advice(worse)
    chance = replace(
        audit.found.within, tau=replace(audit.found.within.tau, low=-1 + 0 * share.low)
    )
    unsure = replace(audit, found=replace(audit.found, within=chance))
    assert unsure.found.first_rung is None
    words = advice(unsure)
    assert "none reaches" not in words and "better than chance is not shown" in words
    none = Range(np.array(0.1), np.array(-0.1), np.array(0.3))
    noise = replace(
        audit, found=replace(audit.found, within=replace(audit.found.within, ceiling=none))
    )
    assert "noise hides" in advice(noise)
    assert noise.found.first_rung is None


def test_the_figure_has_the_rungs_and_the_rest_over_all_and_within_bands(audit: Audit) -> None:
    figure = audit_figure(audit)
    bands = len(audit.found.bands)
    names = [trace.name for trace in figure.data]
    assert names.count("rungs") == names.count("without training") == 2
    assert names.count("single bands") == bands
    rungs = [trace for trace in figure.data if trace.name == "rungs"]
    assert list(rungs[1].y) == audit.found.within.tau.estimate[:8].tolist()
    assert len(figure.layout.shapes) == 6


def test_all_files_are_written(audit: Audit) -> None:
    files = write_audit(audit)
    assert {file.name for file in files} == {
        "audit.md", "audit.tex", "audit.html", "audit.csv", "architectures.csv",
        "audit-figure.html",
    }  # fmt: skip
    assert all(file.is_file() for file in files)
    lines = (audit.path / "architectures.csv").read_text().splitlines()
    assert len(lines) == 1 + len(EVIDENCE)
    assert lines[0].startswith("key,band,macs,params,activation_bytes,synflow,epoch_1,")
