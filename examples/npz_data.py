"""Data of one's own: people cut out of videos, as arrays in one .npz file.

    python cli.py search osnet-mini --plugin examples/npz_data.py --data npz:people.npz

The file has pixels, uint8 (n, height, width, 3), RGB, and for each image a person, a camera, and
whether it is for training: whole numbers, (n,). Of the others the first image of each person by
each camera is a query.
"""

import numpy as np

import nas
from nas.data import Dataset, Images, relabel


@nas.register_data("npz", "reid", takes="FILE")
def npz(text: str) -> Dataset:
    with np.load(text) as file:
        pixels, train = file["pixels"], file["train"].astype(bool)
        camera = file["camera"].astype(np.int64)
        person = relabel(file["person"].astype(np.int64)) + 1  # 0 is for distractors

    def images(rows: np.ndarray) -> Images:
        return Images(pixels, person[rows], camera[rows], rows=np.flatnonzero(rows))

    _, first = np.unique(np.stack([person, camera, train]), axis=1, return_index=True)
    query = ~train & np.isin(np.arange(len(pixels)), first)
    own = images(train)
    return Dataset(
        name="npz",
        task="reid",
        train=Images(pixels, relabel(own.labels), own.cameras, rows=own.rows),
        query=images(query),
        gallery=images(~train & ~query),
        about=f"{len(pixels)} images of {text}",
    )
