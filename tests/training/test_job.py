import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.architecture import Architecture, Size, Stage
from nas.models import build
from nas.models.weights import save_network
from nas.training import Job, Recipe, run_job
from nas.training.loop import Trainer

BUILD = "nas.training.initial.build"
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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_job_is_scored_in_the_precision_that_it_trains_in(
    precision: str, scored_lower: list[bool]
) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 1, "precision": precision})
    assert run_job(replace(JOB, recipe=recipe, to_epoch=1)).outcome == "done"
    assert set(scored_lower) == {precision == "bfloat16"}


def test_the_same_job_gives_the_same_scores_and_weights() -> None:
    first, second = run_job(JOB), run_job(JOB)
    assert first.scores == second.scores
    assert first.state == second.state


def test_a_job_that_goes_on_from_a_state_equals_one_that_was_not_stopped() -> None:
    half = run_job(replace(JOB, to_epoch=1))
    resumed = run_job(replace(JOB, state=half.state))
    assert resumed.scores == run_job(JOB).scores


def test_the_names_of_the_classes_are_in_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.commands.test_evaluate import classes

    named = replace(classes(2), classes=("bag", "boot"))
    monkeypatch.setattr("nas.training.job.load_dataset", lambda *_: named)
    result = run_job(replace(JOB, data="two classes", to_epoch=1))
    assert result.outcome == "done", result.reason
    saved = torch.load(io.BytesIO(result.state), weights_only=True)
    assert (saved["task"], saved["classes"]) == ("classification", ["bag", "boot"])


def test_residual_branches_start_as_the_recipe_says() -> None:
    still = RECIPE.model_copy(update={"lr": 1e-12, "residual_scale": 0.3})
    state = torch.load(io.BytesIO(run_job(replace(JOB, recipe=still)).state), weights_only=True)
    last = [own for name, own in state["network"].items() if name.endswith("conv3.bn.weight")]
    assert len(last) == 2
    assert all(torch.allclose(own, torch.full_like(own, 0.3)) for own in last)


def test_a_job_begins_with_the_weights_of_the_recipe(tmp_path: Path) -> None:
    source = build(TINY, seed=9)
    save_network(source, tmp_path / "a.safetensors")
    still = RECIPE.model_copy(update={"lr": 1e-12, "weights": str(tmp_path / "a.safetensors")})
    state = torch.load(io.BytesIO(run_job(replace(JOB, recipe=still)).state), weights_only=True)
    for name, value in source.named_parameters():
        torch.testing.assert_close(state["network"][name], value.data)


def test_a_passed_deadline_stops_the_job() -> None:
    assert run_job(replace(JOB, deadline=0.0)).outcome == "stopped"


def test_a_diverging_job_is_recorded_as_failed_with_its_reason() -> None:
    wild = RECIPE.model_copy(update={"lr": 1e12, "optimizer": "sgd"})
    result = run_job(replace(JOB, recipe=wild))
    assert result.outcome == "failed"
    assert "the loss is" in result.reason


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        ("ValueError('no good\\nat all')", "ValueError: no good at all (gate.py, line 4)"),
        ("RuntimeError('no good\\nat all')", "no good (gate.py, line 4)"),
    ],
)
def test_what_a_module_of_a_plug_in_raises_in_training_is_told_with_its_line(
    raised: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gate.py"
    file.write_text(f"def fail(*_, **__):\n    # of a plug-in\n\n    raise {raised}\n")
    own: dict[str, Any] = {"__name__": "nas_plugin_gate"}
    exec(compile(file.read_text(), str(file), "exec"), own)
    monkeypatch.setattr("nas.training.loop.Trainer.train", own["fail"])
    result = run_job(JOB)
    assert (result.outcome, result.reason) == ("failed", reason)


def _allocate(*args: object, **kwargs: object) -> None:
    torch.empty(2**60)  # torch says so in a plain RuntimeError


def _exhaust(*args: object, **kwargs: object) -> None:
    raise torch.OutOfMemoryError("no room left")


def _say(text: str) -> Any:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError(text)

    return fail


def _exhaust_python(*args: object, **kwargs: object) -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("part", "exhausted", "reason"),
    [
        ("nas.training.loop.Trainer.train", _exhaust, "out of memory: no room left"),
        ("nas.training.loop.Trainer.train", _allocate, "out of memory: "),
        (BUILD, _exhaust, "out of memory: no room left"),
        (
            BUILD,
            _say("CUDA error: out of memory\nCompile"),
            "out of memory: CUDA",
        ),
        (
            BUILD,
            _say("CUBLAS_STATUS_ALLOC_FAILED when"),
            "out of memory: CUBLAS",
        ),
        (
            BUILD,
            _say("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
            "out of memory: cu",
        ),
        ("nas.training.evaluation.score_reid", _exhaust_python, "out of memory: MemoryError"),
    ],
)
def test_out_of_memory_twice_the_architecture_is_infeasible(
    monkeypatch: pytest.MonkeyPatch, part: str, exhausted: Any, reason: str
) -> None:
    monkeypatch.setattr(part, exhausted)
    result = run_job(JOB)
    assert result.outcome == "infeasible"
    assert result.reason.startswith(reason)
    assert "\n" not in result.reason


def test_out_of_memory_once_half_the_images_at_a_time_are_done_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, most = Trainer.train, []

    def limited(self: Trainer, *args: Any, **kwargs: Any) -> None:
        self.network.register_forward_pre_hook(lambda _, inputs: most.append(len(inputs[0])))
        train(self, *args, **kwargs)

    def first(self: Trainer, *args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(Trainer, "train", limited)
        _exhaust()

    monkeypatch.setattr(Trainer, "train", first)
    result = run_job(JOB)
    assert result.outcome == "done"
    assert result.reason == "out of memory, so batches were computed in 2 parts"
    assert max(most) == RECIPE.batch // 2
    assert result.images == run_job(JOB).images


def test_a_recipe_that_computes_in_parts_is_halved_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = []

    def exhausted(self: Trainer, *args: Any, **kwargs: Any) -> None:
        parts.append(self.recipe.accumulate)
        _exhaust()

    monkeypatch.setattr(Trainer, "train", exhausted)
    run_job(replace(JOB, recipe=RECIPE.model_copy(update={"accumulate": 4})))
    assert parts == [4, 8]
    parts.clear()
    run_job(replace(JOB, recipe=RECIPE.model_copy(update={"accumulate": 8})))
    assert parts == [8]  # a norm needs two images at a time
