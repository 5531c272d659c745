"""Several data sets as one: joined, where no identity, camera or group of one is one of another; or
one to train on, and another to be scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nas.data.dataset import Dataset, Images, no_images, relabel
from nas.data.stack import stacked
from nas.errors import UserError

Ints = NDArray[np.int64]


def join(datasets: Sequence[Dataset], names: Sequence[str]) -> Dataset:
    """Join data sets for one task, whose images have one size; no pixels are copied.

    Identities are numbered anew, by (place of the data set, identity), and so are cameras;
    distractors keep identity 0. Classes are joined by name, in the order of their names. Where one
    has no train split, the whole has none.
    """
    if not all(len(dataset.train) for dataset in datasets):
        empty = no_images(datasets[0].train.size)
        datasets = [replace(dataset, train=empty) for dataset in datasets]
    tasks = {dataset.task for dataset in datasets}
    if len(tasks) != 1:
        raise ValueError(f"data sets for one task can be joined, not {sorted(tasks)}")
    classes: tuple[str, ...] = ()
    if tasks == {"reid"}:
        numbered = _with_distinct_identities(datasets)
    else:
        classes = tuple(sorted({name for dataset in datasets for name in dataset.classes}))
        numbered = [_with_classes(dataset, classes) for dataset in datasets]
    return Dataset(
        name="+".join(dataset.name for dataset in datasets),
        task=datasets[0].task,
        about="; ".join(names),
        classes=classes,
        **{"train": no_images(datasets[0].train.size)}
        | {split: stacked([part[split] for part in numbered]) for split in numbered[0]},
    )


def scored_on(trained: Dataset, other: Dataset, spec: str) -> Dataset:
    """What the first has to train on, and the second to be scored on: its test split; and its train
    split, as validation, in a search. UserError where their classes differ."""
    if trained.classes != other.classes:
        here, there = (", ".join(own.classes) for own in (trained, other))
        raise UserError(f"data {spec!r}: the classes differ, {here} and {there}")
    return replace(
        other,
        name=f"{trained.name} -> {other.name}",
        about=f"trained on: {trained.about}; scored on: {other.about}",
        train=trained.train,
        validation=other.train,
    )


def _with_classes(dataset: Dataset, classes: tuple[str, ...]) -> dict[str, Images]:
    place = np.array([classes.index(name) for name in dataset.classes], dtype=np.int64)
    return {
        split: _labelled(images, place[images.labels]) for split, images in dataset.splits.items()
    }


def _with_distinct_identities(datasets: Sequence[Dataset]) -> list[dict[str, Images]]:
    grouped = any(s.groups is not None for d in datasets for s in d.splits.values())
    trained = tested = cameras = groups = 0
    found = []
    for dataset in datasets:
        splits = dataset.splits
        labels = _ranks({name: images.labels for name, images in splits.items() if name != "train"})
        labels = {k: np.where(splits[k].labels == 0, 0, v + 1 + tested) for k, v in labels.items()}
        tested = max(tested, *(int(v.max()) for v in labels.values()))
        if "train" in splits:
            labels["train"] = relabel(splits["train"].labels) + trained
            trained = int(labels["train"].max()) + 1
        views = _ranks({k: _or_one(s.cameras, s) for k, s in splits.items()}, cameras)
        cameras = 1 + max(int(v.max()) for v in views.values())
        families: dict[str, Ints] = {}
        if grouped:
            # Without groups each identity is its own; nothing asks for groups of two splits.
            own = {k: s.labels if s.groups is None else s.groups for k, s in splits.items()}
            families = _ranks(own, groups)
            groups = 1 + max(int(v.max()) for v in families.values())
        found.append(
            {k: _labelled(s, labels[k], views[k], families.get(k)) for k, s in splits.items()}
        )
    return found


def _labelled(
    images: Images, labels: Ints, cameras: Ints | None = None, groups: Ints | None = None
) -> Images:
    return Images(images.store, labels, cameras, groups, images.rows)


def _or_one(cameras: Ints | None, images: Images) -> Ints:
    return np.zeros(len(images), dtype=np.int64) if cameras is None else cameras


def _ranks(values: dict[str, Ints], first: int = 0) -> dict[str, Ints]:
    """Ranks of the values among those of all splits together, from `first`."""
    ranks = relabel(np.concatenate(list(values.values()))) + first
    ends = np.cumsum([len(found) for found in values.values()])[:-1]
    return dict(zip(values, np.split(ranks, ends), strict=True))
