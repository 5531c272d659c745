"""Networks and images in, scores out: re-identification and classification."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data import Dataset, Held, Images, check_matches, check_spec, load_dataset, resize
from nas.errors import UserError
from nas.models import Network, load_trained
from nas.progress import Tell, counted, untold
from nas.training.augment import normalise
from nas.training.classification import classification_scores
from nas.training.loop import default_device
from nas.training.rerank import reranked_scores
from nas.training.retrieval import Metric, retrieval_scores

BATCH = 256
BATCH_PIXELS = 1 << 21  # fewer large images in a batch: their activations take gigabytes
CPU_BATCH_PIXELS = 1 << 18
"""On a CPU: a layer of OSNet makes 16 MiB of them. glibc takes tensors of more than 32 MiB from the
system and gives them back each time, which can take as long as computing them."""

MANY = 5000  # images whose scoring is told in a log too


class NotFinite(RuntimeError):
    """What the network gives is not finite numbers."""


def evaluate(
    checkpoint: Network | str | Path,
    data: str,
    *,
    metric: Metric = "cosine",
    flip: bool = False,
    rerank: bool = False,
) -> dict[str, Any]:
    """Score a network on the test split of a data set, which no search looks at.

    checkpoint: a network, or its file, as `load_trained` takes it. data: as `load_dataset`
    does. Re-identification (query and gallery): `retrieval_scores` by `metric`, with `rerank` by
    k-reciprocal neighbours. Classification (test): `classification_scores`. flip: embeddings are
    the mean of the image's and its mirror image's. Returns data, task, images (number by split) and
    scores. UserError where the network does not fit the data, or its output is not finite.
    """
    check_spec(data)
    with scoring(checkpoint) as network:
        return _evaluate(network, data, metric, flip, rerank)


def _evaluate(
    network: Network, data: str, metric: Metric, flip: bool, rerank: bool
) -> dict[str, Any]:
    dataset = load_dataset(data, network.input_size, train=False)
    if dataset.task == "classification":
        check_classes(network, data, dataset)
        if rerank:
            raise UserError(f"{data}: it is for classification, where nothing is re-ranked")
    tested = ("query", "gallery", "test")
    splits = {name: images for name, images in dataset.splits.items() if name in tested}
    if dataset.task == "reid":
        check_matches(data, splits["query"], splits["gallery"])
    try:
        with counted("images", lines=sum(map(len, splits.values())) >= MANY) as progress:
            if dataset.task == "reid":
                query, gallery = splits["query"], splits["gallery"]
                scores = score_reid(
                    network, query, gallery,
                    metric=metric, flip=flip, rerank=rerank, progress=progress,
                )  # fmt: skip
            else:
                scores = score_classification(network, splits["test"], flip=flip, progress=progress)
    except NotFinite as error:
        raise UserError(f"{data}: {error}") from None
    return {
        "data": data,
        "task": dataset.task,
        "images": {name: len(images) for name, images in splits.items()},
        "scores": {name: value for name, value in scores.items() if name != "score"},
    }


@contextmanager
def scoring(checkpoint: Network | str | Path) -> Iterator[Network]:
    """What `load_trained` gives, where it computes fastest; afterwards, a network that was given is
    where it was, and each layer of it in its mode."""
    network = load_trained(checkpoint)
    home, modes = network.device, [(module, module.training) for module in network.modules()]
    try:
        yield network.to(default_device())
    finally:
        network.to(home)
        for module, mode in modes:
            module.training = mode


def score_held(
    network: Network, held: Held, autocast: torch.autocast | None = None
) -> dict[str, float]:
    """`score_reid` where queries and a gallery are held out, else `score_classification`."""
    if held.query is not None and held.gallery is not None:
        return score_reid(network, held.query, held.gallery, autocast=autocast)
    assert held.validation is not None
    return score_classification(network, held.validation, autocast=autocast)


def score_reid(
    network: Network,
    query: Images,
    gallery: Images,
    *,
    autocast: torch.autocast | None = None,
    metric: Metric = "cosine",
    flip: bool = False,
    rerank: bool = False,
    progress: Tell = untold,
) -> dict[str, float]:
    """`retrieval_scores` of the network's embeddings, or `reranked_scores`; `score` is the mAP."""
    assert query.cameras is not None and gallery.cameras is not None
    total = len(query) + len(gallery)
    before = 0
    found = []
    for images in (query, gallery):

        def told(done: int, _: int, before: int = before) -> None:
            progress(before + done, total)

        found.append(embed(network, images, autocast=autocast, flip=flip, progress=told))
        before += len(images)
    q, g = found
    labels, cameras = (query.labels, gallery.labels), (query.cameras, gallery.cameras)
    scores = (reranked_scores if rerank else retrieval_scores)(q, g, *labels, *cameras, metric)
    return {"score": scores["mAP"], **scores}


def score_classification(
    network: Network,
    images: Images,
    *,
    autocast: torch.autocast | None = None,
    flip: bool = False,
    progress: Tell = untold,
) -> dict[str, float]:
    """`classification_scores` of the network's classifier; `score` is the top1."""
    logits = embed(network, images, autocast=autocast, flip=flip, progress=progress, logits=True)
    scores = classification_scores(logits, images.labels)
    return {"score": scores["top1"], **scores}


def embed(
    network: Network,
    images: Images,
    *,
    autocast: torch.autocast | None = None,
    flip: bool = False,
    progress: Tell = untold,
    logits: bool = False,
) -> Tensor:
    """Embeddings (n, E), float32, in eval mode, of images resized to the network's input.

    Without `autocast` it computes in what its weights are of. flip: the mean of the image's
    embedding and its mirror image's. progress: told how many images of how many are done. logits:
    these (n, classes) in their place. NotFinite where one is no number.
    """
    images, found = resize(images, network.input_size), []
    step = batch_size(network)
    for start in range(0, len(images), step):
        rows = np.arange(start, min(start + step, len(images)))
        found.append(embed_batch(network, images.gather(rows), autocast, flip, logits))
        progress(int(rows[-1]) + 1, len(images))
    return torch.cat(found)


def batch_size(network: Network) -> int:
    """How many images to embed at once, on the device that the network is on."""
    height, width = network.input_size
    pixels = CPU_BATCH_PIXELS if network.device.type == "cpu" else BATCH_PIXELS
    return max(1, min(BATCH, pixels // (height * width)))


@torch.inference_mode()
def embed_batch(
    network: Network,
    pixels: NDArray[np.uint8],
    autocast: torch.autocast | None = None,
    flip: bool = False,
    logits: bool = False,
) -> Tensor:
    """`embed` of uint8 (n, H, W, 3) that has the network's input size already."""
    network.eval()
    compute = network.classify if logits else network.embed
    batch = normalise(torch.from_numpy(pixels).to(network.device)).to(network.dtype)
    plain = torch.autocast(network.device.type, enabled=False)
    with _whole_float32(), autocast or plain:
        found = compute(batch).float()
        if flip:
            found = (found + compute(batch.flip(3)).float()) / 2
    if not torch.isfinite(found).all():
        what = "logits" if logits else "embeddings"
        raise NotFinite(f"the network's {what} are not finite numbers")
    return found


@contextmanager
def _whole_float32() -> Iterator[None]:
    """Convolutions of float32 on a GPU without TF32, which has 10 bits of mantissa."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def check_classes(network: Network, data: str, dataset: Dataset) -> None:
    """UserError where the network was not trained to tell the classes of `data` apart."""
    if network.task == "reid":
        raise UserError(f"{data}: it is for classification, and the network tells identities apart")
    if not network.num_classes:
        raise UserError(
            f"{data}: it is for classification, and the network has no classifier, or was exported "
            "without --logits"
        )
    own = network.num_classes
    if own != dataset.num_classes:
        raise UserError(
            f"{data}: it has {dataset.num_classes} classes, and the network's classifier {own}"
        )
    if network.classes and dataset.classes and network.classes != dataset.classes:
        raise UserError(f"{data}: its classes are other ones than those the network was trained on")
