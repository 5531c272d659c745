"""What `search` tells of a run that has no front yet."""

from pathlib import Path

import pytest

from nas.commands.search import _text, search
from nas.errors import UserError
from nas.search import open_run
from tests.commands.test_cli import SPACE, cli
from tests.made_up_runs import make_run


def test_without_a_complete_trial_the_best_on_a_rung_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_run(tmp_path / "run", ({1: 0.3}, {1: 0.1, 3: 0.2}, {1: 0.1, 3: 0.25}))
    assert not _text(open_run(path))
    assert capsys.readouterr().out == (
        f"no trial is complete (1 failed: the loss is nan at step 3); the run is {path}\n"
        "3 stand on rungs; the best is trial 2, score 0.2500 after epoch 3\n"
    )
    assert _text(open_run(make_run(tmp_path / "other")))


def test_the_cheapest_that_is_good_enough_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _text(open_run(make_run(tmp_path / "a", score_min=0.3)))
    assert "\nthe cheapest with a score of 0.3 at least is trial 0\n" in capsys.readouterr().out
    assert _text(open_run(make_run(tmp_path / "b", score_min=0.8)))
    assert "no trial has a score of at least 0.8; the best is #1" in capsys.readouterr().out


def test_what_was_interrupted_had_no_small_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = open_run(make_run(tmp_path / "run", ({1: 0.3},), failed=0))
    for interrupted in (False, True):
        assert not _text(run, interrupted=interrupted)
        assert ("the budget was too small" in capsys.readouterr().out) is not interrupted


@pytest.mark.parametrize("record", [None, b""])  # it is not there yet, or just being made
def test_interrupted_before_there_is_a_record_it_ends_with_code_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: bytes | None
) -> None:
    def interrupted(path: Path) -> None:
        if record is not None:
            path.write_bytes(record)
        raise KeyboardInterrupt

    (tmp_path / "space.yaml").write_text(SPACE)
    monkeypatch.setattr("nas.search.driver.Record", interrupted)
    done = cli("search", "space.yaml", "--out", "run", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_options_come_to_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}

    def run_search(space: str, **own: object) -> None:
        given.update(own)
        raise UserError(space)

    monkeypatch.setattr("nas.search.run_search", run_search)
    with pytest.raises(UserError, match="osnet-mini"):
        search("osnet-mini", sampler="ehvi", score_min=0.5, growth_min=0.1, no_rungs=True, seed=3)
    expected = {"sampler": "ehvi", "score_min": 0.5, "growth_min": 0.1, "rungs": "", "seed": 3}
    assert {name: given[name] for name in expected} == expected
