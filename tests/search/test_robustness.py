"""Every failure that a search must outlast, provoked. benchmarks/kills.py kills at random moments.

Most searches here train for real, one job after the other in this process, which is fast; those
that kill a worker have real ones.
"""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest
import torch

import nas.files
from nas.errors import Unwritable, UserError
from nas.search import Run, Trial, open_run, run_search
from nas.search.checkpoints import kept_checkpoints
from nas.search.record import Record
from nas.search.workers import LocalWorkers, adopt, publish
from nas.training import Job, Result
from nas.training.loop import Trainer
from tests.inline import Inline
from tests.search.conftest import DATA, SPACE

BUDGET = "5trials"
RUNGS = "name: tiny\nepochs: 3\nrungs: [1, 2]\nbatch: 16\nlr: 0.01\n"


class Watch:
    """A view that keeps what is told, and calls `act` when a job is done or begun."""

    def __init__(self, act: Callable[[Any], None] = lambda status: None) -> None:
        self.act = act
        self.told: list[str] = []

    def opened(self, path: Path) -> None: ...
    def update(self, status: Any) -> None:
        self.act(status)

    def finished(self, trial: Trial, status: Any) -> None: ...
    def notice(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def climbing(tiny: dict[str, str]) -> dict[str, Any]:
    """Arguments of a search with rungs, which trials climb from early on: not so with ehvi."""
    Path(tiny["recipe"]).write_text(RUNGS)
    return {**tiny, "budget": BUDGET, "workers": 1, "sampler": "random"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """That search where nothing fails."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "space.yaml").write_text(SPACE)
    (folder / "recipe.yaml").write_text(RUNGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nas.search.driver.LocalWorkers", Inline)
        return run_search(
            folder / "space.yaml",
            recipe=str(folder / "recipe.yaml"),
            data=DATA,
            out=folder / "run",
            budget=BUDGET,
            workers=1,
            sampler="random",
        )


def outcome(run: Run) -> list[tuple[Any, ...]]:
    return [
        (t.number, t.key, t.state, t.reason, t.scores, t.rungs, t.fresh) for t in run.all_trials()
    ]


def jobs(
    run: str | Path, columns: str = "id, from_epoch, outcome, reason"
) -> list[tuple[Any, ...]]:
    with sqlite3.connect(Path(run) / "record.db") as db:
        return db.execute(f"SELECT {columns} FROM jobs ORDER BY finished_at").fetchall()


def interrupt_after(climbing: dict[str, Any], results: int) -> None:
    """Start the search, and press Ctrl-C when so many jobs are recorded."""

    def act(status: Any) -> None:
        if sum(len(trial.rungs) for trial in status.trials) >= results:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_search(**climbing, view=Watch(act))


def processes() -> list[int]:
    """Of the workers of this process."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [
        int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


# Workers that die


def test_a_job_whose_worker_is_killed_is_run_again_from_the_last_rung(
    climbing: dict[str, Any], whole: Run
) -> None:
    killed: list[int] = []

    def act(status: Any) -> None:
        climbs = [t for t in status.trials if t.number in status.running and t.rungs]
        if climbs and not killed:
            killed.extend(processes())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    view = Watch(act)
    run = run_search(**climbing, view=view)
    assert len(killed) == 1
    assert sum("died; its job is run again" in text for text in view.told) == 1
    assert outcome(run) == outcome(whole)
    assert jobs(climbing["out"]) == jobs(whole.path)
    assert {(name[-1], start) for name, start, _, _ in jobs(climbing["out"]) if start} == {
        ("2", 1),
        ("3", 2),
    }


def test_a_job_whose_worker_dies_again_and_again_is_a_failure_of_its_trial_alone(
    climbing: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadly(Inline):
        def submit(self, job: Job) -> Future[Result]:
            if job.trial != 1:
                return super().submit(job)
            future: Future[Result] = Future()
            future.set_exception(BrokenProcessPool("killed"))
            return future

    monkeypatch.setattr("nas.search.driver.LocalWorkers", Deadly)
    trials = run_search(**climbing).all_trials()
    assert (trials[1].state, trials[1].reason) == (
        "failed",
        "its worker died 3 times (out of memory?)",
    )
    assert {trial.state for trial in trials if trial.number != 1} <= {
        "complete",
        "stopped",
        "baseline",
    }


def test_a_worker_that_dies_while_it_has_nothing_to_do_is_replaced(
    climbing: dict[str, Any], tmp_path: Path
) -> None:
    job = _job(climbing)
    pool = LocalWorkers(1, 1, tmp_path)
    try:
        first = pool.submit(job).result(timeout=600)
        for pid in processes():
            os.kill(pid, signal.SIGKILL)
        limit = time.time() + 600
        while processes() and time.time() < limit:
            time.sleep(0.01)
        try:
            again = pool.submit(job).result(timeout=600)
        except BrokenProcessPool:  # its death was not noticed yet: what the driver does then
            again = pool.submit(job).result(timeout=600)
    finally:
        pool.close()
    assert again.scores == first.scores


def test_what_a_worker_hands_over_fits_into_a_pipe(
    climbing: dict[str, Any], tmp_path: Path
) -> None:
    """Or the driver would wait forever for the rest, where the worker is killed meanwhile."""
    pool = LocalWorkers(1, 1, tmp_path)
    try:
        result = pool.submit(_job(climbing)).result(timeout=600)
    finally:
        pool.close()
    found = adopt(tmp_path, "0-0-1")
    assert result.state == b""
    assert found is not None and found.state
    assert found.scores == result.scores


def _job(climbing: dict[str, Any]) -> Job:
    from nas.space import load_space
    from nas.training import load_recipe

    base = load_space(climbing["space"]).base
    recipe = load_recipe(climbing["recipe"])
    return Job("0-0-1", 0, base, recipe, climbing["data"], seed=0, to_epoch=1)


# Trials that fail


def test_a_trial_that_runs_out_of_memory_twice_is_infeasible_and_the_search_goes_on(
    climbing: dict[str, Any], inline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, sizes = Trainer.train, []

    def exhausted(self: Trainer, *args: Any, **kwargs: Any) -> None:
        sizes.append(self.recipe.accumulate)
        if len(sizes) <= 2:
            raise torch.OutOfMemoryError("no room left")
        train(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "train", exhausted)
    trials = run_search(**climbing).all_trials()
    assert sizes[:3] == [1, 2, 1]
    assert (trials[0].state, trials[0].reason) == ("infeasible", "out of memory: no room left")
    assert any(trial.state == "complete" for trial in trials)
    assert "infeasible" not in {trial.state for trial in trials[1:]}


def test_a_loss_that_is_no_number_is_recorded_and_three_of_them_stop_the_search(
    climbing: dict[str, Any], inline: None
) -> None:
    Path(climbing["recipe"]).write_text(
        "name: wild\nepochs: 2\nbatch: 16\noptimizer: sgd\nlr: 1.0e+12\n"
    )
    with pytest.raises(UserError, match=r"the first 3 trials failed alike: the loss is [^\n]+$"):
        run_search(**climbing)
    trials = open_run(climbing["out"]).all_trials()
    assert [trial.state for trial in trials] == ["failed"] * 3
    assert all(trial.reason.startswith("the loss is ") for trial in trials)


def test_failures_that_differ_in_numbers_only_are_alike(
    climbing: dict[str, Any], inline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = iter(range(100))

    def exhausted(self: Trainer, *args: Any, **kwargs: Any) -> None:
        raise torch.OutOfMemoryError(f"tried to allocate {next(tries)}.5 MiB")

    monkeypatch.setattr(Trainer, "train", exhausted)
    with pytest.raises(UserError, match="the first 3 trials failed alike: out of memory: tried"):
        run_search(**climbing)


def test_where_failures_differ_or_a_trial_succeeds_the_search_goes_on(
    climbing: dict[str, Any], inline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = iter(["one thing", "another", "a third", "one thing"])
    train = Trainer.train

    def failing(self: Trainer, *args: Any, **kwargs: Any) -> None:
        reason = next(reasons, None)
        if reason:
            raise RuntimeError(reason)
        train(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "train", failing)
    states = [trial.state for trial in run_search(**climbing).all_trials()]
    assert states[:4] == ["failed"] * 4
    assert states[4] == "complete"


# A disk that is full


def _refuse(monkeypatch: pytest.MonkeyPatch, part: str, after: int) -> None:
    """Writing files with `part` in their path fails after so many, as on a full disk."""
    replace, seen = nas.files._replace, []

    def full(path: Path, data: bytes) -> None:
        if part in str(path):
            seen.append(path)
            if len(seen) > after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(path, data)

    monkeypatch.setattr("nas.files._replace", full)


def _limit_record(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """The record can grow by so many pages, and is full then."""
    begin = Record.__init__

    def limited(self: Record, path: Path, **kwargs: Any) -> None:
        begin(self, path, **kwargs)
        (count,) = self.db.execute("PRAGMA page_count").fetchone()
        self.db.execute(f"PRAGMA max_page_count = {count + pages}")

    monkeypatch.setattr(Record, "__init__", limited)


FULL = {
    "a checkpoint": lambda patch: _refuse(patch, "checkpoints", 1),
    "a result": lambda patch: _refuse(patch, "outbox", 4),
    "the record, soon": lambda patch: _limit_record(patch, 0),
    "the record, later": lambda patch: _limit_record(patch, 1),
    "a table": lambda patch: _refuse(patch, "trials.csv", 0),
}


@pytest.mark.parametrize("what", FULL)
def test_a_full_disk_stops_the_search_in_one_line_and_the_same_command_goes_on(
    climbing: dict[str, Any], whole: Run, inline: None, what: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        FULL[what](patch)
        with pytest.raises(
            UserError,
            match=r"^[^\n]+ can not be written \((No space left on device|database or disk is "
            r"full)\); nothing that was recorded is lost: the same command goes on once that is "
            r"mended$",
        ):
            run_search(**climbing)
    before = jobs(climbing["out"], "*")
    assert all(row[5] == "done" for row in before)
    run = run_search(**climbing)
    assert outcome(run) == outcome(whole)
    assert jobs(climbing["out"], "*")[: len(before)] == before
    assert not list((Path(climbing["out"]) / "outbox").iterdir())


def test_a_full_disk_is_exit_code_2_and_one_line_of_the_command(
    climbing: dict[str, Any],
    inline: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from nas.commands import main

    _refuse(monkeypatch, "checkpoints", 0)
    command = ["osnet-nas", "search", climbing["space"], "--budget", "5trials", "--workers", "1"]
    for name in ("recipe", "data", "out"):
        command += [f"--{name}", climbing[name]]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"error: {climbing['out']}/checkpoints/0-1.pt can not be written (No s")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of a size, which a second call changes."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a file system can be mounted by root only")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("size", ["40k", "300k", "900k"])
def test_a_small_disk_that_is_full_stops_the_search_and_once_it_is_larger_it_goes_on(
    climbing: dict[str, Any],
    whole: Run,
    inline: None,
    small_disk: Callable[[str], Path],
    size: str,
) -> None:
    climbing = climbing | {"out": str(small_disk(f"size={size}") / "run")}
    with pytest.raises(UserError, match=r"^[^\n]* can not be written \([^\n]*$"):
        run_search(**climbing)
    small_disk("remount,size=64m")
    run = run_search(**climbing)
    assert outcome(run) == outcome(whole)
    assert not [row for row in jobs(climbing["out"]) if row[2] != "done"]


def test_a_study_that_can_not_be_written_is_told_and_made_again_the_next_time(
    climbing: dict[str, Any],
    whole: Run,
    inline: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view = Watch()
    with monkeypatch.context() as patch:
        patch.setattr("optuna.Study.tell", lambda *args, **kwargs: 1 / 0)
        assert outcome(run_search(**climbing, view=view)) == outcome(whole)
    assert sum("study.db can not be written (division by zero)" in text for text in view.told) == 1
    run = run_search(**climbing)
    assert _studied(climbing["out"]) == _expected(run)


def test_the_first_error_is_told_where_the_tables_can_not_be_written_either(
    climbing: dict[str, Any], inline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Run) -> None:
        raise Unwritable("the second error")

    monkeypatch.setattr("nas.search.driver.Run.write_tables", refuse)
    _refuse(monkeypatch, "checkpoints", 0)
    with pytest.raises(UserError, match=r"checkpoints/0-1\.pt can not be written"):
        run_search(**climbing)


# Files that are torn, or gone


@pytest.mark.parametrize("size", [0, -1])
def test_a_torn_checkpoint_is_noticed_and_the_trial_trained_from_the_start(
    climbing: dict[str, Any], whole: Run, size: int, inline: None
) -> None:
    interrupt_after(climbing, 3)
    files = list((Path(climbing["out"]) / "checkpoints").iterdir())
    assert len(files) == 3
    for file in files:
        file.write_bytes(file.read_bytes()[:size])
    run = run_search(**climbing)
    assert outcome(run) == outcome(whole)
    again = [(name, start) for name, start, _, _ in jobs(climbing["out"]) if name[-4:] == "-0-2"]
    assert 0 in {start for _, start in again}


def _studied(run: str) -> list[str]:
    with sqlite3.connect(Path(run) / "study.db") as db:
        return [state for (state,) in db.execute("SELECT state FROM trials ORDER BY number")]


def _expected(run: Run) -> list[str]:
    names = {"complete": "COMPLETE", "stopped": "PRUNED", "baseline": "COMPLETE"}
    return [
        names[trial.state] if trial.state != "baseline" or len(trial.fresh) > 1 else "RUNNING"
        for trial in run.all_trials()
    ]


@pytest.mark.parametrize("keep", [None, 0, 40_000])
def test_a_study_that_is_gone_or_torn_is_rebuilt_from_the_record(
    climbing: dict[str, Any],
    whole: Run,
    keep: int | None,
    inline: None,
) -> None:
    interrupt_after(climbing, 4)
    study = Path(climbing["out"]) / "study.db"
    if keep is None:
        study.unlink()
    else:
        os.truncate(study, keep)
    run = run_search(**climbing)
    assert outcome(run) == outcome(whole)
    assert _studied(climbing["out"]) == _expected(run)


def test_what_a_torn_write_leaves_is_ignored_and_removed(
    climbing: dict[str, Any], whole: Run, inline: None
) -> None:
    interrupt_after(climbing, 2)
    folder = Path(climbing["out"])
    torn = [folder / ".run.json.a1b2.tmp"]
    torn += [folder / "checkpoints" / ".0-2.pt.c3.tmp", folder / "outbox" / ".1-0-2.json.d4.tmp"]
    for file in torn:
        file.write_bytes(b"{")
    assert outcome(run_search(**climbing)) == outcome(whole)
    assert not any(file.exists() for file in torn)


@pytest.mark.parametrize("part", ["json", "pt"])
def test_a_result_that_is_torn_is_not_adopted(
    climbing: dict[str, Any],
    whole: Run,
    part: str,
    inline: None,
) -> None:
    outbox = _published(climbing, "0-0-1", {"score": 0.125})
    file = outbox / f"0-0-1.{part}"
    file.write_bytes(file.read_bytes()[:-1])
    assert adopt(outbox, "0-0-1") is None
    assert outcome(run_search(**climbing)) == outcome(whole)
    assert not list(outbox.iterdir())


def test_a_result_that_is_recorded_already_is_forgotten(
    climbing: dict[str, Any], whole: Run, inline: None
) -> None:
    interrupt_after(climbing, 1)
    outbox = Path(climbing["out"]) / "outbox"
    publish(outbox, "0-0-1", Result("done", scores={"score": 0.125}))
    assert outcome(run_search(**climbing)) == outcome(whole)
    assert not list(outbox.iterdir())


def test_what_somebody_put_beside_them_is_left_alone(
    climbing: dict[str, Any], whole: Run, inline: None
) -> None:
    interrupt_after(climbing, 1)
    path = Path(climbing["out"])
    names = ("checkpoints/0-1 (copy).pt", "checkpoints/best.pt", "outbox/0-0-1 (copy).json")
    for name in names:
        (path / name).write_bytes(b"mine")
    run = run_search(**climbing)
    assert outcome(run) == outcome(whole)
    assert set(kept_checkpoints(path)) == set(kept_checkpoints(whole.path))
    assert all((path / name).read_bytes() == b"mine" for name in names)


def test_a_result_of_a_record_that_is_gone_is_forgotten(
    climbing: dict[str, Any], whole: Run, inline: None
) -> None:
    outbox = _published(climbing, "0-0-1", {"score": 0.125})
    (outbox.parent / "record.db").unlink()
    assert outcome(run_search(**climbing)) == outcome(whole)
    assert not list(outbox.iterdir())


def test_a_result_that_waits_is_recorded_though_the_budget_is_spent(
    climbing: dict[str, Any], inline: None
) -> None:
    _published(climbing, "0-0-1", {"score": 0.125})
    run = run_search(**climbing | {"budget": "1s"})
    assert run.all_trials()[0].rungs[1] == 0.125


def _published(climbing: dict[str, Any], name: str, scores: dict[str, float]) -> Path:
    """A run whose driver died after its first job was published; the outbox, with that result."""

    def act(status: Any) -> None:
        if status.running:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nas.search.driver.Driver._collect", lambda *args, **kwargs: None)
        with pytest.raises(KeyboardInterrupt):
            run_search(**climbing, view=Watch(act))
    outbox = Path(climbing["out"]) / "outbox"
    publish(outbox, name, Result("done", scores=scores, state=b"state", train_seconds=2.0))
    return outbox


# A clock that is set


@pytest.mark.parametrize("by", [-7200.0, 7200.0])
def test_a_clock_that_is_set_meanwhile_spends_nothing_and_gives_nothing(
    climbing: dict[str, Any], inline: None, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    clock, spent = time.time, []

    def act(status: Any) -> None:
        monkeypatch.setattr(time, "time", lambda: clock() + by)
        spent.append(status.seconds)

    run = run_search(**climbing, view=Watch(act))
    assert all(0 <= seconds < 3600 for seconds in spent)
    with run.record() as record:
        assert 0 <= record.seconds_spent() < 3600


# Two drivers


def test_a_second_driver_is_refused_in_one_line_and_changes_nothing(
    climbing: dict[str, Any], inline: None
) -> None:
    from nas.lock import locked

    interrupt_after(climbing, 2)
    before = jobs(climbing["out"], "*")
    command = [sys.executable, "cli.py", "search", climbing["space"], "--budget", "5trials"]
    for name in ("recipe", "data", "out"):
        command += [f"--{name}", climbing[name]]
    with locked(Path(climbing["out"]), "search"):
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert second.stderr == (
        f"error: {climbing['out']} is in use by another search; wait for it, or choose another "
        "--out\n"
    )
    assert jobs(climbing["out"], "*") == before
