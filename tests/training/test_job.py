from dataclasses import replace

import pytest
import torch

from nas.architecture import Architecture, Size, Stage
from nas.training import Job, Recipe, run_job

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)
RECIPE = Recipe(name="test", epochs=2, batch=16, lr=0.01)
JOB = Job("0-0-2", 0, TINY, RECIPE, "synthetic:ids=16,size=32x16", seed=3, to_epoch=2)


def test_a_job_trains_and_scores_on_held_out_identities() -> None:
    result = run_job(JOB)
    assert result.outcome == "done"
    assert result.scores["score"] == result.scores["mAP"]
    assert all(0 <= value <= 1 for value in result.scores.values())
    assert result.images > 0
    assert result.state


def test_the_same_job_gives_the_same_scores_and_weights() -> None:
    first, second = run_job(JOB), run_job(JOB)
    assert first.scores == second.scores
    assert first.state == second.state


def test_a_job_that_goes_on_from_a_state_equals_one_that_was_not_stopped() -> None:
    half = run_job(replace(JOB, to_epoch=1))
    resumed = run_job(replace(JOB, state=half.state))
    assert resumed.scores == run_job(JOB).scores


def test_a_passed_deadline_stops_the_job() -> None:
    assert run_job(replace(JOB, deadline=0.0)).outcome == "stopped"


def test_a_diverging_job_is_recorded_as_failed_with_its_reason() -> None:
    wild = RECIPE.model_copy(update={"lr": 1e12, "optimizer": "sgd"})
    result = run_job(replace(JOB, recipe=wild))
    assert result.outcome == "failed"
    assert "the loss is" in result.reason


def test_running_out_of_memory_is_recorded_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*args: object, **kwargs: object) -> None:
        raise torch.OutOfMemoryError("no room left")

    monkeypatch.setattr("nas.training.loop.Trainer.train", exhausted)
    result = run_job(JOB)
    assert (result.outcome, result.reason) == ("failed", "out of memory: no room left")
