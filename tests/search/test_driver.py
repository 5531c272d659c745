"""Searches that really train, on a data set that takes a second; in this process, where workers do
not matter."""

import json
import shlex
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nas.architecture import Component, Node, Pen, families
from nas.architecture.registry import family_fields
from nas.errors import UserError
from nas.provenance import command_line
from nas.report.run import run_fields
from nas.search import Trial, open_run, run_search
from nas.search.about import describe_run
from nas.search.checkpoints import kept_checkpoints
from nas.search.overview import overview
from nas.search.run import default_path
from nas.search.samplers.ehvi import START
from nas.search.search import _beforehand
from nas.space import load_space, make_space
from nas.training import Job, Result, load_recipe


def outcome(trials: list[Trial]) -> list[tuple[object, ...]]:
    return [(t.number, t.key, t.state, t.scores) for t in trials]


def test_a_search_leaves_a_run_with_everything_in_it(tiny: dict[str, str]) -> None:
    run = run_search(budget="4trials", workers=2, **tiny)
    trials = run.all_trials()
    assert [trial.state for trial in trials] == ["complete"] * 4
    assert len({trial.key for trial in trials}) == 4
    assert set(run.front()["trial"]) <= set(range(4))
    folder = Path(tiny["out"])
    for name in ("run.json", "record.db", "study.db", "trials.csv", "front.csv"):
        assert (folder / name).is_file(), name
    assert set(kept_checkpoints(folder)) == set(run.front()["trial"])
    assert not list((folder / "outbox").iterdir())
    study = sqlite3.connect(folder / "study.db")
    assert study.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone() == (4,)


@pytest.mark.usefixtures("inline")
def test_weights_are_kept_of_a_baseline_that_was_searched(
    tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fresh seeds may bring it on the front, though others lead by the scores of the search."""
    space = "space: own\nbase: osnet_x0_25\ninput: 32x16\nparameters: {width: [0.125, 0.25]}\n"
    Path(tiny["space"]).write_text(space)
    monkeypatch.setattr("nas.search.driver.leaders", lambda *_: [])
    run = run_search(budget="2trials", confirm=0, workers=1, **tiny)
    (base,) = [trial.number for trial in run.all_trials() if trial.is_baseline]
    assert set(kept_checkpoints(run.path)) == {base}


@pytest.mark.usefixtures("inline")
def test_a_run_is_read_though_nothing_was_measured_yet(tiny: dict[str, str]) -> None:
    run = run_search(budget="1trial", workers=1, **tiny)
    about = json.loads((run.path / "run.json").read_text())
    about["asked"]["objectives"] = ["score", "latency_ms"]
    (run.path / "run.json").write_text(json.dumps(about))
    with sqlite3.connect(run.path / "record.db") as db:
        db.execute("UPDATE trials SET state = 'failed'")
    found = open_run(run.path)
    found.write_tables()
    assert found.front().empty and found.trials()["latency_ms"].isna().all()


def test_what_can_not_be_built_is_told_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kept(Component):
        def lower(self, net: Pen, x: Node, channels: int) -> Node:
            return net.relu(x)

    monkeypatch.setitem(families._kinds, "kept", Kept)
    family_fields.cache_clear()
    families_of = {"stages[*].family": ["osnet", "kept"]}
    space = make_space("s", "osnet_x0_25", families_of, input="64x32")
    recipe = load_recipe("quick-reid")
    (told,) = _beforehand(space, [], recipe)
    assert told.startswith("some points can not be built, and are not tried: a block of kept")
    family_fields.cache_clear()
    assert not list(_beforehand(load_space("osnet-mini"), [], recipe))


def test_another_recipe_or_sampler_has_another_directory() -> None:
    plain = {
        "space": "osnet-mini", "data": "synthetic", "seed": 0, "objectives": ["score", "macs"],
        "sampler": "ehvi", "recipe": load_recipe("quick-reid").model_dump(),
    }  # fmt: skip
    assert default_path(plain) == Path("results/osnet-mini-synthetic-s0")
    classes = {"data": "fashion-mnist", "recipe": load_recipe("quick").model_dump()}
    assert default_path(plain | classes) == Path("results/osnet-mini-fashion-mnist-s0")
    others = [
        plain | {"recipe": load_recipe("quick").model_dump()},
        plain | {"recipe": load_recipe("quick-reid", ["epochs=12"]).model_dump()},
        plain | {"recipe": load_recipe("standard").model_dump()},
        plain | {"sampler": "tpe"},
        plain | {"data": "folder:here"},
        plain | {"score_min": 0.5},
    ]
    assert len({default_path(asked) for asked in [plain, *others]}) == 7
    assert default_path(plain | {"data": "folder: here/"}) == default_path(others[4])


@pytest.mark.usefixtures("inline")
def test_a_search_that_ended_as_little_was_expected_goes_on_where_less_is_enough(
    tiny: dict[str, Any],
) -> None:
    given = tiny | {"budget": "12trials", "workers": 1, "rungs": ""}
    ended = run_search(growth_min=0.99, **given).all_trials()
    assert START <= len(ended) < 12
    assert len(run_search(growth_min=0.99, **given).all_trials()) == len(ended)
    further = run_search(**given).all_trials()
    assert len(further) == 12
    assert [trial.key for trial in further[: len(ended)]] == [trial.key for trial in ended]


@pytest.mark.usefixtures("inline")
def test_the_least_score_is_part_of_what_was_asked(tiny: dict[str, Any]) -> None:
    run = run_search(budget="1trials", workers=1, score_min=0.25, **tiny)
    assert run.asked["score_min"] == 0.25
    assert ("score min", "0.25") in run_fields(describe_run(run), overview(run.path))
    with pytest.raises(UserError, match=r"differs in score_min: 0.25 there, 0.5 now"):
        run_search(budget="1trials", workers=1, score_min=0.5, **tiny)
    with pytest.raises(UserError, match=r"^--score-min: tpe looks for the whole front"):
        run_search(score_min=0.5, sampler="tpe", **tiny)
    with pytest.raises(UserError, match=r"^--score-min: tpe .* predict latency_ms by a --latency-"):
        run_search(score_min=0.5, objectives="score,latency_ms", **tiny)
    for wrong in (1.0, -0.1):
        with pytest.raises(UserError, match=rf"^--score-min: {wrong:g} is not a score from 0 to"):
            run_search(score_min=wrong, **tiny)


@pytest.mark.usefixtures("inline")
def test_a_resumed_search_equals_an_uninterrupted_one(tiny: dict[str, str], tmp_path: Path) -> None:
    whole = run_search(budget="12trials", workers=1, **(tiny | {"out": str(tmp_path / "whole")}))
    run_search(budget="5trials", workers=1, **tiny)
    (tmp_path / "run" / "study.db").unlink()  # a projection: made again from the record
    resumed = run_search(budget="12trials", workers=1, **tiny)
    assert outcome(resumed.all_trials()) == outcome(whole.all_trials())


def test_a_budget_of_epochs_is_spent_to_the_last_whole_trial(tiny: dict[str, str]) -> None:
    epochs = load_recipe(tiny["recipe"]).epochs
    run = run_search(budget=f"{3 * epochs}epochs", workers=2, **tiny)
    assert [trial.state for trial in run.all_trials()] == ["complete"] * 3
    run = run_search(budget=f"{4 * epochs + (epochs > 1)}epochs", workers=2, **tiny)
    assert len(run.all_trials()) == 4


@pytest.mark.usefixtures("inline")
def test_a_budget_of_macs_is_not_overrun_by_what_was_known_beforehand(tiny: dict[str, str]) -> None:
    one = run_search(budget="1trial", workers=1, **tiny).all_trials()[0]
    price = 3 * one.costs["macs"] * one.images
    assert one.images > 0
    amount = f"{30 * price / 1e9:.9f}GMAC"
    trials = run_search(budget=amount, workers=1, **tiny).all_trials()
    spent = sum(3 * trial.costs["macs"] * trial.images for trial in trials)
    assert price < spent <= 30 * price * (1 + 1e-6)


@pytest.mark.usefixtures("inline")
def test_the_same_command_after_the_budget_is_spent_runs_nothing(tiny: dict[str, str]) -> None:
    run_search(budget="2trials", workers=1, **tiny)
    before = (Path(tiny["out"]) / "record.db").read_bytes()
    told: list[str] = []

    class View:
        def opened(self, path: Path) -> None: ...
        def update(self, status: Any) -> None: ...
        def finished(self, trial: Trial, status: Any) -> None:
            raise AssertionError("nothing is left to do")

        def notice(self, text: str) -> None:
            told.append(text)

    run_search(budget="2trials", workers=1, view=View(), **tiny)
    assert any("the budget of 2 trials is spent" in text for text in told)
    assert len(before) > 0


@pytest.mark.usefixtures("inline")
def test_another_search_in_the_same_directory_is_refused_with_the_difference(
    tiny: dict[str, str],
) -> None:
    run_search(budget="1trial", workers=1, **tiny)
    with pytest.raises(UserError, match="differs in seed: 0 there, 1 now"):
        run_search(budget="1trial", workers=1, seed=1, **tiny)
    fresh = run_search(budget="1trial", workers=1, seed=1, fresh=True, **tiny)
    assert len(fresh.all_trials()) == 1


@pytest.mark.usefixtures("inline")
def test_a_result_that_was_published_but_not_recorded_is_adopted(tiny: dict[str, str]) -> None:
    from nas.search.workers import publish

    run_search(budget="2trials", workers=1, **tiny)
    folder = Path(tiny["out"])
    with sqlite3.connect(folder / "record.db") as db:
        db.execute("DELETE FROM jobs WHERE trial = 1")
        db.execute("UPDATE trials SET state = 'running' WHERE number = 1")
    publish(folder / "outbox", "1-0-1", Result("done", scores={"score": 0.125, "mAP": 0.125}))
    run = run_search(budget="2trials", workers=1, **tiny)
    assert run.all_trials()[1].scores["score"] == 0.125


class _Refusing:
    """A worker whose every job fails in the same way."""

    def __init__(self, *args: object, **options: object) -> None: ...

    def submit(self, job: Job) -> Any:
        from concurrent.futures import Future

        future: Future[Result] = Future()
        future.set_result(Result("failed", "out of memory: no room"))
        return future

    def cancel(self) -> None: ...
    def close(self) -> None: ...


def test_trials_that_all_fail_alike_stop_the_search(
    tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.search.driver.LocalWorkers", _Refusing)
    with pytest.raises(UserError, match="first 3 trials failed alike: out of memory: no room"):
        run_search(budget="9trials", workers=1, **tiny)
    assert [trial.state for trial in open_run(tiny["out"]).all_trials()] == ["failed"] * 3


def test_a_worker_that_is_killed_costs_nothing_but_its_job(tiny: dict[str, str]) -> None:
    import os
    import signal

    class Killer:
        killed = False

        def __init__(self) -> None:
            self.told: list[str] = []

        def opened(self, path: Path) -> None: ...
        def finished(self, trial: Trial, status: Any) -> None: ...
        def notice(self, text: str) -> None:
            self.told.append(text)

        def update(self, status: Any) -> None:
            if not self.killed and len(status.complete) == 1 and status.running:
                children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
                for pid in children.split():
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if b"spawn_main" in command:
                        os.kill(int(pid), signal.SIGKILL)
                        self.killed = True

    view = Killer()
    run = run_search(budget="3trials", workers=1, view=view, **tiny)
    assert view.killed
    assert sum("died; its job is run again" in text for text in view.told) == 1
    assert [trial.state for trial in run.all_trials()] == ["complete"] * 3


def test_a_recipe_for_full_length_is_refused_before_anything_is_written(
    tiny: dict[str, str],
) -> None:
    with pytest.raises(UserError, match="schedule onecycle is for training at full length"):
        run_search(budget="1trial", **tiny | {"recipe": "standard"})
    assert not Path(tiny["out"]).exists()


def test_a_second_driver_on_the_same_run_is_refused(tiny: dict[str, str]) -> None:
    from nas.lock import locked

    with locked(Path(tiny["out"]), "search"), pytest.raises(UserError, match="is in use"):
        run_search(budget="1trial", workers=1, **tiny)


def test_a_lock_that_can_not_be_taken_is_one_clear_line(tiny: dict[str, str]) -> None:
    from nas.lock import _lock_file

    _lock_file(Path(tiny["out"])).mkdir()
    with pytest.raises(
        UserError, match=r"can not be written \(Is a directory; its lock is .run.lock\)$"
    ):
        run_search(budget="1trial", workers=1, **tiny)
    assert not Path(tiny["out"]).exists()


def test_killed_in_the_middle_it_goes_on_and_leaves_no_orphan(
    tiny: dict[str, str], tmp_path: Path
) -> None:
    import os
    import signal
    import sys
    import time

    command = [sys.executable, "cli.py", "search", tiny["space"], "--budget", "8trials"]
    command += ["--workers", "1", "--recipe", tiny["recipe"], "--data", tiny["data"]]
    command += ["--out", tiny["out"]]
    driver = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    record = Path(tiny["out"]) / "record.db"
    limit = time.time() + 600

    def finished() -> list[tuple[Any, ...]]:
        if not record.exists():
            return []
        with sqlite3.connect(f"file:{record}?mode=ro", uri=True) as db:
            try:
                return db.execute(
                    "SELECT id, finished_at FROM jobs ORDER BY finished_at"
                ).fetchall()
            except sqlite3.OperationalError:
                return []

    while len(finished()) < 2 and time.time() < limit:
        time.sleep(0.05)
    children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text().split()
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    before = finished()
    assert len(before) >= 2
    assert children
    while any(_alive(pid) for pid in children) and time.time() < limit:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in children)
    subprocess.run(command, check=True, capture_output=True)
    after = finished()
    assert after[: len(before)] == before
    assert len(after) == len({job for job, _ in after}) == 8
    whole = run_search(
        budget="8trials", workers=1, **(tiny | {"out": str(tmp_path / "uninterrupted")})
    )
    assert outcome(open_run(tiny["out"]).all_trials()) == outcome(whole.all_trials())


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.usefixtures("inline")
def test_what_is_on_disk_can_not_run_code(tiny: dict[str, str]) -> None:
    run_search(budget="1trial", workers=1, **tiny)
    asked = json.loads((Path(tiny["out"]) / "run.json").read_text())["asked"]
    assert asked["recipe"]["name"] == "tiny"


@pytest.mark.usefixtures("inline")
def test_a_run_that_was_killed_while_it_was_made_is_made_again(tiny: dict[str, str]) -> None:
    for begun in ("checkpoints", "plugins"):
        (Path(tiny["out"]) / begun).mkdir(parents=True)
    assert len(run_search(budget="1trial", workers=1, **tiny).all_trials()) == 1


def test_a_directory_with_other_things_in_it_is_left_alone(tiny: dict[str, str]) -> None:
    Path(tiny["out"]).mkdir()
    (Path(tiny["out"]) / "thesis.tex").write_text("precious")
    for fresh in (False, True):
        with pytest.raises(UserError, match="is a directory with other things in it"):
            run_search(budget="1trial", workers=1, fresh=fresh, **tiny)
    assert (Path(tiny["out"]) / "thesis.tex").read_text() == "precious"


@pytest.mark.usefixtures("inline")
def test_a_damaged_study_is_made_again(tiny: dict[str, str]) -> None:
    run_search(budget="1trial", workers=1, **tiny)
    study = Path(tiny["out"]) / "study.db"
    study.write_bytes(b"junk" * 1000)
    run_search(budget="2trials", workers=1, **tiny)
    db = sqlite3.connect(study)
    assert db.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone() == (2,)


@pytest.mark.usefixtures("inline")
def test_once_the_cause_is_mended_a_search_whose_trials_all_failed_goes_on(
    tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("nas.search.driver.LocalWorkers", _Refusing)
        with pytest.raises(UserError, match="failed alike"):
            run_search(budget="5trials", workers=1, **tiny)
    states = [trial.state for trial in run_search(budget="5trials", workers=1, **tiny).all_trials()]
    assert states == ["failed"] * 3 + ["complete"] * 2


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("name", ["what?", "a%41", "b#c"])
def test_a_path_may_have_any_characters(tiny: dict[str, str], tmp_path: Path, name: str) -> None:
    run = run_search(budget="1trial", workers=1, **(tiny | {"out": str(tmp_path / name)}))
    assert len(run.all_trials()) == 1
    assert (tmp_path / name / "study.db").is_file()


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", b"{}"),
        ("run.json", b"[]"),
        ("run.json", b"\xff\x00"),
        ("run.json", b'{"asked": {"objectives": ["score"]}}'),
        ("record.db", b"junk" * 2000),
    ],
)
def test_a_damaged_run_is_one_clear_line(tiny: dict[str, str], file: str, content: bytes) -> None:
    run_search(budget="1trial", workers=1, **tiny)
    (Path(tiny["out"]) / file).write_bytes(content)
    with pytest.raises(UserError, match=rf"{file}.*(damaged|not a readable record)[^\n]*$"):
        open_run(tiny["out"]).all_trials()
    with pytest.raises(UserError, match=rf"{file}.*(damaged|not a readable record)[^\n]*$"):
        run_search(budget="1trial", workers=1, **tiny)


@pytest.mark.usefixtures("inline")
def test_a_difference_is_named_to_the_field(tiny: dict[str, str]) -> None:
    run_search(budget="1trial", workers=1, **tiny)
    recipe = Path(tiny["recipe"])
    recipe.write_text(recipe.read_text().replace("0.01", "0.02"))
    with pytest.raises(UserError, match=r"differs in recipe.lr: 0.01 there, 0.02 now"):
        run_search(budget="1trial", workers=1, **tiny)


@pytest.mark.usefixtures("inline")
def test_another_space_is_said_to_be_that_and_rungs_to_be_rungs(tiny: dict[str, str]) -> None:
    longer = tiny | {"overrides": ["epochs=2"]}
    run_search(budget="1trial", workers=1, **longer)
    with pytest.raises(UserError, match=r"differs in recipe.rungs: None there, \[1\] now"):
        run_search(budget="1trial", workers=1, rungs="1", **longer)
    space = Path(tiny["space"])
    space.write_text(space.read_text().replace("100k", "60k"))
    with pytest.raises(UserError, match=r"differs in the space, which is there as .*space\.yaml;"):
        run_search(budget="1trial", workers=1, **longer)


@pytest.mark.usefixtures("inline")
def test_the_command_of_a_run_can_be_typed_again(
    tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["cli.py", "search", "my space.yaml", ""])
    run = run_search(budget="1trial", workers=1, **tiny)
    for file in ("run.json", "session.json"):
        assert json.loads((run.path / file).read_text())["command"] == (
            "cli.py search 'my space.yaml' ''"
        )
    url = "postgresql://me@h/db?password=my secret"
    monkeypatch.setattr("sys.argv", ["cli.py", "--storage", url, "--out", "a b"])
    words = shlex.split(command_line())
    assert words == ["cli.py", "--storage", "postgresql://me@h/db?password=***", "--out", "a b"]
    monkeypatch.setattr("sys.argv", [""])
    assert command_line() == ""


@pytest.mark.usefixtures("inline")
def test_a_baseline_of_an_earlier_version_is_told_to_break_a_constraint(
    tiny: dict[str, str],
) -> None:
    space = Path(tiny["space"])
    space.write_text(space.read_text() + "baseline: [osnet_x0_25]\n")
    run = run_search(budget="8trials", workers=1, confirm=0.5, **tiny)
    (own,) = [trial for trial in run.all_trials() if trial.state == "baseline"]
    with sqlite3.connect(run.path / "record.db") as db:
        db.execute("UPDATE trials SET reason = '' WHERE state = 'baseline'")
    assert not run.trial(own.number).outside
    run_search(budget="8trials", workers=1, confirm=0.5, **tiny)
    assert run.trial(own.number).outside == own.outside == "breaks params <= 100k"
