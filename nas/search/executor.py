"""What the driver asks of what does its jobs, and the cluster that a user names."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

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

    @property
    def threads(self) -> int:
        """Of a job."""
        return max(1, int(self.cpus))

    def __post_init__(self) -> None:
        for option, amount in (("cpus", self.cpus), ("gpus", self.gpus or 0.0)):
            least = 0.01 if option == "cpus" else 0.0
            if not least <= amount < 1000 or (amount > 1 and amount != int(amount)):
                raise UserError(
                    f"--{option}-per-job: {amount:g} is not a share up to 1, or a whole number"
                )
