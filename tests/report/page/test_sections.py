"""What a report says below its front, and what it says where it can not."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nas.architecture import lower
from nas.cost.parts import NOTHING, PartTable, part_key
from nas.cost.table import parts_of
from nas.errors import Unwritable
from nas.report.page import report_html
from nas.report.page.sections import Section, sections, summary
from nas.search import Run, open_run
from nas.search.record import Record
from nas.space import load_space
from tests.made_up_runs import make_run

MINI = load_space("osnet-mini")


def told(run: Run, latency: PartTable | None = None) -> dict[str, Section]:
    with run.record() as record:
        found = sections(run, record.trials(), record.history(), latency)
    return {section.name: section for section in found}


def test_a_run_that_has_nothing_yet_is_a_page_all_the_same(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", (), failed=0))
    found = told(run)
    assert all(section.figure is None and section.notes for section in found.values())
    assert "no front" in found["members"].notes[0]
    assert "</html>" in report_html(run)


def test_a_front_that_is_not_confirmed_is_said_to_be_lucky(tmp_path: Path) -> None:
    plain = open_run(make_run(tmp_path / "plain"))
    assert "not confirmed" in summary(plain, plain.all_trials())[1]
    fresh = {0: (0.28, 0.30), 1: (0.45, 0.49)}
    sure = open_run(make_run(tmp_path / "sure", fresh=fresh))
    assert "means of 2 trainings" in summary(sure, sure.all_trials())[1]


def test_failures_are_counted_with_their_reasons(tmp_path: Path) -> None:
    notes = told(open_run(make_run(tmp_path / "run", failed=2)))["rungs"].notes
    assert notes[0] == "2 failed: the loss is nan at step 3 (2)."


def test_a_trial_that_failed_after_a_rung_did_not_stop_there(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", failed=0))
    before = told(run)["rungs"].figure
    assert before is not None and sum(sum(bar.y) for bar in before.data) == 5
    with closing(Record(run.path / "record.db")) as record:
        record.change(4, state="failed")
    after = told(run)["rungs"].figure
    assert after is not None and sum(sum(bar.y) for bar in after.data) == 4


def test_how_trials_climb_is_told_of_the_sampler_that_the_search_had(tmp_path: Path) -> None:
    by_place = told(open_run(make_run(tmp_path / "random", sampler="random")))["rungs"].notes[-1]
    assert "none beats them in both score and cost" in by_place
    by_gain = told(open_run(make_run(tmp_path / "ehvi", sampler="ehvi")))["rungs"].notes[-1]
    assert "expected to grow more" in by_gain


def test_what_was_predicted_is_told_with_how_close_it_came(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", sampler="ehvi"))
    assert "Fewer than two" in told(run)["predicted"].notes[0]
    trials = [
        replace(t, note={"predicted": t.scores["score"] - 0.01 * n, "deviation": 0.01, "epoch": 9})
        for n, t in enumerate(run.all_trials()) if 9 in t.rungs
    ]  # fmt: skip
    (section,) = [own for own in sections(run, trials, [], None) if own.name == "predicted"]
    assert f"after epoch 9, 2 of {len(trials)} did, +0.0133 from what" in section.notes[0]
    assert section.figure is not None
    other = open_run(make_run(tmp_path / "other", sampler="tpe"))
    assert "`ehvi` alone" in told(other)["predicted"].notes[0]


def test_what_can_audit_is_of_the_same_data_and_space(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run", data="fashion-mnist"))
    wanted = f"`python cli.py audit {run.path / 'space.yaml'} --data fashion-mnist`"
    assert wanted in told(run)["audit"].notes[0]


def test_the_state_and_what_was_spent_is_said(tmp_path: Path) -> None:
    ended = open_run(make_run(tmp_path / "ended"))
    assert summary(ended, ended.all_trials())[0].endswith(". Finished; spent 4m00s of 5m00s.")
    cut = open_run(make_run(tmp_path / "cut", ended=False))
    assert "Interrupted; spent" in summary(cut, cut.all_trials())[0]


def test_an_ablation_is_told_as_one(tmp_path: Path) -> None:
    fresh: dict[int, tuple[float, ...]] = {0: (0.2,), 1: (0.4,), 3: (0.6,)}
    run = open_run(make_run(tmp_path / "run", fresh=fresh, design="paper", split="test"))
    trials = run.all_trials()
    found = {section.name: section for section in sections(run, trials, [], None)}
    assert list(found) == ["comparison", "latency"]
    assert "0.4500 ±0.0707 (2)" in found["comparison"].html
    assert "+0.2000" in found["comparison"].html  # row 1, less row 0: 0.25
    assert summary(run, trials)[0].startswith("paper, synthetic, recipe made-up, 2 seeds, test")


@pytest.mark.parametrize("fresh", [{}, {0: (0.2,)}])
def test_an_ablation_that_has_just_begun_is_a_page_all_the_same(
    tmp_path: Path, fresh: dict[int, tuple[float, ...]]
) -> None:
    run = open_run(make_run(tmp_path / "run", fresh=fresh, design="paper", split="test"))
    assert "Nothing can be compared yet" in report_html(run)


def test_to_look_at_an_ablation_takes_no_right_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, data: str) -> None:
        raise Unwritable(f"{path} can not be written")

    fresh: dict[int, tuple[float, ...]] = {0: (0.2,), 1: (0.4,)}
    run = open_run(make_run(tmp_path / "run", fresh=fresh, design="paper", split="test"))
    monkeypatch.setattr("nas.ablation.looks.write_atomically", refuse)
    assert "Differences to the baseline" in report_html(run)


def test_latency_is_predicted_from_a_table_and_asked_for_without_one(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "run"))
    assert "`report --latency-table FILE`" in told(run)["latency"].notes[0]
    times = {part_key(part): 1.0 for part in (NOTHING, *parts_of(MINI.members()))}
    setting = {"device": "cpu", "machine": "anvil", "backend": "frozen"}
    section = told(run, PartTable(setting, times))["latency"]
    assert "predicted from parts measured on cpu anvil" in section.notes[0]
    assert section.figure is not None and len(section.figure.data[1].x) == 5
    lower_half = {part_key(p.part) for t in run.all_trials()[:3] for p in lower(t.architecture)}
    lower_half.add(part_key(NOTHING))
    few = PartTable(setting, {name: time for name, time in times.items() if name in lower_half})
    partly = told(run, few)["latency"].figure  # baselines may have parts of no space
    assert partly is not None and 3 <= len(partly.data[1].x) < 5
    assert "fewer than two of these" in told(run, PartTable(setting, {}))["latency"].notes[0]


def test_commands_of_a_member_name_it_and_can_be_pasted(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "a run"))
    html = told(run)["members"].html
    assert f"python cli.py train &#x27;{run.path}#1&#x27;" in html


@pytest.mark.parametrize("text", ["</script><b>", "<!--", "'\"&"])
def test_text_of_a_run_can_not_become_markup(tmp_path: Path, text: str) -> None:
    run = open_run(make_run(tmp_path / "run"))
    run.asked["data"] = f"folder:{text}"
    page = report_html(run)
    body = page.split('<script type="application/json"')[0]
    assert text not in body or text == "'\"&"
    assert page.count("</script>") == report_html(open_run(tmp_path / "run")).count("</script>")
