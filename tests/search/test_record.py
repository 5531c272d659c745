import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nas.architecture import key, preset
from nas.errors import UserError
from nas.search.record import SCHEMA, Record, Trial
from nas.search.run import open_run
from nas.training import Job, Recipe, Result
from tests.made_up_runs import make_run

RECIPE = Recipe(name="r", epochs=1, batch=2, lr=0.1)


def trial(number: int, name: str) -> Trial:
    architecture = preset(name)
    return Trial(number, key(architecture), {"width": number}, architecture, {"macs": 1}, {"a": 1})


def job(number: int) -> Job:
    return Job(f"{number}-0-1", number, preset("osnet_x1_0"), RECIPE, "synthetic", 0, to_epoch=1)


def test_what_was_recorded_is_read_back_by_another_reader(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.db")
    record.add(trial(0, "osnet_x1_0"))
    record.add(trial(1, "osnet_x0_25"))
    record.finish(
        job(0), Result("done", scores={"score": 0.5}, train_seconds=2.0, eval_seconds=1.0)
    )
    record.finish(job(1), Result("failed", "the loss is nan"))
    first, second = Record(tmp_path / "record.db", read_only=True).trials()
    assert (first.state, first.scores, first.seconds) == ("complete", {"score": 0.5}, 3.0)
    assert (first.architecture, first.note) == (preset("osnet_x1_0"), {"a": 1})
    assert (second.state, second.reason, second.scores) == ("failed", "the loss is nan", {})


def test_a_clock_that_is_set_back_changes_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(tmp_path / "record.db")
    record.add(trial(0, "osnet_x1_0"))
    first = replace(job(0), recipe=RECIPE.model_copy(update={"epochs": 2}))
    record.finish(first, Result("done", scores={"score": 0.5}))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    second = replace(first, id="0-0-2", from_epoch=1, to_epoch=2)
    record.finish(second, Result("done", scores={"score": 0.7}))
    (own,) = Record(tmp_path / "record.db", read_only=True).trials()
    assert (own.scores, own.rungs) == ({"score": 0.7}, {1: 0.5, 2: 0.7})


def test_a_key_is_recorded_once_and_once_more_as_a_baseline(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.db")
    record.add(trial(0, "osnet_x1_0"))
    with pytest.raises(sqlite3.IntegrityError):
        record.add(trial(1, "osnet_x1_0"))
    record.add(replace(trial(1, "osnet_x1_0"), state="baseline"))
    assert [own.state for own in record.trials()] == ["running", "baseline"]


def test_a_file_from_when_no_baseline_had_the_key_of_a_trial_is_gone_on_with(
    tmp_path: Path,
) -> None:
    record = Record(tmp_path / "record.db")
    record.add(trial(0, "osnet_x1_0"))
    record.finish(job(0), Result("done", scores={"score": 0.5}))
    before, file = record.trials(), tmp_path / "former.db"
    with closing(sqlite3.connect(file)) as former:
        former.executescript(
            re.sub("CREATE UNIQUE.*", "", SCHEMA).replace(
                "key TEXT NOT NULL", "key TEXT NOT NULL UNIQUE"
            )
        )
        former.execute("ATTACH ? AS new", (str(record.path),))
        former.executescript("INSERT INTO main.trials SELECT * FROM new.trials")
        former.executescript("INSERT INTO main.jobs SELECT * FROM new.jobs")
    again = Record(file)
    assert again.trials() == before
    again.add(replace(trial(1, "osnet_x1_0"), state="baseline"))
    assert Record(file, read_only=True).trials() == again.trials()


def test_time_adds_up_over_sessions(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.db")
    record.session(1000.0, 50.0)
    record.session(1000.0, 100.0)
    record.session(2000.0, 10.0)
    assert record.seconds_spent() == 110


def test_in_a_directory_that_can_not_be_written_it_is_read_without_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(tmp_path / "record.db")
    record.add(trial(0, "osnet_x1_0"))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with closing(Record(record.path, read_only=True)) as beside:  # what its writer has said so far
        assert beside.trials() == record.trials()
    record.close()
    record.path.with_name("record.db-wal").touch()  # a reader's; its copy may lack the rest
    with closing(Record(record.path, read_only=True)) as after:
        assert len(after.trials()) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["record.db", "record.db-wal"]


def test_a_run_that_is_looked_at_from_another_directory_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path / "run")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    opened = open_run("run")
    monkeypatch.chdir("other")
    with pytest.raises(UserError, match=rf"^{tmp_path}/other/run/record.db is not there$"):
        opened.trials()


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    file = tmp_path / "record.db"
    file.write_text("nonsense, and enough of it to be no empty database" * 20)
    with pytest.raises(UserError, match=r"record.db: not a readable record"):
        Record(file)


def test_trials_are_at_every_moment_what_another_reader_finds(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.db")

    def agrees() -> bool:
        return record.trials() == Record(tmp_path / "record.db", read_only=True).trials()

    record.add(trial(0, "osnet_x1_0"))
    assert len(record.trials()) == 1 and agrees()
    record.add(trial(1, "osnet_x0_25"))
    ended = record.finish(job(0), Result("done", scores={"score": 0.5}, train_seconds=2.0))
    assert ended == record.trials()[0] and ended.state == "complete" and agrees()
    assert record.finish(job(1), Result("failed", "no")).reason == "no" and agrees()
    record.close()
    again = Record(tmp_path / "record.db")
    again.add(trial(2, "osnet_x0_5"))
    assert [t.number for t in again.trials()] == [0, 1, 2]


def test_a_baseline_is_measured_with_its_first_fresh_seed(tmp_path: Path) -> None:
    """It has no other job."""
    record = Record(tmp_path / "record.db")
    record.add(replace(trial(0, "osnet_x1_0"), state="baseline", baseline="osnet_x1_0"))
    own = replace(job(0), id="0-1-1", replicate=1)
    found = record.finish(own, Result("done", scores={"score": 0.5}, measured={"latency_ms": 2.0}))
    assert (found.state, found.costs) == ("baseline", {"macs": 1, "latency_ms": 2.0})
    assert found.fresh == {1: 0.5}
