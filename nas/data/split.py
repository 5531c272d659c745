"""Splits: query and gallery, and validation images held out of the training split.

The search is scored on what is held out here, and the test split decides nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import Dataset, Images, Task, relabel
from nas.data.random_bits import bits, permutation
from nas.errors import UserError


@dataclass(frozen=True, eq=False)
class Held:
    """A training split in two parts: what is trained on, and what is held out.

    Task "reid": `query` and `gallery` are set. Task "classification": `validation` is set.
    """

    train: Images
    query: Images | None = None
    gallery: Images | None = None
    validation: Images | None = None


def choose_queries(
    labels: NDArray[np.int64], cameras: NDArray[np.int64], *, seed: int
) -> NDArray[np.bool_]:
    """Choose one random image of each (identity, camera) as its query, as Market-1501 does.

    An identity that has a single image in each of its cameras would be left without a gallery
    image: it has one query, and the rest stay in the gallery. Returns a mask, bool (n,).
    """
    n = len(labels)
    chance = bits(seed, "query", np.arange(n))
    order = np.lexsort((chance, cameras, labels))
    first = np.ones(n, dtype=np.bool_)
    same_label = labels[order][1:] == labels[order][:-1]
    first[1:] = ~(same_label & (cameras[order][1:] == cameras[order][:-1]))
    query = np.zeros(n, dtype=np.bool_)
    query[order[first]] = True

    identity = relabel(labels)
    alone = ~np.isin(identity, identity[~query])
    leader = np.lexsort((chance, identity))
    leads = np.ones(n, dtype=np.bool_)
    leads[1:] = identity[leader][1:] != identity[leader][:-1]
    keeps = np.zeros(n, dtype=np.bool_)
    keeps[leader[leads]] = True
    return query & (~alone | keeps)


def check_matches(name: str, query: Images, gallery: Images) -> None:
    """UserError, which begins with the name, where no query has a match by another camera."""
    assert query.cameras is not None and gallery.cameras is not None
    seen = set(zip(gallery.labels.tolist(), gallery.cameras.tolist(), strict=True))
    cameras: dict[int, set[int]] = {}
    for identity, camera in seen:
        cameras.setdefault(identity, set()).add(camera)
    asked = set(zip(query.labels.tolist(), query.cameras.tolist(), strict=True))
    if not any(cameras.get(identity, set()) - {camera} for identity, camera in asked):
        raise UserError(
            f"{name}: no query has an image of its identity by another camera in the gallery, so "
            "there is nothing to score"
        )


def _held_identities(images: Images, seed: int, fraction: float) -> NDArray[np.int64]:
    """Whole groups of identities in random order, until the fraction is reached."""
    identities, first = np.unique(images.labels, return_index=True)
    total = len(identities)
    wanted = max(2, round(total * fraction))
    groups = identities if images.groups is None else images.groups[first]
    names, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group)
    taken: list[int] = []
    count = 0
    for candidate in permutation(seed, len(names), "hold out").tolist():
        if count >= wanted:
            break
        taken.append(candidate)
        count += int(sizes[candidate])
    if total - count < 2:
        raise UserError(
            f"cannot hold out {fraction:g} of {total} identities: "
            f"{total - count} would be left to train on, at least 2 are needed"
        )
    return identities[np.isin(group, taken)]


def _hold_out_identities(images: Images, seed: int, fraction: float) -> Held:
    if images.cameras is None:
        raise UserError("cannot hold out identities of images without cameras")
    held = np.isin(images.labels, _held_identities(images, seed, fraction))
    rest = images.subset(~held)
    train = replace(rest, labels=relabel(rest.labels))
    labels, cameras = images.labels[held], images.cameras[held]
    query = choose_queries(labels, cameras, seed=seed)
    where = np.flatnonzero(held)
    return Held(train, query=images.subset(where[query]), gallery=images.subset(where[~query]))


def _hold_out_images(images: Images, seed: int, fraction: float) -> Held:
    held = np.zeros(len(images), dtype=np.bool_)
    for label in np.unique(images.labels).tolist():
        members = np.flatnonzero(images.labels == label)
        if len(members) < 2:
            raise UserError(f"cannot hold out images of class {label}: it has only one")
        count = min(max(1, round(len(members) * fraction)), len(members) - 1)
        held[members[permutation(seed, len(members), "hold out", label)[:count]]] = True
    return Held(images.subset(~held), validation=images.subset(held))


def hold_out(images: Images, task: Task, *, seed: int, fraction: float = 0.25) -> Held:
    """Split the training images into a part to train on and a part to validate on.

    "reid": holds out a fraction of the identities (at least 2), with one image of each
    (identity, camera) as query and the rest as gallery, under the labels that they have in
    `images`; those trained on are relabelled 0..k'-1. Identities of one group stay together.
    "classification": holds out that fraction of the images of each class, at least one.
    The same seed gives the same split on every machine. Raises UserError where there is too
    little to split.
    """
    if not 0 < fraction < 1:
        raise UserError(f"fraction to hold out: {fraction:g} is not between 0 and 1")
    split = _hold_out_identities if task == "reid" else _hold_out_images
    return split(images, seed, fraction)


def as_it_is(dataset: Dataset) -> Held:
    """Nothing is held out: all of train is trained on, and the test split scores."""
    return Held(dataset.train, dataset.query, dataset.gallery, dataset.test)


def hold_out_to_score(dataset: Dataset, *, seed: int, fraction: float) -> Held:
    """What a search trains on, and is scored on: `hold_out` of train.

    Where the data set has images of another place for it, all of train is trained on, and that
    fraction of those is scored on. UserError also where there is no score: no query has a match.
    """
    if dataset.validation is None:
        held = hold_out(dataset.train, dataset.task, seed=seed, fraction=fraction)
    elif len(dataset.validation):
        held = hold_out(dataset.validation, dataset.task, seed=seed, fraction=fraction)
        held = replace(held, train=dataset.train)
    else:
        raise UserError(
            f"{dataset.name}: what is scored on has no train split to choose by; its test split "
            "decides nothing"
        )
    if held.query is not None and held.gallery is not None:
        check_matches("of the images that are held out", held.query, held.gallery)
    return held
