"""A trial that is trained once more."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nas.errors import UserError
from nas.report.again import verdict
from nas.search import run_search
from nas.search.again import replay_trial
from nas.training import Job, Result
from tests.made_up_runs import make_run
from tests.search.test_robustness import RUNGS

Shift = Callable[[float], None]


@pytest.fixture
def shifted(monkeypatch: pytest.MonkeyPatch) -> Shift:
    """Trainings come to what the made-up trial 1 scored, and so much more."""

    def use(shift: float) -> None:
        known = {1: 0.15, 3: 0.25, 9: 0.50}
        state = {0: None, 1: b"1", 3: b"3"}

        def run(job: Job) -> Result:
            assert job.state == state[job.from_epoch]
            score = known[job.to_epoch] + shift
            scores = {"mAP": score, "rank1": score, "score": score}
            return Result("done", scores=scores, state=str(job.to_epoch).encode())

        monkeypatch.setattr("nas.search.again.run_job", run)
        monkeypatch.setattr("nas.search.again.prepare_dataset", lambda *_, **__: None)

    return use


@pytest.mark.usefixtures("inline")
def test_a_real_trial_comes_out_equal_to_the_last_bit(tiny: dict[str, str]) -> None:
    Path(tiny["recipe"]).write_text(RUNGS)
    run = run_search(**tiny, budget="1trials", workers=1, sampler="random")  # type: ignore[arg-type]
    found = replay_trial(run, 0)
    assert found.equal and found.same
    assert [own.epoch for own in found.rungs] == list(run.trial(0).rungs)
    assert found.changed == ()
    about = json.loads((run.path / "run.json").read_text())
    about["asked"]["seed"] = 1
    (run.path / "run.json").write_text(json.dumps(about))
    assert not replay_trial(run.path, 0).equal  # another seed is another training


def test_without_replicates_only_equal_bits_are_the_same(tmp_path: Path, shifted: Shift) -> None:
    run = make_run(tmp_path / "a")
    shifted(0.0)
    assert replay_trial(run, 1).equal
    shifted(1e-12)
    found = replay_trial(run, 1)
    assert (found.equal, found.same, found.noise) == (False, False, None)
    assert "the noise is not known (no fresh replicates)" in verdict(found)[0]


@pytest.mark.parametrize(("shift", "same"), [(0.027, True), (0.028, False), (-0.027, True)])
def test_given_noise_allows_what_two_draws_of_it_differ_by(
    tmp_path: Path, shifted: Shift, shift: float, same: bool
) -> None:
    shifted(shift)
    assert replay_trial(make_run(tmp_path / "a"), 1, noise=0.01).same is same


def test_noise_is_that_of_fresh_replicates(tmp_path: Path, shifted: Shift) -> None:
    shifted(0.01)
    one = replay_trial(make_run(tmp_path / "a", fresh={1: (0.45, 0.47)}), 1)
    assert one.noise == pytest.approx(0.02 / 2**0.5)
    assert one.source == "2 fresh replicates of this trial"
    assert one.same
    assert verdict(one)[0].startswith(
        "the same within its noise: a deviation over seeds of 0.01414"
    )
    fresh = {0: (0.30, 0.31), 1: (0.45, 0.49)}
    both = replay_trial(make_run(tmp_path / "b", fresh=fresh), 1)
    assert both.noise == pytest.approx(0.015)  # of 0.005 and 0.02, without what is common
    assert both.source == "fresh replicates of the confirmed trials"


def test_what_has_no_score_is_refused_and_so_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "a")
    with pytest.raises(UserError, match=r"#5 has no score to compare with \(failed: the loss is"):
        replay_trial(run, 5)
    monkeypatch.setattr("nas.search.again.run_job", lambda job: Result("failed", "no memory"))
    monkeypatch.setattr("nas.search.again.prepare_dataset", lambda *_, **__: None)
    with pytest.raises(UserError, match="#1 failed now: no memory"):
        replay_trial(run, 1)


@pytest.mark.parametrize(
    ("before", "here", "told"),
    [
        ({"cores": 2}, {"cores": 2, "norms": "compiled"}, ()),  # the run did not note them
        ({"cores": 2}, {"cores": 2, "gpu": "H200"}, ("gpu was none, is H200",)),
        ({"cores": 2, "gpu": "H200"}, {"cores": 2}, ("gpu was H200, is none",)),
        ({"norms": "compiled"}, {"norms": "torch's"}, ("norms was compiled, is torch's",)),
        ({}, {"gpu": "H200"}, ()),
    ],
)
def test_another_machine_is_told(
    before: dict[str, object],
    here: dict[str, object],
    told: tuple[str, ...],
    tmp_path: Path,
    shifted: Shift,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run(tmp_path / "a")
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(about | {"versions": {}, "machine": before}))
    monkeypatch.setattr("nas.search.again.machine", lambda: here)
    shifted(0.0)
    assert replay_trial(run, 1).changed == told
