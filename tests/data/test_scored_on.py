"""A data set to train on, and another one to be scored on: `A -> B`."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas.ablation.run import run_ablation
from nas.architecture import Architecture, Size, Stage
from nas.data import check_spec, fingerprint, hold_out_to_score, load_dataset, task_of
from nas.data.spec import parts_of, sides
from nas.errors import UserError
from nas.models import build
from nas.search import Run, run_search
from nas.search.compare import compare_runs
from nas.seeds import derived_seed
from nas.training import Job, load_recipe, run_job, train_network
from nas.training.evaluation import evaluate, score_reid
from nas.training.initial import begin
from nas.training.loop import Trainer
from tests.data import trees

HERE, THERE = "synthetic:ids=12,size=32x16", "synthetic:ids=16,size=32x16,seed=2"
BOTH = f"{HERE} -> {THERE}"
TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)
SHORT = ["epochs=1", "epoch_images=32", "rungs=[]", "average=0"]


def test_an_arrow_is_one_only_before_a_data_set() -> None:
    assert sides("msmt17:/a->b -> market1501:/c+duke+dukemtmc:/d->folders") == [
        "msmt17:/a->b ",
        " market1501:/c+duke+dukemtmc:/d->folders",
    ]
    assert sides("folder:/a -> b") == ["folder:/a -> b"]
    texts = [text for text, _, _ in parts_of("msmt17:/a+cuhk03:/b->market1501:/c")]
    assert texts == ["msmt17:/a", "cuhk03:/b", "market1501:/c"]
    assert task_of("msmt17:/a -> market1501:/c") == "reid"


def test_it_trains_on_one_and_is_scored_on_the_other() -> None:
    here, there, both = (load_dataset(spec) for spec in (HERE, THERE, BOTH))
    for mine, whose in (
        (both.train, here.train),
        (both.validation, there.train),
        (both.query, there.query),
        (both.gallery, there.gallery),
    ):
        assert mine is not None and whose is not None
        np.testing.assert_array_equal(mine.pixels, whose.pixels)
        np.testing.assert_array_equal(mine.labels, whose.labels)
    assert both.num_classes == here.num_classes != there.num_classes


def test_the_other_is_brought_to_the_size_of_the_first() -> None:
    spec = f"{HERE} -> synthetic:ids=10,size=64x32"
    for size in (None, (24, 12)):
        found = load_dataset(spec, size)
        assert {images.size for images in found.splits.values()} == {size or (32, 16)}


def test_a_search_is_scored_on_a_share_of_the_others_identities_to_train_on() -> None:
    both = load_dataset(BOTH)
    assert both.validation is not None
    held = hold_out_to_score(both, seed=3, fraction=0.25)
    assert held.train is both.train
    assert held.query is not None and held.gallery is not None
    scored = set(held.query.labels.tolist())
    assert len(scored) == 2 and set(held.gallery.labels.tolist()) == scored
    rows = [images.rows for images in (held.query, held.gallery)]
    own = np.flatnonzero(np.isin(both.validation.labels, list(scored)))
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), own)
    assert held.query.store is both.validation.store


def test_the_score_of_a_job_is_that_of_a_training_on_the_one_and_images_of_the_other() -> None:
    recipe = load_recipe("quick-reid", SHORT)
    found = run_job(Job("0", 0, TINY, recipe, BOTH, 5, to_epoch=1))
    seed = derived_seed(5, 0)
    train = load_dataset(HERE).train
    trainer = Trainer(begin(TINY, 6, recipe, seed=seed), recipe, seed=seed)
    trainer.train(train, 1)
    there = load_dataset(THERE)
    held = hold_out_to_score(there, seed=seed, fraction=recipe.validation)
    assert held.query is not None and held.gallery is not None
    scores = score_reid(trainer.average, held.query, held.gallery, autocast=trainer.autocast)
    assert found.outcome == "done" and found.scores == scores


def test_a_training_is_scored_on_the_others_test_split(tmp_path: Path) -> None:
    found = train_network(
        TINY, data=BOTH, recipe="standard", overrides=SHORT[:2], out=tmp_path / "net"
    )
    alone = evaluate(found.network, THERE)["scores"]
    assert evaluate(found.network, BOTH)["scores"] == alone
    assert {name: found.scores[BOTH][name] for name in alone} == alone
    other = train_network(TINY, data=HERE, overrides=SHORT[:2], out=tmp_path / "same")
    assert evaluate(other.network, THERE)["scores"] == alone  # nothing of the other was trained on


@pytest.mark.usefixtures("inline")
def test_a_search_goes_on_however_its_data_is_written(tmp_path: Path) -> None:
    def search(data: str, out: str = "run", **more: Any) -> Run:
        return run_search(
            "osnet-mini", data=data, budget="1trials", workers=1, confirm=0.0, out=tmp_path / out,
            recipe="quick-reid", overrides=SHORT, **more,
        )  # fmt: skip

    search(BOTH)
    assert len(search(BOTH.replace(" -> ", "->")).all_trials()) == 1
    other = search(BOTH.replace(" -> ", "  ->"), "other", warm_start=tmp_path / "run")
    assert other.trial(0).imported
    compare_runs([tmp_path / "run", other])
    with pytest.raises(UserError, match="differs in data"):
        search(HERE)


@pytest.mark.usefixtures("inline")
def test_what_is_scored_on_needs_a_train_split_where_something_is_chosen(tmp_path: Path) -> None:
    trees.make(tmp_path / "a", trees.REID_FOLDER)
    trees.make(tmp_path / "b", trees.REID_FOLDER)
    shutil.rmtree(tmp_path / "b" / "train")
    spec = f"reid-folder:{tmp_path / 'a'} -> reid-folder:{tmp_path / 'b'}"
    check_spec(spec)
    known = fingerprint(spec)
    with pytest.raises(UserError, match=r"no folder train in .*b"):
        run_search("osnet-mini", data=spec, out=tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()
    with pytest.raises(UserError, match="has no train split to choose by"):
        train_network(TINY, data=spec, overrides=["early_stop=1"], out=tmp_path / "stopped")
    found = train_network(TINY, data=spec, overrides=["epochs=1", "batch=2"], out=tmp_path / "net")
    assert found.scores[spec] == train_network(
        TINY, data=f"{spec.partition(' ->')[0]}", overrides=["epochs=1", "batch=2"],
        evaluate=[f"reid-folder:{tmp_path / 'b'}"], out=tmp_path / "beside",
    ).scores[f"reid-folder:{tmp_path / 'b'}"]  # fmt: skip
    tested = run_ablation(
        "osnet-mini", factors=["gate"], data=spec, seeds=2, workers=1, out=tmp_path / "ablation",
        overrides=["epochs=1", "batch=2"],
    )  # fmt: skip
    assert np.isfinite(tested.scores).all()
    (tmp_path / "b" / "query" / trees.REID_FOLDER["query"][0]).write_bytes(b"another")
    assert known is not None and fingerprint(spec) not in (known, None)


def test_classes_go_by_their_names(tmp_path: Path) -> None:
    for name, classes in (("a", "xy"), ("b", "xy"), ("c", "xz")):
        files = {
            f"{split}/{one}": ["0.png", "1.png", "2.png"]
            for split in ("train", "test")
            for one in classes
        }
        trees.make(tmp_path / name, files)
    spec = f"folder:{tmp_path / 'a'} -> folder:{tmp_path / 'b'}"
    found = load_dataset(spec)
    assert found.classes == ("x", "y") and len(found.splits["test"]) == 6
    held = hold_out_to_score(found, seed=1, fraction=0.25)
    assert len(held.train) == 6 and held.validation is not None and len(held.validation) == 2
    assert build(TINY, len(found.classes), seed=1) is not None
    with pytest.raises(UserError, match=r"the classes differ, x, y and x, z"):
        load_dataset(f"folder:{tmp_path / 'a'} -> folder:{tmp_path / 'c'}")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("synthetic -> synthetic", "a data set is there twice"),
        ("synthetic+synthetic:seed=2 -> synthetic:seed=2", "a data set is there twice"),
        ("synthetic -> fashion-mnist", "only sets for one task go together"),
        ("synthetic -> synthetic:seed=2 -> synthetic:seed=3", "-> is there more than once"),
        ("synthetic -> market1501", "nothing after the name; write market1501:PATH"),
        (" -> synthetic", "'' is not a data set"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(spec: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_spec(spec)
    assert message in str(caught.value) and "\n" not in str(caught.value)
