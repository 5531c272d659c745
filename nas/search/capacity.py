"""How many jobs run side by side, with how many threads, and whether the data is there for them."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

from nas.architecture.registry import kinds_of_script
from nas.arguments import whole
from nas.data.register import DATA
from nas.data.spec import check_spec, parts_of
from nas.errors import UserError
from nas.plugins import of_script
from nas.search.executor import Cluster
from nas.training.augmentation_kinds import AUGMENTATIONS
from nas.training.loss_kinds import LOSSES


def slots(workers: int | None, cluster: Cluster | None) -> int:
    """How many jobs run side by side: as many as are asked for, or as there is room for.

    Connects to the cluster, if there is one. UserError where it has no room, or is none; where
    there are kinds of blocks that processes can not know; or where this process may start none.
    """
    if cluster is None and multiprocessing.current_process().daemon:
        raise UserError(
            "a process of multiprocessing.Pool may start no workers; one of "
            "concurrent.futures.ProcessPoolExecutor may"
        )
    script = getattr(sys.modules["__main__"], "__file__", None)
    if (own := in_script()) and (cluster or not script or not Path(script).is_file()):
        raise UserError(
            f"{own[0]}: the processes that train know nothing of what is registered in a notebook, "
            "or typed in; put it into a file of its own, and nas.load_plugin(FILE)"
        )
    if workers is not None:
        workers = whole("--workers", workers, 1)
    if cluster is None:
        return workers or default_workers()
    from nas.search.ray_workers import connect

    room = connect(cluster)
    return workers or room


def in_script() -> list[str]:
    """What the caller's script registers, which processes know by running it."""
    losses = {name: kind.make for name, kind in LOSSES.items() if kind.make}
    return [
        *kinds_of_script(),
        *of_script("loss", losses),
        *of_script("augmentation", AUGMENTATIONS),
        *of_script("data", DATA),
    ]


def check_data(spec: str, cluster: Cluster | None) -> None:
    """UserError where a data set can not be loaded; on a cluster its nodes look for the files."""
    if cluster is None:
        check_spec(spec)
    else:
        parts_of(spec)


def default_workers() -> int:
    """One process a GPU; where there is none, one a core, up to 8."""
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return gpus or max(1, min(8, cores()))


def default_threads() -> int:
    """Threads for all workers together: OMP_NUM_THREADS where it is set, else one a core."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else cores()


def cores() -> int:
    """That this process may use; where the system does not say, as on macOS, all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
