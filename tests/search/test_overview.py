"""What is listed of runs, without a look at their architectures."""

import errno
import json
import sqlite3
from pathlib import Path

import pytest

from nas.errors import UserError
from nas.lock import locked
from nas.report.runs import run_table
from nas.search.budget import Budget
from nas.search.overview import list_runs, overview
from nas.search.record import REUSED, Record
from tests.made_up_runs import RECIPE, make_run
from tests.report.text import text_of


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "results" / "a", fresh={1: (0.45, 0.57)})


def test_a_search_is_told_by_its_record(run: Path) -> None:
    (found,) = list_runs(run.parent)
    assert (found.path, found.kind, found.space) == (run, "search", "osnet-mini")
    assert (found.data, found.recipe) == ("synthetic", "made-up")
    assert found.trials == {"complete": 3, "stopped": 2, "failed": 1}
    assert found.best == 0.5  # not the 0.57 of a fresh seed, nor a score on a rung
    assert found.budget == Budget("time", 300.0)
    assert found.spent["seconds"] == 240
    assert found.left == 60
    assert found.spent["epochs"] == 9 * 3 + 1 + 3 + 2 * 9 + 1
    assert found.spent["replicates"] == 3 + 2
    assert found.state == "finished"
    assert found.spent_in_words() == "4m00s of 5m00s"


def test_what_was_taken_over_is_not_spent(run: Path) -> None:
    record = Record(run / "record.db")
    with record.db:
        record.db.execute("""UPDATE trials SET note = '{"from": "x#0"}' WHERE number = 0""")
        record.db.execute(f"UPDATE jobs SET reason = '{REUSED}' WHERE trial = 0")
    epochs = sum(trial.epochs for trial in Record(run / "record.db", read_only=True).trials())
    record.close()
    found = overview(run)
    assert sum(found.trials.values()) == 6
    assert found.spent["trials"] == 5
    assert found.spent["epochs"] == epochs == 9 * 2 + 1 + 3 + 2 * 9 + 1


def test_macs_spent_are_those_of_the_trials(run: Path) -> None:
    from nas.search import open_run

    expected = sum(3 * t.costs["macs"] * t.images for t in open_run(run).all_trials())
    assert overview(run).spent["macs"] == pytest.approx(expected)


def test_who_holds_the_directory_is_going_on_and_who_left_early_was_interrupted(
    tmp_path: Path,
) -> None:
    path = make_run(tmp_path / "a", ended=False)
    assert overview(path).state == "interrupted"
    with locked(path, "search"):
        assert overview(path).state == "going on"
        with pytest.raises(UserError, match="in use by another"), locked(path, "search"):
            pass
    assert overview(path).state == "interrupted"


def test_a_directory_has_one_lock_by_whatever_name_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = make_run(tmp_path / "a"), tmp_path / "link"
    link.symlink_to(path)
    monkeypatch.chdir(path)
    with locked(path, "search"):
        for other in (link, Path()):
            assert overview(other).state == "going on"
            with pytest.raises(UserError, match="in use by another"), locked(other, "search"):
                pass


def test_where_a_file_is_the_lock_it_is_named_as_its_machine_may_have_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", flock)
    path, lock = make_run(tmp_path / "a"), tmp_path / ".a.lock"
    with locked(path, "search"):
        assert overview(path).state == "going on"
    assert overview(path).state == "finished"
    lock.write_text("4711\nnode17\n")
    with pytest.raises(UserError, match=rf"in use .*died, remove {lock}$"), locked(path, "search"):
        pass
    assert not recwarn.list


def test_a_run_of_before_sessions_were_noted_goes_by_what_runs(run: Path) -> None:
    (run / "session.json").unlink()
    assert (overview(run).state, overview(run).budget, overview(run).left) == (
        "finished", None, None,
    )  # fmt: skip
    db = sqlite3.connect(run / "record.db")
    db.execute("UPDATE trials SET state = 'running' WHERE number = 2")
    db.commit()
    assert overview(run).state == "interrupted"
    assert overview(run).spent_in_words() == "4m00s"


def test_kinds_are_told_apart_and_the_last_changed_is_last(tmp_path: Path) -> None:
    make_run(tmp_path / "c", design="factorial", rows={}, split="test")
    make_run(tmp_path / "b" / "deep", audit="space")
    (tmp_path / "a").mkdir()
    asked = {"key": "k" * 16, "data": "synthetic", "recipe": RECIPE.model_dump(), "seed": 0}
    (tmp_path / "a" / "train.json").write_text(json.dumps({"asked": asked}))
    (tmp_path / "a" / "metrics.csv").write_text("epoch,seconds\n1,2.5\n2,3.5\n")
    found = list_runs(tmp_path)
    assert [run.kind for run in found] == ["audit", "ablation", "training"]
    training = found[-1]
    assert (training.state, training.space, training.best) == ("interrupted", "k" * 16, None)
    assert training.spent == {"epochs": 2, "seconds": 6.0}
    assert training.spent_in_words() == "2 epochs of 9 epochs"
    (tmp_path / "a" / "scores.json").write_text('{"synthetic": {"mAP": 0.6, "score": 0.6}}')
    assert (overview(tmp_path / "a").state, overview(tmp_path / "a").best) == ("finished", 0.6)
    (tmp_path / "a" / "scores.json").write_text('{" synthetic": {"mAP": 0.6, "score": 0.6}}')
    assert overview(tmp_path / "a").state == "finished"  # however its data was written
    for content in ("null", "3", "[]", '{"synthetic": 0.6}'):
        (tmp_path / "a" / "scores.json").write_text(content)
        assert overview(tmp_path / "a").state == "damaged"


def test_what_is_damaged_is_listed_and_hides_no_other(run: Path) -> None:
    other = make_run(run.parent / "b")
    (other / "record.db").write_bytes(b"nonsense" * 200)
    broken = make_run(run.parent / "c")
    (broken / "run.json").write_text("{")
    states = {own.path.name: (own.state, own.problem) for own in list_runs(run.parent)}
    assert states["a"] == ("finished", "")
    assert states["b"] == ("damaged", "file is not a database")
    assert states["c"][0] == "damaged"
    assert "run.json is damaged" in states["c"][1]
    told = text_of(run_table(list_runs(run.parent), 80))
    assert told.count(" trials") == told.count("3/2/1 trials") == 1  # of the others none is known


def test_no_folder_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []
    with pytest.raises(UserError, match="is not a directory"):
        list_runs(tmp_path / "none")


@pytest.mark.parametrize("width", [80, 200])
def test_nothing_is_cut_off_at_any_width(run: Path, width: int) -> None:
    text = text_of(run_table(list_runs(run.parent), width), width)
    words = ("search", "osnet-mini", "synthetic", "made-up", "3/2/1", "0.5000", "4m00s of 5m00s")
    assert all(word in text for word in (*words, "finished"))
    assert str(run) in text.replace("\n", "")
