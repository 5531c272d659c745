"""Re-identification sets that have no images to train on: they can be evaluated."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nas.architecture import Architecture, Size, Stage
from nas.data import check_dataset, check_spec, load_dataset
from nas.errors import UserError
from nas.models import build
from nas.report.ranking import write_ranking
from nas.search import run_search
from nas.training import train_network
from nas.training.evaluation import evaluate
from tests.data import trees

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)


def folders(path: Path, *, train: bool) -> str:
    trees.make(path, trees.REID_FOLDER)
    if not train:
        shutil.rmtree(path / "train")
    return f"reid-folder:{path}"


def listed(path: Path, *, train: bool) -> str:
    folders(path, train=train)
    rows = ["path,split,identity,camera"]
    for split, names in trees.REID_FOLDER.items():
        for name in names if train or split != "train" else []:
            identity, camera = name.split("_")[:2]
            rows.append(f"{split}/{name},{split},{identity},{camera.partition('.')[0]}")
    (path / "set.csv").write_text("\n".join(rows) + "\n")
    return f"reid-csv:{path / 'set.csv'}"


@pytest.fixture(params=[folders, listed])
def make(request: pytest.FixtureRequest) -> Callable[..., str]:
    found: Callable[..., str] = request.param
    return found


def test_scores_are_those_of_the_whole_set(make: Callable[..., str], tmp_path: Path) -> None:
    network = build(TINY, 3, seed=1).eval()
    spec, whole = make(tmp_path / "a", train=False), make(tmp_path / "b", train=True)
    check_spec(spec)
    assert evaluate(network, spec)["scores"] == evaluate(network, whole)["scores"]
    found = load_dataset(spec, (32, 16), train=False)
    assert list(found.splits) == ["query", "gallery"] and len(found.train) == 0
    assert found.train.size == (32, 16)
    write_ranking(network, spec, tmp_path / "ranks.png", queries=1)


def test_what_trains_refuses_it_before_anything_is_written(
    make: Callable[..., str], tmp_path: Path
) -> None:
    spec = make(tmp_path / "a", train=False)
    no_train = r"no folder train in|no images of train"
    with pytest.raises(UserError, match=no_train):
        load_dataset(spec)
    with pytest.raises(UserError, match=no_train):
        run_search("osnet-mini", data=spec, out=tmp_path / "run")
    with pytest.raises(UserError, match=no_train):
        train_network(TINY, data=spec, out=tmp_path / "net")
    assert not (tmp_path / "run" / "run.json").exists()
    assert not (tmp_path / "net" / "train.json").exists()
    (finding,) = check_dataset(spec).findings
    assert finding.kind == "train"


def test_joined_with_one_that_has_some(tmp_path: Path) -> None:
    spec = f"{folders(tmp_path / 'a', train=True)}+{folders(tmp_path / 'b', train=False)}"
    both = f"{folders(tmp_path / 'a', train=True)}+{folders(tmp_path / 'c', train=True)}"
    found, whole = load_dataset(spec, train=False), load_dataset(both)
    assert list(found.splits) == ["query", "gallery"]
    for name in ("query", "gallery"):
        np.testing.assert_array_equal(
            found.splits[name].labels == 0, whole.splits[name].labels == 0
        )
        np.testing.assert_array_equal(found.splits[name].pixels, whole.splits[name].pixels)
    with pytest.raises(UserError, match="no folder train in"):
        load_dataset(spec)


def test_a_missing_list_of_train_is_still_an_error(tmp_path: Path) -> None:
    trees.make_msmt(tmp_path)
    (tmp_path / "list_train.txt").unlink()
    with pytest.raises(UserError, match=r"no file list_train\.txt in"):
        load_dataset(f"msmt17:{tmp_path}", train=False)
