"""What the splits of a data set hold, from labels and cameras alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import Images, Task
from nas.data.layouts import Count
from nas.data.listing import Split

Ints: TypeAlias = NDArray[np.int64]
Labelled: TypeAlias = Split | Images


@dataclass(frozen=True)
class SplitCount:
    """What a split holds. labels: identities without distractors, or classes.

    distractors: images of identity 0. unmatched: in train the identities that one camera alone
    saw, in query those without an image by another camera in the gallery. published: images and
    labels, where they are known.
    """

    data: str
    split: str
    images: int
    labels: int
    distractors: int
    cameras: int
    unmatched: int
    published: Count | None


def count_splits(
    data: str,
    task: Task,
    splits: Mapping[str, Labelled],
    published: Sequence[Mapping[str, Count]] = (),
) -> list[SplitCount]:
    """Count each split, beside the variant of the published counts that agrees with most splits."""
    counts: dict[str, Count] = {}
    distractors = {}
    for name, images in splits.items():
        strange = (images.labels == 0) & (task == "reid" and name == "gallery")
        distractors[name] = int(strange.sum())
        counts[name] = len(strange), len(np.unique(images.labels[~strange]))
    nearest: Mapping[str, Count] = max(
        published, key=lambda known: sum(known[name] == counts[name] for name in counts), default={}
    )
    return [
        SplitCount(
            data,
            name,
            *counts[name],
            distractors[name],
            0 if images.cameras is None else len(np.unique(images.cameras)),
            len(unmatched(name, splits)) if task == "reid" else 0,
            nearest.get(name),
        )
        for name, images in splits.items()
    ]


def unmatched(name: str, splits: Mapping[str, Labelled]) -> Ints:
    """Identities of a split that no second camera saw, sorted.

    In train, those in images by one camera alone. In query, those with an image that has no match
    by another camera in the gallery. In gallery, none.
    """
    if name == "train":
        pairs = np.unique(_pairs(splits["train"]), axis=0)
        identities, cameras = np.unique(pairs[:, 0], return_counts=True)
        alone: Ints = identities[cameras == 1]
        return alone
    if name == "gallery" or "gallery" not in splits or name not in splits:
        return np.array([], dtype=np.int64)
    seen: dict[int, set[int]] = {}
    for identity, camera in _pairs(splits["gallery"]).tolist():
        seen.setdefault(identity, set()).add(camera)
    pairs = _pairs(splits[name])
    left = {i for i, camera in pairs.tolist() if not seen.get(i, set()) - {camera}}
    return np.array(sorted(left), dtype=np.int64)


def shared(splits: Mapping[str, Labelled]) -> list[tuple[str, int]]:
    """(split, identity) of those that are both trained on and tested with."""
    if "train" not in splits:
        return []
    return [
        (name, identity)
        for name, images in splits.items()
        if name != "train"
        for identity in np.intersect1d(splits["train"].labels, images.labels).tolist()
    ]


def _pairs(images: Labelled) -> Ints:
    """Identity and camera of each image, (n, 2)."""
    cameras = np.zeros_like(images.labels) if images.cameras is None else images.cameras
    return np.stack([images.labels, cameras], axis=1)
