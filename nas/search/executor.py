"""Where jobs run: what the driver asks of an executor, and the cluster that a user names."""

from __future__ import annotations

import os
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from nas.data.spec import check_spec, parts_of
from nas.errors import UserError
from nas.training.job import Job, Result

ATTEMPTS = 3  # how often a job is started whose worker dies


class Executor(Protocol):
    """Does jobs side by side."""

    def submit(self, job: Job) -> Future[Result]:
        """Start a job.

        The future fails with BrokenExecutor where the worker died; with Unavailable, Unwritable or
        OSError where the job is not to blame; with anything else where it is. A result without its
        state lies in the outbox.
        """

    def cancel(self) -> None:
        """Ask every running job to stop; its result is `stopped`, if one comes."""

    def close(self) -> None:
        """Stop the jobs, and give back what they ran on."""


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster, and what a job takes of one of its nodes.

    address: host:port of its head, or ray://host:port; None for the one that RAY_ADDRESS names or
    that this machine is of. cpus: cores, which are its threads. gpus: None is 1 where the cluster
    has any, else 0; 0.25 puts four jobs on one. UserError where Ray has no such share.
    """

    address: str | None = None
    cpus: float = 1.0
    gpus: float | None = None

    def __post_init__(self) -> None:
        for option, amount in (("cpus", self.cpus), ("gpus", self.gpus or 0.0)):
            least = 0.01 if option == "cpus" else 0.0
            if not least <= amount < 1000 or (amount > 1 and amount != int(amount)):
                raise UserError(
                    f"--{option}-per-job: {amount:g} is not a share up to 1, or a whole number"
                )


def slots(workers: int | None, cluster: Cluster | None) -> int:
    """How many jobs run side by side: as many as are asked for, or as there is room for.

    Connects to the cluster, if there is one. UserError where it has no room, or is none.
    """
    if workers is not None and workers < 1:
        raise UserError(f"--workers: {workers} is not a number of processes from 1")
    if cluster is None:
        return workers or default_workers()
    from nas.search.ray_workers import connect

    room = connect(cluster)
    return workers or room


def check_data(spec: str, cluster: Cluster | None) -> None:
    """UserError where a data set can not be loaded; on a cluster its nodes look for the files."""
    if cluster is None:
        check_spec(spec)
    else:
        parts_of(spec)


def default_workers() -> int:
    """One process a core, up to 8; one where there is a GPU."""
    import torch

    return 1 if torch.cuda.is_available() else max(1, min(8, len(os.sched_getaffinity(0))))


def default_threads() -> int:
    """Threads for all workers together: OMP_NUM_THREADS where it is set, else one a core."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else len(os.sched_getaffinity(0))
