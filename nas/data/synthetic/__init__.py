"""The default data set: drawn pedestrians before six cameras, made in seconds.

It is drawn with integers alone, from random integers that depend on the seed and on what they are
for, so it has the same bits on every machine. A person is recognised at several scales: by the
body and the colours of clothes, by patterns and bags, and by details of 2 to 5 pixels such as a
logo. Half of the identities come in pairs of twins that only the details tell apart.
"""

from dataclasses import replace

import numpy as np

from nas.data.dataset import Dataset, Images
from nas.data.random_bits import bits, integers
from nas.data.split import choose_queries
from nas.data.synthetic.capture import Studio
from nas.data.synthetic.people import make_people
from nas.data.synthetic.poses import CAMERAS, make_poses

CAMERAS_EACH = 4
"""Cameras that see an identity."""

INSTANCES = 3
"""Images of an identity in each of its cameras."""


def synthetic(ids: int = 600, size: tuple[int, int] = (64, 32), seed: int = 1) -> Dataset:
    """Draw the synthetic multi-camera pedestrian data set.

    ids: identities in all; half of them train, the others are query and gallery. Half of each part
    are twins (`groups`). size: (height, width) of the images in pixels. Cameras are 1 to 6. An
    identity has 3 images in each of 4 cameras; raw identities start at 1. The gallery has one
    distractor, of identity 0 and each another person, for every ten images.
    """
    if ids < 4:
        raise ValueError(f"at least 4 identities are needed, got {ids=}")
    tested = ids // 2
    trained = ids - tested
    gallery_images = tested * CAMERAS_EACH * (INSTANCES - 1)
    distractors = gallery_images // 10
    family, twin = _families([trained, tested, distractors])

    everyone = np.arange(ids)
    rank = np.argsort(
        bits(seed, "cameras", everyone[:, None], np.arange(len(CAMERAS))), axis=1, kind="stable"
    )
    cameras = np.sort(rank[:, :CAMERAS_EACH], axis=1)
    person = np.repeat(everyone, CAMERAS_EACH * INSTANCES)
    camera = np.repeat(cameras.reshape(-1), INSTANCES)
    instance = np.tile(np.arange(INSTANCES), ids * CAMERAS_EACH)
    strangers = np.arange(ids, ids + distractors)
    person = np.concatenate([person, strangers])
    camera = np.concatenate([camera, integers(0, len(CAMERAS), seed, "distractor", strangers)])
    instance = np.concatenate([instance, np.zeros_like(strangers)])

    people = make_people(family, twin, seed)
    poses = make_poses(person, camera, instance, seed)
    pixels = Studio(size, seed).photograph(people.take(person), poses)
    identity = np.where(person < ids, person + 1, 0)
    images = Images(pixels, identity, camera + 1, family[person])

    in_train = (identity > 0) & (person < trained)
    query = np.zeros(len(images), dtype=np.bool_)
    real = np.flatnonzero((identity > 0) & ~in_train)
    query[real] = choose_queries(identity[real], camera[real], seed=seed)
    train = images.subset(in_train)
    return Dataset(
        name="synthetic",
        task="reid",
        train=replace(train, labels=train.labels - 1),
        query=images.subset(query),
        gallery=images.subset(~in_train & ~query),
        about=f"drawn pedestrians, {ids} identities before {len(CAMERAS)} cameras, "
        f"{size[0]}x{size[1]}, seed {seed}",
    )


def _families(parts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Number the families of all people, and say who is a second twin; each int64 (n,).

    In each part but the last, which holds the distractors, a quarter of the people have a twin.
    """
    twin: list[int] = []
    for part in parts[:-1]:
        pairs = part // 4
        twin += [0, 1] * pairs + [0] * (part - 2 * pairs)
    twin += [0] * parts[-1]
    second = np.array(twin, dtype=np.int64)
    return np.cumsum(1 - second) - 1, second
