"""Rankings, as a picture or a table: queries, and what a network finds nearest to them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nas.arguments import a_path, whole
from nas.data import Images, check_spec, load_dataset
from nas.data.random_bits import permutation
from nas.errors import UserError
from nas.files import check_writable, write_atomically
from nas.models import Network
from nas.report.look import INK, PAPER
from nas.report.pictures import (
    FAINT,
    FRAME,
    GAP,
    HEIGHT,
    LINE,
    MARGIN,
    framed,
    pixels_of,
    who,
    write_png,
)  # fmt: skip
from nas.training.evaluation import NotFinite, embed, scoring
from nas.training.rerank import Reranked
from nas.training.retrieval import Gallery, Metric, average_precision, match_ranks

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

SHOWN, WIDEST = 10, 50  # of the gallery for each query; in a picture at most
MEANING = {"cosine": "cosine similarity", "euclidean": "Euclidean distance"}
RERANKED = "re-ranked distance"
COLUMNS = (
    "query", "query_identity", "query_camera", "ap",
    "rank", "gallery", "identity", "camera", "right", "value",
)  # fmt: skip
CELL, APART = 104, 26  # of a column at least, and between query and gallery, in pixels
QUERY, RIGHT, WRONG = "#3f4a52", "#12805c", "#c8371b"


@dataclass(frozen=True)
class Ranked:
    """A query and its nearest gallery images, nearest first.

    query, gallery: indices. right: whether the identity is the query's. values: cosine
    similarities, Euclidean distances, or re-ranked ones. ap: average precision of the whole
    gallery's order.
    """

    query: int
    gallery: tuple[int, ...]
    right: tuple[bool, ...]
    values: tuple[float, ...]
    ap: float


def write_ranking(
    checkpoint: Network | str | Path,
    data: str,
    path: str | Path,
    *,
    queries: int | None = None,
    seed: int = 0,
    top: int = SHOWN,
    metric: Metric = "cosine",
    flip: bool = False,
    rerank: bool = False,
) -> list[Ranked]:
    """Write a PNG: a row for each of some random queries of the test split, best AP first.

    A row is the query and the `top` nearest of the gallery by `metric`, with `rerank` by
    k-reciprocal neighbours, under the rules of evaluation. Of a path that ends in .csv, a table of
    them with a line for each of the nearest. checkpoint: a network, or its file, as `load_trained`
    takes it. queries: by default 8 in a picture, all that have a match in a table; drawn by `seed`.
    flip: as for `embed`. Returns what is shown. UserError where the data set has no query and
    gallery.
    """
    path, seed, top = a_path("--out", path), whole("--seed", seed), whole("--top", top, 1)
    if path.suffix not in (".png", ".csv") or not path.parent.is_dir():
        raise UserError(f"--out: {path} is not a .png or .csv file in a folder that exists")
    check_writable(path)
    drawn = path.suffix == ".png"
    if queries is not None and whole("--queries", queries, 1) > 100 and drawn:
        raise UserError(f"--queries: {queries} is not a number of queries from 1 to 100")
    if top > WIDEST and drawn:
        raise UserError(f"--top: {top} are too many for a picture, which has up to {WIDEST}")
    check_spec(data)
    with scoring(checkpoint) as network:
        dataset = load_dataset(data, network.input_size, train=False)
        if dataset.query is None or dataset.gallery is None:
            raise UserError(f"{data} has no query and gallery to rank; it is for {dataset.task}")
        shown = dataset.query, dataset.gallery
        count = queries or (8 if drawn else len(dataset.query))
        how: dict[str, Any] = {"top": top, "metric": metric, "flip": flip, "rerank": rerank}
        rows = rank(network, *shown, count, seed, **how)
    if not drawn:
        write_atomically(path, table(rows, *shown).encode())
        return rows
    top = max(len(row.gallery) for row in rows)  # which may have fewer images
    near = f"the {top} nearest" if top > 1 else "the nearest"
    title = f"{dataset.name[:40]}: {near} to {len(rows)} random queries"
    picture = draw(rows, *shown, title, RERANKED if rerank else MEANING[metric], top)
    write_png(picture, path)
    return rows


def rank(
    network: Network,
    query: Images,
    gallery: Images,
    queries: int,
    seed: int,
    *,
    top: int = SHOWN,
    metric: Metric = "cosine",
    flip: bool = False,
    rerank: bool = False,
) -> list[Ranked]:
    """Rankings of up to `queries` random queries of those that have a match, best AP first."""
    assert query.cameras is not None and gallery.cameras is not None
    try:
        found, embeddings = (embed(network, images, flip=flip) for images in (gallery, query))
    except NotFinite as error:
        raise UserError(str(error)) from None
    ranked, asked = Gallery(found, gallery.labels, gallery.cameras, metric), embeddings
    if rerank:
        ranked = Reranked(embeddings, found, gallery.labels, gallery.cameras, metric)
        asked = torch.arange(len(query))
    matched = [
        index
        for index in permutation(seed, len(query), "ranking").tolist()
        if len(ranked.of_identity(int(query.labels[index]), int(query.cameras[index]))[0])
    ]
    if not matched:
        raise UserError("no query has a match in the gallery")
    chosen = np.array(matched[:queries])
    picked = asked[torch.from_numpy(chosen).to(asked.device)]
    labels, cameras = query.labels[chosen], query.cameras[chosen]
    rows = []
    for place, ranks in match_ranks(ranked, picked, labels, cameras):
        near = ranked.nearness(picked[place : place + 1])[0]
        near[ranked.of_identity(int(labels[place]), int(cameras[place]))[1]] = -np.inf
        order = np.argsort(-near, kind="stable")[:top]
        order = order[near[order] > -np.inf]
        right = gallery.labels[order] == labels[place]
        values: list[float] = near[order].tolist()
        if rerank:
            values = (-near[order]).tolist()
        elif metric == "euclidean":
            apart = ranked.embeddings[order.tolist()] - picked[place]
            values = torch.linalg.vector_norm(apart, dim=1).tolist()
        shown = (tuple(order.tolist()), tuple(right.tolist()), tuple(values))
        rows.append(Ranked(int(chosen[place]), *shown, average_precision(ranks)))
    return sorted(rows, key=lambda row: (-row.ap, row.query))


def table(rows: list[Ranked], query: Images, gallery: Images) -> str:
    """`rows` as CSV: a line for each of the nearest, the query's own columns in each of its."""
    assert query.cameras is not None and gallery.cameras is not None
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(COLUMNS)
    asked, found = query.names, gallery.names
    for row in rows:
        own = asked[row.query], query.labels[row.query], query.cameras[row.query], row.ap
        near = zip(row.gallery, row.right, row.values, strict=True)
        for place, (index, right, value) in enumerate(near, start=1):
            hit = found[index], gallery.labels[index], gallery.cameras[index], right, value
            lines.writerow((*own, place, *hit))
    return written.getvalue()


def draw(
    rows: list[Ranked],
    query: Images,
    gallery: Images,
    title: str,
    value: str = MEANING["cosine"],
    columns: int = SHOWN,
) -> Image.Image:
    """The picture of `rows`; right and wrong are told apart by colour, and by tick and cross.
    value: what the values are. columns: of the gallery."""
    from PIL import Image, ImageDraw, ImageFont

    assert query.cameras is not None and gallery.cameras is not None
    height = HEIGHT
    widths = [max(1, round(height * x.size[1] / x.size[0])) for x in (query, gallery)]
    cells = [max(CELL, width + 2 * FRAME) for width in widths]
    across, down = cells[1] + GAP, height + 2 * FRAME + 2 * LINE + 22
    first = MARGIN + cells[0] + APART
    top = MARGIN + 52
    small, large = ImageFont.load_default(13), ImageFont.load_default(20)
    legend = "same identity", "another", f"identity, camera, {value}"
    told = sum(int(small.getlength(word)) for word in legend) + 100
    wide = max(first + columns * across - GAP, MARGIN + int(large.getlength(title)) + APART + told)
    size = (wide + MARGIN, top + len(rows) * down + MARGIN - 22)
    picture = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, MARGIN - 4), title, INK, large)
    pen.text((MARGIN, top - 20), "query", FAINT, small)
    pen.text((first, top - 20), "rank 1", FAINT, small)
    for place in range(1, columns):
        pen.text((first + place * across, top - 20), str(place + 1), FAINT, small)
    _legend(pen, (wide - told, MARGIN + 8), small, legend)
    for number, row in enumerate(rows):
        y = top + number * down
        words = (who(query, row.query), f"AP {row.ap:.3f}")
        framed(
            picture, pen, pixels_of(query, row.query), (MARGIN, y), widths[0], QUERY, words, small
        )
        x = first - APART // 2
        pen.line((x, y, x, y + height + 2 * FRAME), "#d5dadd", 1)
        for place, index in enumerate(row.gallery):
            color = RIGHT if row.right[place] else WRONG
            words = (who(gallery, index), f"{row.values[place]:.3f}")
            corner = (first + place * across, y)
            framed(picture, pen, pixels_of(gallery, index), corner, widths[1], color, words, small)
            _mark(pen, (corner[0] + 13, corner[1] + 13), row.right[place])
    return picture


def _mark(pen: ImageDraw.ImageDraw, center: tuple[int, int], right: bool) -> None:
    """A tick or a cross on a disk."""
    x, y = center
    pen.ellipse((x - 10, y - 10, x + 10, y + 10), RIGHT if right else WRONG, PAPER, 2)
    if right:
        pen.line((x - 5, y, x - 1, y + 4, x + 5, y - 4), PAPER, 3, "curve")
    else:
        pen.line((x - 4, y - 4, x + 4, y + 4), PAPER, 3)
        pen.line((x - 4, y + 4, x + 4, y - 4), PAPER, 3)


def _legend(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    words: tuple[str, str, str],
) -> None:
    """What the marks and words mean, from the corner to the right."""
    x, y = corner
    for word, right in zip(words, (True, False, None), strict=True):
        if right is not None:
            _mark(pen, (x, y), right)
            x += 16
        pen.text((x, y), word, FAINT, font, "lm")
        x += int(font.getlength(word)) + 30
