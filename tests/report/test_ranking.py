"""The picture of rankings: what is shown follows the rules of evaluation, and is drawn so."""

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from nas.architecture import Architecture, Size, Stage
from nas.data import Dataset, Images, load_dataset
from nas.errors import UserError
from nas.models import build
from nas.report import ranking
from nas.report.ranking import CELL, RIGHT, WRONG, Ranked, draw, rank, write_ranking
from nas.training.evaluation import embed, score_reid
from nas.training.retrieval import Metric, retrieval_scores

TINY = Architecture((Stage(16, 1), Stage(16, 1)), Size(32, 16), stem="conv3", stem_channels=8)
DATA = "synthetic:ids=10,size=32x16"


@pytest.mark.parametrize("metric", get_args(Metric))
@pytest.mark.parametrize("flip", [False, True])
def test_rows_are_what_a_loop_over_the_gallery_finds(flip: bool, metric: Metric) -> None:
    network, dataset = build(TINY, seed=1), load_dataset(DATA)
    query, gallery = dataset.query, dataset.gallery
    assert query is not None and gallery is not None
    assert query.cameras is not None and gallery.cameras is not None
    unit = torch.nn.functional.normalize
    embeddings = embed(network, query, flip=flip), embed(network, gallery, flip=flip)
    if metric == "cosine":
        sign, values = -1, (unit(embeddings[0]) @ unit(embeddings[1]).T).tolist()
    else:
        sign, values = 1, (embeddings[0][:, None] - embeddings[1]).norm(dim=2).tolist()
    rows = rank(network, query, gallery, queries=5, seed=3, metric=metric, flip=flip)
    assert len({row.query for row in rows}) == 5
    assert [row.ap for row in rows] == sorted((row.ap for row in rows), reverse=True)
    for row in rows:
        q, value = row.query, values[row.query]
        kept = [
            g
            for g in sorted(range(len(gallery)), key=lambda g: (sign * value[g], g))
            if (gallery.labels[g], gallery.cameras[g]) != (query.labels[q], query.cameras[q])
        ]
        assert list(row.gallery) == kept[:10]
        assert list(row.right) == [gallery.labels[g] == query.labels[q] for g in kept[:10]]
        assert row.values == pytest.approx([value[g] for g in kept[:10]], abs=1e-5)
        alone = query.subset(np.array([q]))
        assert alone.cameras is not None
        scores = retrieval_scores(
            embeddings[0][q : q + 1], embeddings[1],
            alone.labels, gallery.labels, alone.cameras, gallery.cameras, metric,
        )  # fmt: skip
        assert row.ap == pytest.approx(scores["mAP"], abs=1e-6)
    everything = rank(network, query, gallery, len(query), seed=3, metric=metric, flip=flip)
    scores = score_reid(network, query, gallery, metric=metric, flip=flip)
    assert np.mean([row.ap for row in everything]) == pytest.approx(scores["mAP"], abs=1e-6)


def test_a_table_has_all_queries_and_says_what_the_picture_shows(tmp_path: Path) -> None:
    rows = write_ranking(build(TINY, seed=1), DATA, tmp_path / "ranked.csv", flip=True)
    dataset = load_dataset(DATA)
    assert dataset.query is not None and dataset.gallery is not None
    assert len(rows) == len(dataset.query)
    table = pd.read_csv(tmp_path / "ranked.csv")
    assert len(table) == sum(len(row.gallery) for row in rows)
    assert table.loc[:9, "rank"].tolist() == list(range(1, 11))
    assert table.loc[:9, "gallery"].tolist() == list(rows[0].gallery)
    assert table.loc[:9, "identity"].tolist() == dataset.gallery.labels[[*rows[0].gallery]].tolist()
    assert table.loc[:9, "right"].tolist() == list(rows[0].right)
    assert table.loc[:9, "value"].tolist() == pytest.approx(rows[0].values)
    assert (table.loc[:9, "query"] == rows[0].query).all()
    mean = score_reid(build(TINY, seed=1), dataset.query, dataset.gallery, flip=True)["mAP"]
    assert table.groupby("query")["ap"].first().mean() == pytest.approx(mean, abs=1e-6)
    few = write_ranking(build(TINY, seed=1), DATA, tmp_path / "few.csv", queries=2)
    assert len(few) == 2


def test_re_ranked_rows_have_the_order_and_the_scores_of_re_ranking(tmp_path: Path) -> None:
    network, dataset = build(TINY, seed=1), load_dataset(DATA)
    query, gallery = dataset.query, dataset.gallery
    assert query is not None and gallery is not None
    assert query.cameras is not None and gallery.cameras is not None
    rows = rank(network, query, gallery, len(query), 3, top=15, rerank=True)
    scores = score_reid(network, query, gallery, rerank=True)
    assert np.mean([row.ap for row in rows]) == pytest.approx(scores["mAP"], abs=1e-6)
    assert {len(row.gallery) for row in rows} == {15}
    assert all(list(row.values) == sorted(row.values) for row in rows)
    first = [row.right[0] for row in rows]
    assert np.mean(first) == pytest.approx(scores["rank1"])
    write_ranking(network, DATA, tmp_path / "wide.png", queries=1, top=15, rerank=True)
    with Image.open(tmp_path / "wide.png") as picture:
        assert 15 * CELL < picture.width < 18 * CELL
    with pytest.raises(UserError, match=r"^--top: 51 are too many for a picture"):
        write_ranking(network, DATA, tmp_path / "wider.png", top=51)


def test_the_seed_chooses_the_queries() -> None:
    network, dataset = build(TINY, seed=1), load_dataset(DATA)
    assert dataset.query is not None and dataset.gallery is not None
    found = [rank(network, dataset.query, dataset.gallery, 3, seed) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert {row.query for row in found[0]} != {row.query for row in found[2]}


def test_a_query_without_a_match_is_not_shown() -> None:
    draw_from = np.random.default_rng(0)
    pixels = draw_from.integers(0, 256, (4, 32, 16, 3), dtype=np.uint8)
    query = Images(pixels, np.array([1, 2, 3, 4]), np.array([0, 0, 0, 0]))
    gallery = Images(pixels, np.array([1, 2, 3, 3]), np.array([0, 1, 0, 0]))
    assert [row.query for row in rank(build(TINY), query, gallery, 8, 0)] == [1]
    with pytest.raises(UserError, match="no query has a match"):
        rank(build(TINY), query.subset(np.array([0])), gallery, 8, 0)


def test_right_and_wrong_differ_in_colour_and_without_it() -> None:
    white = np.full((2, 32, 16, 3), 255, dtype=np.uint8)
    images = Images(white, np.array([1, 0]), np.array([0, 1]))
    row = Ranked(0, (0, 1), (True, False), (0.9, 0.8), 1.0)
    picture = draw([row], images, images, "title")
    colors = {color for _, color in picture.getcolors(1 << 20)}  # type: ignore[union-attr]
    assert {Image.new("RGB", (1, 1), c).getpixel((0, 0)) for c in (RIGHT, WRONG)} <= colors
    marks = []
    for right in (True, False):
        shown = Image.new("RGB", (26, 26))
        ranking._mark(ImageDraw.Draw(shown), (13, 13), right)
        marks.append(np.asarray(shown.convert("L")) > 200)
    assert (marks[0] != marks[1]).sum() > 10


def test_a_picture_of_few_columns_is_as_wide_as_its_words() -> None:
    images = Images(np.zeros((1, 32, 16, 3), np.uint8), np.array([1]), np.array([0]))
    row = Ranked(0, (0,), (True,), (0.9,), 1.0)
    title = "a title that is longer than a query and the nearest to it"
    picture = draw([row], images, images, title, columns=1)
    legend = ImageFont.load_default(13).getlength("identity, camera, cosine similarity")
    assert picture.width > ImageFont.load_default(20).getlength(title) + legend


def test_a_gallery_of_fewer_images_than_are_asked_for_has_no_empty_columns(tmp_path: Path) -> None:
    rows = write_ranking(build(TINY), DATA, tmp_path / "ranking.png", queries=1, top=50)
    assert len(rows[0].gallery) < 50
    with Image.open(tmp_path / "ranking.png") as picture:
        assert picture.width < 50 * CELL


def test_the_picture_is_written_whole_and_data_without_queries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = write_ranking(build(TINY), DATA, tmp_path / "ranking.png", queries=2)
    assert len(rows) == 2
    with Image.open(tmp_path / "ranking.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 10 * CELL
    dataset = load_dataset(DATA)
    other = Dataset("x", "classification", dataset.train, test=dataset.train)
    sizes = []
    monkeypatch.setattr(
        ranking, "load_dataset", lambda spec, size, **_: sizes.append(size) or other
    )
    with pytest.raises(UserError, match="no query and gallery to rank; it is for classification"):
        write_ranking(build(TINY), DATA, tmp_path / "other.png")
    assert not (tmp_path / "other.png").exists()
    assert sizes == [build(TINY).input_size]  # files are resized once, to what the network sees
