"""Training at full length, in its directory."""

import csv
import itertools
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.architecture import Architecture, Size, Stage, key, preset
from nas.errors import UserError
from nas.models.weights import load_network, read_checkpoint
from nas.search.about import describe_run
from nas.training import Recipe, Training, train_network
from nas.training.asked import default_path
from nas.training.loop import Diverged, Step
from nas.training.losses import Loss, make_loss
from nas.training.progress import Progress
from nas.training.view import Silent
from tests.data.trees import make

TINY = Architecture((Stage(8, 1), Stage(8, 1)), Size(16, 8), stem="conv3", stem_channels=4)
RECIPE = Recipe(name="test", epochs=2, batch=16, lr=0.01, schedule="onecycle", precision="float32")
DATA = "synthetic:ids=24,size=16x8"


def go(path: Path, recipe: Recipe = RECIPE, **arguments: Any) -> Training:
    return train_network(TINY, data=DATA, recipe=recipe, out=path, **arguments)


def rows(path: Path) -> list[dict[str, str]]:
    with (path / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Bit by bit."""
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


class Killer(Silent):
    """Raises after some step, as often as it is given one; keeps what it was told."""

    def __init__(self, *steps: int) -> None:
        self.steps, self.notices = set(steps), list[str]()

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def step(self, step: Step) -> None:
        if step.step in self.steps:
            self.steps.remove(step.step)
            raise RuntimeError("killed")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Training:
    return go(tmp_path_factory.mktemp("whole") / "run")


def test_a_training_leaves_a_network_metrics_and_scores(whole: Training) -> None:
    assert whole.epochs == 2
    found = rows(whole.path)
    assert list(found[0]) == ["epoch", "step", "lr", "loss", "images_per_second", "seconds"]
    assert [row["epoch"] for row in found] == ["1", "2"]
    assert whole.scores == json.loads((whole.path / "scores.json").read_text())
    assert set(whole.scores[DATA]) >= {"score", "mAP", "rank1"}
    network = load_network(whole.network)
    assert network.classifier is not None and network.classifier.out_features == 12
    assert whole.network.name == "last.safetensors"


def test_killed_again_and_again_it_ends_with_the_same_bits(whole: Training, tmp_path: Path) -> None:
    view = Killer(1, 3, 5, 7, 8, 9, 13)
    kills = len(view.steps)
    for _ in range(kills):
        with pytest.raises(RuntimeError, match="killed"):
            go(tmp_path / "run", view=view, checkpoint_minutes=0)
    again = go(tmp_path / "run", view=view, checkpoint_minutes=0)
    assert not view.steps
    assert same(read_checkpoint(again.network), read_checkpoint(whole.network))
    assert again.scores == whole.scores
    timed = ("images_per_second", "seconds")
    for row, expected in zip(rows(again.path), rows(whole.path), strict=True):
        assert {n: row[n] for n in row if n not in timed} == {
            n: expected[n] for n in expected if n not in timed
        }
    assert sum("resuming" in notice for notice in view.notices) == kills


def test_the_same_again_trains_nothing_and_scores_what_is_new(
    whole: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.training.loop.Trainer.train", None)
    other = "synthetic:ids=12,size=16x8,seed=5"
    again = go(whole.path, evaluate=[other])
    assert again.scores[DATA] == whole.scores[DATA]
    assert list(again.scores) == [DATA, other]


def test_test_splits_are_looked_at_on_the_way_and_nothing_goes_by_it(
    whole: Training, tmp_path: Path
) -> None:
    other = "synthetic:ids=12,size=16x8,seed=5"
    looked = go(tmp_path / "run", evaluate=[other], eval_every=2)
    assert same(read_checkpoint(looked.network), read_checkpoint(whole.network))
    first, last = rows(looked.path)
    assert not any(value for name, value in first.items() if "/" in name)
    for where, spec in (("test", DATA), (other, other)):
        of_last = {name: float(last[f"{where}/{name}"]) for name in ("mAP", "rank1", "mINP")}
        assert of_last == pytest.approx({n: looked.scores[spec][n] for n in of_last}, abs=1e-5)
    assert looked.scores[DATA] == whole.scores[DATA]


def test_how_often_is_no_part_of_what_was_asked(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        go(tmp_path / "run", view=Killer(12), eval_every=1)  # in the second epoch
    go(tmp_path / "run")
    first, last = rows(tmp_path / "run")
    assert 0 < float(first["test/mAP"]) <= 1
    assert last["test/mAP"] == ""
    with pytest.raises(UserError, match="--eval-every: 0 is not a whole number from 1"):
        go(tmp_path / "run", eval_every=0)


def test_what_ends_a_look_costs_no_epoch(
    whole: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("nas.training.progress.test_scores", stop)
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path / "run", eval_every=1)
    view = Killer()
    again = go(tmp_path / "run", view=view, eval_every=1)
    assert any("at epoch 2 of 2, step" in notice for notice in view.notices)
    assert same(read_checkpoint(again.network), read_checkpoint(whole.network))
    first, last = rows(again.path)
    assert not first["test/mAP"]
    assert last["test/mAP"]


def test_what_the_network_can_not_be_scored_on_is_refused_before_it_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.training.progress.Progress.train", lambda self: pytest.fail("trains"))
    trees = {}
    for name, classes in (("one", "abc"), ("other", "bcd"), ("more", "abcd")):
        files = {f"{s}/{c}": ["0.png", "1.png"] for s in ("train", "test") for c in classes}
        trees[name] = f"folder:{make(tmp_path / name, files)}"
    for other, message in (("other", "its classes are other ones"), ("more", "it has 4 classes")):
        with pytest.raises(UserError, match=f"--eval .*{message}"):
            train_network(
                TINY, data=trees["one"], recipe=RECIPE, out=tmp_path / "out",
                evaluate=[trees[other]],
            )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_network_of_identities_is_not_scored_on_classes(tmp_path: Path) -> None:
    classes = map(str, range(12))
    files = {f"{s}/{c}": ["0.png", "1.png"] for c in classes for s in ("train", "test")}
    other = f"folder:{make(tmp_path / 'other', files)}"  # as many classes as identities
    with pytest.raises(UserError, match=r"--eval .*the network tells identities apart"):
        go(tmp_path / "out", evaluate=[other])


def test_other_images_are_told_and_another_number_of_classes_is(tmp_path: Path) -> None:
    files = {f"{s}/{c}": ["0.png", "1.png"] for s in ("train", "test") for c in "abc"}
    root, short = make(tmp_path / "data", files), RECIPE.model_copy(update={"epochs": 1})

    def again(view: Killer) -> None:
        out = tmp_path / "run"
        train_network(TINY, data=f"folder:{root}", recipe=short, out=out, view=view)

    first, same, more, less = Killer(), Killer(), Killer(), Killer()
    again(first)
    again(same)
    make(root, {"train/a": ["3.png"]})
    again(more)
    assert "begun with other images, or other labels: scores may differ" in more.notices[0]
    assert not [text for text in first.notices + same.notices if "begun with" in text]
    again(Killer())
    (kept,) = describe_run(tmp_path / "run")["changes"]  # once
    assert more.notices[0] == f"{tmp_path / 'run'} {kept}"
    for name in ("train/c", "test/c"):
        shutil.rmtree(root / name)
    with pytest.raises(UserError, match=r"of a network with another classifier.*; --fresh starts"):
        again(less)


def test_anything_else_is_refused_with_the_difference(whole: Training) -> None:
    faster = RECIPE.model_copy(update={"lr": 0.02})
    with pytest.raises(UserError, match=r"a training that differs in recipe.lr: 0.01 there, 0.02"):
        go(whole.path, faster)
    renamed = faster.model_copy(update={"name": "other", "about": "words"})
    with pytest.raises(UserError, match=r"differs in recipe.name: test there, other now"):
        go(whole.path, renamed)
    with pytest.raises(UserError, match=r"differs in seed: 0 there, 1 now"):
        go(whole.path, seed=1)


def test_a_damaged_checkpoint_is_one_line_and_fresh_starts_over(tmp_path: Path) -> None:
    short = RECIPE.model_copy(update={"epochs": 1})
    first = go(tmp_path / "run", short)
    (first.path / "checkpoint.pt").write_bytes(b"none")
    with pytest.raises(UserError, match=r"checkpoint.pt is damaged \(.*; --fresh starts over"):
        go(first.path, short)
    assert go(first.path, short, fresh=True).scores == first.scores


def test_early_stop_keeps_the_best_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.1, 0.4, 0.3, 0.4, 0.9])  # the last one is of the test split
    monkeypatch.setattr(
        "nas.training.evaluation.score_held", lambda *given: {"score": next(scores), "mAP": 0.0}
    )
    patient = RECIPE.model_copy(update={"epochs": 9, "early_stop": 2})
    done = go(tmp_path / "run", patient)
    assert (done.epochs, done.best_epoch, done.network.name) == (4, 2, "best.safetensors")
    assert [row["score"] for row in rows(done.path)] == ["0.1", "0.4", "0.3", "0.4"]
    best, last = (read_checkpoint(done.path / f"{n}.safetensors") for n in ("best", "last"))
    assert not torch.equal(best["fc.0.weight"], last["fc.0.weight"])


def test_a_last_step_that_diverged_is_not_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is a number, and the weights are none."""
    after = Progress._after_step

    def spoiled(run: Progress, step: Step) -> None:
        after(run, step)
        for weights in (*run.trainer.network.parameters(), *run.trainer.average.parameters()):
            weights.data.fill_(float("nan"))

    monkeypatch.setattr(Progress, "_after_step", spoiled)
    patient = RECIPE.model_copy(update={"epochs": 2, "early_stop": 2, "batch": 512})
    with pytest.raises(Diverged):
        go(tmp_path / "run", patient)


def test_early_stop_scores_in_the_precision_of_the_training_and_the_end_in_float32(
    tmp_path: Path, scored_lower: list[bool]
) -> None:
    short = RECIPE.model_copy(update={"epochs": 1, "early_stop": 5, "precision": "bfloat16"})
    go(tmp_path / "run", short)
    assert list(dict.fromkeys(scored_lower)) == [True, False]
    assert not any(scored_lower[scored_lower.index(False) :])


def test_early_stop_scores_identities_that_are_not_trained_on(tmp_path: Path) -> None:
    patient = RECIPE.model_copy(update={"epochs": 1, "early_stop": 5, "validation": 0.3})
    done = go(tmp_path / "run", patient)
    network = load_network(done.network)
    assert network.classifier is not None and network.classifier.out_features == 12 - 4
    assert 0 < float(rows(done.path)[0]["mAP"]) <= 1


def test_a_loss_that_is_no_number_keeps_the_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count(1)

    def poisoned(recipe: Recipe) -> Loss:
        loss = make_loss(recipe)
        return lambda *batch: loss(*batch) * (float("nan") if next(calls) == 15 else 1.0)

    with monkeypatch.context() as patch:
        patch.setattr("nas.training.loop.make_loss", poisoned)
        with pytest.raises(Diverged, match="the loss is nan at step 14"):
            go(tmp_path / "run", checkpoint_minutes=0)
    assert go(tmp_path / "run").scores == go(tmp_path / "other").scores


def test_without_tensorboard_a_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    view = Killer()
    go(tmp_path / "run", RECIPE.model_copy(update={"epochs": 1}), view=view)
    assert "tensorboard is not installed: metrics are in metrics.csv alone" in view.notices
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_tensorboard_has_each_epoch(whole: Training) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(whole.path / "tensorboard"))
    events.Reload()
    losses = [event.value for event in events.Scalars("loss")]
    assert losses == pytest.approx([float(row["loss"]) for row in rows(whole.path)], rel=1e-5)


def test_the_default_directory_follows_from_the_arguments() -> None:
    asked = {"key": "k", "data": "synthetic", "recipe": {"name": "standard"}, "init": None}
    asked |= {"seed": 3}
    known = asked | {"key": key(preset("osnet_x0_25"))}
    plain = Path("results/train-osnet_x0_25-synthetic-standard-s3")
    assert default_path(known, "osnet_x0_25", "standard", []) == plain
    others = [
        default_path(asked, "osnet_x0_25", "standard", []),
        default_path(known, "osnet_x0_25", "standard", ["lr=1"]),
        default_path(known, "osnet_x0_25", "mine/standard.yaml", []),
        default_path(known | {"data": "synthetic:ids=9"}, "osnet_x0_25", "standard", []),
        default_path(known | {"init": "x"}, "osnet_x0_25", "standard", []),
    ]
    assert len({plain, *others}) == 6
    spaced = known | {"data": " synthetic:ids=9 "}
    assert default_path(spaced, "osnet_x0_25", "standard", []) == others[3]
    trial = default_path(asked, "run#3", "standard", [])
    assert trial.name.startswith("train-run-3-synthetic-standard-")


def test_minutes_between_checkpoints_are_not_below_0(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--checkpoint-minutes: -1 is below 0$"):
        train_network("osnet_x0_25", out=tmp_path / "out", checkpoint_minutes=-1)
    assert not (tmp_path / "out").exists()


def test_residual_branches_start_as_the_recipe_says(tmp_path: Path) -> None:
    still = RECIPE.model_copy(update={"lr": 1e-12, "residual_scale": 0.0, "epochs": 1})
    network = load_network(go(tmp_path / "run", still).network)
    last = [own for name, own in network.named_parameters() if name.endswith("conv3.bn.weight")]
    assert len(last) == 2
    assert all(float(own.detach().abs().max()) < 1e-6 for own in last)
