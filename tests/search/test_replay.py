"""Tables of trainings as files, and searches replayed on them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nas.architecture import key
from nas.commands.replay import replay as command
from nas.cost import cost
from nas.errors import UserError
from nas.search.replay import read_table, replay_search
from nas.space import from_yaml

SPACE = """
space: s
base: osnet_x0_25
input: 64x32
parameters:
  width: [0.125, 0.1875, 0.25]
  stages[*].streams: 1..3
  stages[*].gate: [none, unified]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two seeds, four epochs; the second seed scores 0.1 more."""
    space = from_yaml(SPACE)
    networks, rows = [], []
    for number, point in enumerate(space.enumerate()):
        architecture = space.architecture(point)
        networks.append({"key": key(architecture), **cost(architecture).as_dict(), **point})
        for replicate in range(2):
            for epoch in range(1, 5):
                score = 0.1 * epoch + 0.01 * number + 0.1 * replicate
                rows.append({
                    "key": key(architecture), "replicate": replicate, "epoch": epoch, "mAP": score,
                    "train_seconds": 2.0, "eval_seconds": 0.5, "images": 100,
                })  # fmt: skip
    (tmp_path / "space.yaml").write_text(SPACE)
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_parquet(tmp_path / "scores.parquet")
    pd.DataFrame(networks).to_parquet(tmp_path / "networks.parquet")
    return tmp_path


def test_a_table_is_read_whole(folder: Path) -> None:
    table = read_table(folder)
    assert table.scores.shape == (18, 2, 4)
    np.testing.assert_allclose(table.scores[:, 1] - table.scores[:, 0], 0.1)
    np.testing.assert_allclose(np.diff(table.scores, axis=2), 0.1)
    assert table.images == 100
    assert table.seconds.sum() == 18 * 2 * 4 * 2.5


def test_a_table_with_holes_is_refused(folder: Path) -> None:
    rows = pd.read_parquet(folder / "scores.parquet")
    rows.iloc[1:].to_parquet(folder / "scores.parquet")
    with pytest.raises(UserError, match="not every epoch of every seed of every architecture"):
        read_table(folder)
    (folder / "networks.parquet").unlink()
    with pytest.raises(UserError, match=r"it has no networks\.parquet"):
        read_table(folder)


@pytest.mark.parametrize("sampler", ["ehvi", "tpe", "random"])
def test_a_search_of_all_finds_all(folder: Path, sampler: str) -> None:
    found = replay_search(folder, sampler=sampler, budget="18trials")
    assert found.found[-1] == pytest.approx(1.0)
    assert (np.diff(found.found) >= -1e-12).all()
    assert [event.seconds for event in found.events][-1] == 18 * 4 * 2.5


def test_a_search_sees_its_own_seed(folder: Path) -> None:
    first, second = (replay_search(folder, budget="3trials", seed=seed) for seed in (0, 1))
    table = read_table(folder)
    for seed, found in enumerate((first, second)):
        for trial in found.trials:
            assert trial.scores["score"] == table.scores[table.rows[trial.key], seed, -1]


def test_a_search_ends_where_it_has_found_enough(folder: Path) -> None:
    whole = replay_search(folder, budget="18trials")
    short = replay_search(folder, budget="18trials", until=0.8)
    count = len(short.found)
    assert short.found == whole.found[:count]
    assert short.found[-1] >= 0.8 > short.found[-2]


def test_rungs_save_epochs(folder: Path) -> None:
    plain = replay_search(folder, budget="18trials", sampler="random")
    rungs = replay_search(folder, budget="18trials", sampler="random", rungs="1,2")
    assert rungs.events[-1].epochs < 0.6 * plain.events[-1].epochs
    assert len(rungs.trials) == 18


def test_a_share_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"--confirm: 1 is not a share"):
        replay_search(folder, confirm=1.0)


def test_the_verb_prints_a_row_for_each_search(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(str(folder), "random", "6trials", workers=2, seeds=3, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [row["seed"] for row in found["searches"]] == [0, 1, 2]
    assert {row["complete"] for row in found["searches"]} == {6}
