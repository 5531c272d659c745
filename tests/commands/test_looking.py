"""The verbs that look at runs, as a user meets them."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nas.architecture import lower
from nas.architecture.canonical import part_key
from nas.commands.app import app
from nas.cost import Setting
from nas.cost.parts import NOTHING, PartTable, write_table
from nas.errors import Unwritable, UserError
from nas.report import pareto_figure
from nas.search import open_run
from nas.search.record import Record, Trial
from tests.made_up_runs import add_baseline, make_run
from tests.search.conftest import DATA, SPACE

ROOT = Path(__file__).parents[2]
Shown = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with two runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    fresh = {0: (0.28, 0.30), 1: (0.45, 0.49)}
    make_run(Path("results/a"), fresh=fresh)
    make_run(Path("results/b"), fresh=fresh, failed=0)
    return tmp_path


def run(*arguments: str) -> None:
    app(list(arguments), standalone_mode=False)


def as_json(shown: Shown, *arguments: str) -> Any:
    run(*arguments, "--json")
    return json.loads(shown.readouterr().out)


FIELDS = {
    ("runs",): ["folder", "runs"],
    ("show", "results/a"): [
        "path", "kind", "space", "data", "recipe", "trials", "best", "spent", "budget", "state",
        "changed", "problem", "left", "command", "asked", "versions", "machine", "git",
        "changes", "last_command", "rungs", "expected_growth", "front",
    ],
    ("show", "results/a#1"): [
        "run", "trial", "key", "baseline", "point", "epoch", "scores", "confirmed", "costs",
        "state", "reason", "architecture", "rungs", "fresh", "seconds", "epochs", "images", "jobs",
        "note", "commands",
    ],
    ("best", "results/a"): ["run", "limits", "trials"],
    ("compare", "results/a", "results/b"): [
        "objectives", "reference", "ranges", "by", "runs", "front", "notes", "groups",
    ],
}  # fmt: skip


@pytest.mark.parametrize("arguments", FIELDS, ids=" ".join)
def test_json_is_one_document_whose_fields_stay(
    folder: Path, capsys: Shown, arguments: tuple[str, ...]
) -> None:
    assert list(as_json(capsys, *arguments)) == FIELDS[arguments]


@pytest.mark.parametrize("arguments", FIELDS, ids=" ".join)
def test_in_80_columns_nothing_is_cut_and_nothing_coloured(
    folder: Path, capsys: Shown, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run(*arguments)
    text = capsys.readouterr().out
    assert "…" not in text
    assert "\x1b[" not in text
    lines = [line for line in text.splitlines() if "python cli.py" not in line]
    assert max(map(len, lines)) <= 80
    words = text.replace("#", " ").replace(",", " ").split()
    assert "results/a" in words and ("0.5000" in words or "0.4700" in words)


def test_no_color_is_respected_on_a_terminal(
    folder: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    run("show", "results/a")
    assert "\x1b[1m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    run("show", "results/a#1")
    shown = capsys.readouterr().out
    assert "\x1b[36m" not in shown and "\x1b[33m" not in shown


def test_best_within_limits_is_printed_with_the_command_that_trains_it(
    folder: Path, capsys: Shown
) -> None:
    run("best", "results/a", "--macs-max", "1G", "--params-max", "500k")
    assert capsys.readouterr().out.endswith("python cli.py train results/a#1\n")
    found = as_json(capsys, "best", "results/a", "--macs-max", "2.5M", "--count", "3")
    assert found["limits"] == {"macs": 2.5e6}
    assert [row["trial"] for row in found["trials"]] == [0]


def test_best_names_the_trials_whose_latency_the_table_does_not_tell(
    folder: Path, capsys: Shown
) -> None:
    parts = {part_key(NOTHING): 0.5}
    parts |= {part_key(p.part): 0.1 for p in lower(open_run("results/a").trial(0).architecture)}
    write_table(PartTable(Setting(threads=1).record(), parts), Path("device.csv"))
    table = ("--latency-table", "device.csv")
    run("best", "results/a", *table, "--latency-max", "1000", "--name")
    printed = capsys.readouterr()
    assert printed.out == "results/a#0\n"
    assert "#1, " in printed.err and "the latency table has not all parts of them" in printed.err
    run("best", "results/a", *table, "--name")  # latency does not decide
    assert capsys.readouterr() == ("results/a#1\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["best", "results/a", "--macs-max", "1k"],
            "no trial has macs of at most 1,000; the",
        ),
        (["best", "results/a", "--macs-max", "few"], "--macs-max: 'few' is not a number above 0"),
        (["best", "results/a", "--latency-max", "3"], "results/a has no latency_ms"),
        (["best", "results/a", "--latency-max", "0"], "--latency-max: 0 is not a number of ms"),
        (["show", "results/a#99"], "results/a has no trial 99; its trials are 0 to 5"),
        (["show", "results/a#x"], "'x' is not the number of a trial, as in results/a#3"),
        (["show", "results"], "results is not a run"),
        (["compare", "results/a"], "1 run; give two at least"),
        (["runs", "nowhere"], "nowhere is not a directory"),
        (["replay", "results/a#5"], "results/a#5 has no score to compare with (failed"),
        (["dashboard", "nowhere"], "nowhere is not a run"),
    ],
)
def test_bad_input_is_one_line(folder: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        run(*arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_may_have_a_number_sign_in_its_name(tmp_path: Path, capsys: Shown) -> None:
    path = make_run(tmp_path / "a #1 b")
    assert as_json(capsys, "show", str(path))["kind"] == "search"
    assert as_json(capsys, "show", f"{path}#1")["trial"] == 1
    with pytest.raises(UserError, match=f"^{path} is a folder; a trial of a run is {path}#NUMBER$"):
        run("profile", str(path))


def test_no_trial_within_the_limits_is_exit_code_2(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "best", "results/a", "--macs-max", "1k"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("inline")
def test_a_quiet_search_tells_its_result_alone(
    tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(SPACE)
    Path("recipe.yaml").write_text("name: tiny\nepochs: 1\nbatch: 16\nlr: 0.01\n")
    search = ["search", "space.yaml", "--recipe", "recipe.yaml", "--data", DATA, "--out", "run"]
    search += ["--sampler", "random", "--workers", "1", "--budget"]
    run(*search, "1trials", "--quiet")
    quiet = capsys.readouterr()
    assert (quiet.err, "Front of 1 trial " in quiet.out) == ("", True)
    run(*search, "2trials")
    assert "trial 1" in capsys.readouterr().err
    (found,) = as_json(capsys, "runs", ".")["runs"]
    assert (found["state"], found["budget"]) == ("finished", {"kind": "trials", "amount": 2})
    assert found["left"] == 0


def test_fronts_as_json_of_one_run_and_of_two(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = as_json(capsys, "pareto", "results/a")
    assert list(one) == ["run", "front", "files"]
    assert one["front"][0]["confirmed"] == pytest.approx(0.29)
    two = as_json(capsys, "pareto", "results/a", "results/b")
    assert [own["run"] for own in two["runs"]] == ["results/a", "results/b"]
    assert two["files"] == ["results/pareto.html"]
    assert (folder / "results" / "pareto.html").is_file()


def test_a_picture_is_drawn_as_its_name_asks(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(figure: object, path: Path) -> Path:
        path.touch()
        return path

    monkeypatch.setattr("nas.report.figures._write_image", drawn)
    for runs in (["results/a"], ["results/a", "results/b"]):
        files = as_json(capsys, "pareto", *runs, "--out", "fig.pdf")["files"]
        assert files[:2] == ["fig.html", "fig.pdf"]
        files = as_json(capsys, "pareto", *runs, "--png", "--out", "fig.png")["files"]
        assert files[:2] == ["fig.html", "fig.png"] and "fig.pdf" not in files
        assert as_json(capsys, "pareto", *runs, "--out", "fig.html")["files"][0] == "fig.html"


def test_the_picture_of_a_run_that_can_not_be_written_lies_elsewhere(
    folder: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, content: object) -> None:
        raise Unwritable(f"{path} can not be written (Read-only file system)")

    monkeypatch.setattr("nas.search.run.write_atomically", refused)
    run("pareto", "results/a", "--out", "fig.html", "--json")
    shown = capsys.readouterr()
    assert json.loads(shown.out)["files"] == ["fig.html"]
    assert shown.err.startswith("left out: results/a/trials.csv can not be written")
    with pytest.raises(Unwritable, match=r"trials\.csv can not be written"):
        run("pareto", "results/a")


def test_a_search_as_json_tells_its_front_and_what_was_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(SPACE)
    asked = ("--budget", "2trials", "--data", DATA, "--recipe", "recipe.yaml", "--workers", "1")
    Path("recipe.yaml").write_text("name: r\nepochs: 1\nepoch_images: 16\nbatch: 8\nlr: 0.003\n")
    found = as_json(capsys, "search", "space.yaml", *asked, "--quiet", "--out", "run")
    assert found["trials"]["complete"] == found["spent"]["epochs"] == 2
    assert found["state"] == "finished" and found["front"]


def test_whole_numbers_stay_whole_beside_a_baseline_that_has_none(
    folder: Path, capsys: Shown
) -> None:
    number = add_baseline(Path("results/a"), 0.9)
    found = as_json(capsys, "pareto", "results/a")
    files = ["pareto.html", "front.csv", "front.tex"]
    assert found["files"] == [f"results/a/{name}" for name in files]
    latex = Path("results/a/front.tex").read_text(encoding="utf-8")
    assert latex.startswith("% \\usepackage{booktabs") and r"\caption{Front of " in latex
    assert latex.count(r" \\") == 1 + len(found["front"])
    streams = {row["trial"]: row["stages[*].streams"] for row in found["front"]}
    assert streams.pop(number) is None
    assert streams and all(type(own) is int for own in streams.values())
    table = pd.read_csv("results/a/trials.csv", dtype=str)
    assert set(table["stages[*].streams"].dropna()) <= {"1", "2", "3", "4"}


def test_what_a_baseline_breaks_and_what_has_changed_are_shown(folder: Path, capsys: Shown) -> None:
    add_baseline(Path("results/a"), 0.9, "breaks macs <= 5M & <b>")
    file = Path("results/a/run.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"changes": ["was begun otherwise"]}))
    run("show", "results/a")
    shown = " ".join(capsys.readouterr().out.split())
    assert "warning was begun otherwise" in shown and "breaks macs" in shown
    hovered = " ".join(
        t.hovertext[0] for t in pareto_figure("results/a").data if "outside" in str(t.name)
    )
    assert "breaks macs &lt;= 5M &amp; &lt;b&gt;" in hovered


@pytest.mark.parametrize("arguments", ["show results/a", "pareto results/a", "report results/a"])
def test_a_record_is_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    """All that a verb writes and prints is of one moment, though a search goes on; and it is what
    takes the time of a large run."""
    read, counts = Record._read, []

    def counted(own: Record, *of: int) -> list[Trial]:
        counts.append(len(trials := read(own, *of)))
        return trials

    monkeypatch.setattr(Record, "_read", counted)
    run(*arguments.split())
    assert [count for count in counts if count] == [6]


def test_a_snapshot_is_of_the_moment_it_was_taken(tmp_path: Path) -> None:
    now = open_run(make_run(tmp_path / "run"))
    then = now.snapshot()
    with closing(Record(now.path / "record.db")) as record:
        record.change(0, reason="another")
    assert not then.all_trials()[0].reason and now.all_trials()[0].reason == "another"
