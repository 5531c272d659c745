"""Images a second of our training loop against a plain one, and what each measure gives.

    python benchmarks/training.py [--network osnet_x0_25] [--size 128x64] [--threads 2] ...

The plain loop is the usual one of re-identification: a DataLoader with 2 workers decodes JPEGs of
256x128 with Pillow and augments each image (resize, flip, pad and crop, normalise); the network is
in NCHW float32, the optimizer AdamW. The others add one measure after the other; the last is our
Trainer. All train the same network on the same images with the same augmentation, in turns; the
best of the rounds counts, for other processes only ever take time. Processor time, of all threads
and workers, is for a machine that does other work too; --threads 1 then, as waiting threads count.
Before the steps that are timed, the workers' queue is emptied once. Then a profile says where the
time of our loop goes.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from nas.architecture import Size, preset
from nas.data import Images, load_dataset, resize
from nas.models import build
from nas.models.about import MEAN, STD
from nas.training.augment import augment, normalise
from nas.training.loop import Step, Stopped, Trainer, autocast, parse_device
from nas.training.recipe import Recipe

JPEG_SIZE, QUALITY, PAD, WORKERS = (256, 128), 90, 4, 2
QUEUED = 2 * WORKERS  # batches that the workers have ready before a round
REFILL_SECONDS = 0.5  # in which they have them ready again, while nothing is timed
NETWORKS = {"osnet_x1_0": (32, 4), "osnet_x0_25": (64, 8)}  # batch, timed steps of a round
KINDS = (  # of operators, by the start of their names; the first that fits
    ("convolution", ("aten::mkldnn_conv", "aten::convolution", "aten::cudnn_conv", "aten::_conv")),
    (
        "batch norm",
        ("aten::native_batch_norm", "aten::cudnn_batch_norm", "aten::batch_norm", "_BatchNorm"),
    ),
    ("ReLU", ("aten::clamp_min", "aten::threshold", "aten::relu")),
    (
        "pooling",
        ("aten::max_pool", "aten::avg_pool", "aten::upsample", "aten::mean", "aten::adaptive"),
    ),
    ("gates and sums", ("aten::mul", "aten::add", "aten::sum", "aten::sigmoid")),
    ("casts and copies", ("aten::copy", "aten::_to_copy", "aten::clone", "aten::contiguous")),
    ("optimizer", ("aten::_fused", "aten::_foreach", "Optimizer")),
)


class Files(Dataset[tuple[Tensor, int]]):
    """JPEGs in memory, or the pixels of them (uint8, decoded and resized): an image at a time."""

    def __init__(self, files: list[bytes] | NDArray[np.uint8], labels: list[int], size: Size):
        self.files, self.labels, self.size = files, labels, size
        self.mean, self.std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        file, (height, width) = self.files[index], self.size
        if isinstance(file, bytes):
            image = Image.open(io.BytesIO(file)).convert("RGB")
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        else:
            image = Image.fromarray(file)
        if torch.rand(()) < 0.5:
            image = ImageOps.mirror(image)
        left, top = torch.randint(0, 2 * PAD + 1, (2,)).tolist()
        image = ImageOps.expand(image, PAD).crop((left, top, left + width, top + height))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return (pixels.float() / 255 - self.mean) / self.std, self.labels[index]


Batches = Iterator[tuple[Tensor, Tensor]]


def by_workers(files: Files, batch: int) -> Batches:
    loader = DataLoader(
        files, batch, shuffle=True, num_workers=WORKERS, drop_last=True, persistent_workers=True
    )
    while True:
        yield from loader


def by_batches(images: Images, recipe: Recipe, device: torch.device, last: bool) -> Batches:
    """Slices of the cache, augmented together; last: whether the channels stay last."""
    draw, labels = torch.Generator().manual_seed(0), torch.from_numpy(images.labels)
    while True:
        order = torch.randperm(len(labels), generator=draw)
        for rows in torch.split(order, recipe.batch)[:-1]:
            pixels = torch.from_numpy(images.gather(rows.numpy())).to(device)
            x = normalise(augment(pixels, recipe, draw))
            yield x if last else x.contiguous(), labels[rows]


class Clock:
    """Seconds, and processor seconds of this process and of workers, since it was made."""

    def __init__(self, workers: Sequence[int] = ()) -> None:
        self.workers = workers
        self.start = self._now()

    def seconds(self) -> NDArray[np.float64]:
        return self._now() - self.start

    def _now(self) -> NDArray[np.float64]:
        processor = time.process_time()
        for worker in self.workers:
            fields = Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()
            processor += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return np.array([time.perf_counter(), processor])


class Plain:
    """The plain loop, with measures."""

    def __init__(self, network: nn.Module, batches: Batches, device: torch.device) -> None:
        self.network, self.batches, self.device = network.to(device).train(), batches, device
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.05)
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.autocast = torch.autocast(device.type, enabled=False)
        before = set(active_children())
        next(batches)  # workers start
        self.workers = [p.pid for p in set(active_children()) - before if p.pid]

    def seconds(self, warm: int, timed: int) -> NDArray[np.float64]:
        for step in range(warm + timed):
            if step == warm:
                clock = Clock(self.workers)
            x, labels = next(self.batches)
            x, labels = x.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            with self.autocast:
                logits, _ = self.network(x)
            loss = self.loss(logits.float(), labels)
            loss.backward()
            self.optimizer.step()
            loss.item()
        found = clock.seconds()
        if self.workers:
            time.sleep(REFILL_SECONDS)
        return found


class Ours:
    """The loop of `train`."""

    def __init__(self, trainer: Trainer, images: Images) -> None:
        self.trainer, self.images = trainer, images

    def seconds(self, warm: int, timed: int) -> NDArray[np.float64]:
        first, clock = self.trainer.step, Clock()
        found: list[NDArray[np.float64]] = []

        def watch(step: Step) -> None:
            if step.step - first == warm:
                clock.start = Clock().start
            if step.step - first == warm + timed:
                found.append(clock.seconds())

        with suppress(Stopped):
            self.trainer.train(self.images, 10**6, stop=lambda: bool(found), watch=watch)
        return found[0]


Way = Plain | Ours


def ways(name: str, size: Size, batch: int, large: Images, device: torch.device) -> dict[str, Way]:
    """The loops, from the plain one to ours, each with one measure more than the one before."""
    architecture, classes = preset(name).resized(size), int(large.labels.max()) + 1
    recipe = Recipe(
        name="benchmark", epochs=1, batch=batch, lr=1e-3, weight_decay=0.05, crop=PAD, average=0.98
    )
    images = resize(large, size)
    images.prepare()
    labels = large.labels.tolist()

    def plain(batches: Batches, *, last: bool = False) -> Plain:
        network = build(architecture, classes)
        if last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Plain(network, batches, device)

    made: dict[str, Way] = {
        "plain": plain(by_workers(Files(jpegs(large), labels, size), batch)),
        "cached pixels": plain(by_workers(Files(images.pixels, labels, size), batch)),
        "augmented by batches": plain(by_batches(images, recipe, device, last=False)),
        "channels_last": plain(by_batches(images, recipe, device, last=True), last=True),
    }
    narrow = plain(by_batches(images, recipe, device, last=True), last=True)
    narrow.autocast = autocast(recipe, device)
    if narrow.autocast._enabled:
        made["bfloat16"] = narrow
    trainer = Trainer(build(architecture, classes), recipe, seed=0, device=device)
    return made | {"ours": Ours(trainer, images)}


def jpegs(images: Images) -> list[bytes]:
    files = []
    for pixels in images.pixels:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
        files.append(file.getvalue())
    return files


def compare(name: str, size: Size, large: Images, rounds: int, device: torch.device) -> None:
    batch, timed = NETWORKS[name]
    loops = ways(name, size, batch, large, device)
    best = {way: np.full(2, np.inf) for way in loops}
    for _ in range(rounds):
        for way, loop in loops.items():
            warm = QUEUED if isinstance(loop, Plain) and loop.workers else 1
            best[way] = np.minimum(best[way], loop.seconds(warm, timed))
    print(f"{name} at {size}, batch {batch}, threads: {torch.get_num_threads()}, {device}")
    print("  images a second, times the line above, times plain; then of processor time")
    before = plain = batch * timed / best["plain"]
    for way, seconds in best.items():
        speed = batch * timed / seconds
        columns = zip(speed, speed / before, speed / plain, strict=True)
        text = "   ".join(f"{s:7.1f} {b:5.2f}x {p:5.2f}x" for s, b, p in columns)
        print(f"  {way:20} {text}", flush=True)
        before = speed
    profile(loops["ours"], device)


def profile(ours: Way, device: torch.device) -> None:
    """Shares of kinds of operators in our loop, forward and backward together."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as found:
        ours.seconds(1, 2)
    microseconds: Counter[str] = Counter()
    for event in found.key_averages():
        own = event.self_device_time_total if device.type == "cuda" else event.self_cpu_time_total
        microseconds[kind_of(event.key)] += own
    total = microseconds.total()
    print("  " + ", ".join(f"{k} {us / total:.0%}" for k, us in microseconds.most_common()))


def kind_of(operator: str) -> str:
    for kind, starts in KINDS:
        if operator.startswith(starts):
            return kind
    return "the rest"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=NETWORKS, help="by default both, one after the other")
    parser.add_argument("--size", type=Size.parse, default="128x64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", help="cpu, cuda; by default the GPU if there is one")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    height, width = JPEG_SIZE
    large = load_dataset(f"synthetic:ids=70,size={height}x{width}").train
    for name in [asked.network] if asked.network else NETWORKS:
        compare(name, asked.size, large, asked.rounds, parse_device(asked.device))


if __name__ == "__main__":
    main()
