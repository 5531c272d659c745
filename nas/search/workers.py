"""Local workers: processes that do jobs, behind the interface of concurrent.futures.

Each slot is a pool of one process, so that a process that is killed breaks no other's future. A
worker ends when the driver's process does, and publishes each result in the run's outbox: what was
finished while the driver died is found there.

A process may be killed at any moment. So processes share no lock, which a dead one would hold
forever, and what goes through a pipe fits into it, or the driver would wait for the other half.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from multiprocessing.connection import wait
from pathlib import Path
from types import ModuleType
from typing import Any

from nas.cost import measure_latency
from nas.errors import Unavailable
from nas.files import write_atomically
from nas.search.capacity import in_script
from nas.search.quiet import Quiet
from nas.search.record import digest
from nas.training.interrupts import ENDING, interrupts
from nas.training.job import Job, Result, run_job

_cancelled: Any = None


UNGUARDED = (
    "worker processes end while they start: they run the script too, as it registers kinds, so "
    'what it does has to stand behind `if __name__ == "__main__":`; or register them in a file of '
    "their own, with nas.load_plugin"
)


class LocalWorkers:
    """`count` processes of `threads` threads each; where there are GPUs, each has one in turn.

    measuring: whether some jobs measure a latency, for which all the others pause.
    """

    def __init__(self, count: int, threads: int, outbox: Path, *, measuring: bool = False) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._cancel = self._context.RawValue("b", 0)
        self._begun = self._context.RawValue("b", 0)
        self._threads, self._outbox = threads, outbox
        self._do = _in_turn if measuring else _plainly
        self._slots: list[tuple[Executor, Future[Result] | None]] = [
            (self._pool(slot), None) for slot in range(count)
        ]

    def submit(self, job: Job) -> Future[Result]:
        """Start a job on a free slot; RuntimeError where none is free.

        The result comes without its state, which `adopt` finds.
        """
        free = [i for i, (_, last) in enumerate(self._slots) if last is None or last.done()]
        if not free:
            raise RuntimeError("no worker is free")
        slot = free[0]
        pool, _ = self._slots[slot]
        with _starting():
            try:
                future = pool.submit(self._do, job, self._outbox)
            except BrokenExecutor:  # its process died, with a job or while it had none
                if not self._begun.value and in_script():
                    raise Unavailable(UNGUARDED) from None
                pool = self._pool(slot)
                future = pool.submit(self._do, job, self._outbox)
            self._slots[slot] = (pool, future)
        return future

    def cancel(self) -> None:
        """Ask every running job to stop before its next step."""
        self._cancel.value = 1

    def close(self) -> None:
        """Stop the jobs and wait for the processes to end."""
        self.cancel()
        for pool, _ in self._slots:
            pool.shutdown(wait=True, cancel_futures=True)

    def _pool(self, slot: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            max_workers=1,
            mp_context=self._context,
            initializer=_start,
            initargs=(self._threads, self._cancel, self._begun, slot),
        )


def adopt(outbox: Path, job_id: str) -> Result | None:
    """The result that a worker published of a job; None where there is none, or it is torn."""
    try:
        found = json.loads((outbox / f"{job_id}.json").read_bytes())
        state = (outbox / f"{job_id}.pt").read_bytes()
        whole = found["seal"] == _seal(found["result"], state)
        return Result(**found["result"], state=state) if whole else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def published(outbox: Path) -> list[str]:
    """The jobs of which something lies in the outbox."""
    names = {file.stem for file in outbox.glob("*-*-*.*")}
    return sorted(name for name in names if re.fullmatch(r"\d+-\d+-\d+", name))


def clear(outbox: Path, job_id: str) -> None:
    """Forget a published result, once it is recorded."""
    for file in (outbox / f"{job_id}.json", outbox / f"{job_id}.pt"):
        file.unlink(missing_ok=True)


def publish(outbox: Path, job_id: str, result: Result) -> None:
    """Write a result where `adopt` finds it: whole or not at all."""
    fields = asdict(replace(result, state=b""))
    del fields["state"]
    write_atomically(outbox / f"{job_id}.pt", result.state)
    sealed = {"result": fields, "seal": _seal(fields, result.state)}
    write_atomically(outbox / f"{job_id}.json", json.dumps(sealed))


def _seal(fields: dict[str, Any], state: bytes) -> str:
    return digest(json.dumps(fields).encode() + state)


def _start(threads: int, cancelled: Any, begun: Any, slot: int) -> None:
    """Set up a worker's process."""
    global _cancelled
    _cancelled = cancelled
    begun.value = 1
    for own in ENDING:  # which end the driver, and it ends its workers
        signal.signal(own, signal.SIG_IGN)
    _mask(signal.SIG_UNBLOCK)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    _take_gpu(slot)


def _take_gpu(slot: int) -> None:
    """Of the GPUs, if there are any: the worker's own, or that of every so many workers."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(slot % torch.cuda.device_count())


def _plainly(job: Job, outbox: Path) -> Result:
    return _published(job, outbox, run_job(job, cancelled=_is_cancelled))


def _in_turn(job: Job, outbox: Path) -> Result:
    return _published(job, outbox, _measured(job, outbox))


def _published(job: Job, outbox: Path, result: Result) -> Result:
    if result.outcome != "stopped":
        publish(outbox, job.id, result)
    if result.outcome == "failed" and _gpu_lost():
        os._exit(1)  # the result is published; the next job gets a process that can compute
    return replace(result, state=b"")


def _gpu_lost() -> bool:
    """Whether this process can compute no more on its GPU: after a kernel failed, nothing can."""
    import torch

    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False


def _is_cancelled() -> bool:
    return bool(_cancelled.value)


def _measured(job: Job, outbox: Path) -> Result:
    """The job, giving way to who measures, and then its latency, if asked, while nobody works."""
    quiet = Quiet(outbox)

    def cancelled() -> bool:
        quiet.give_way()
        return _is_cancelled()

    with quiet.working():
        result = run_job(job, cancelled=cancelled)
    result = replace(result, train_seconds=max(0.0, result.train_seconds - quiet.paused))
    if result.outcome != "done" or job.latency is None:
        return result
    with quiet.measuring():
        latency = measure_latency(job.architecture, job.latency)
    return replace(result, measured={"latency_ms": latency.p50_ms})


@contextmanager
def _starting() -> Iterator[None]:
    """A process that starts meanwhile does not hear what ends the driver, until it ignores it; the
    driver hears it afterwards. And the process does not run the caller's script again, unless jobs
    need a kind that is registered there."""
    script = sys.modules["__main__"]
    with interrupts() as came:
        _mask(signal.SIG_BLOCK)  # which a new process inherits
        if not in_script():
            sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = script
            _mask(signal.SIG_UNBLOCK)  # what came meanwhile comes now
    if came():
        raise KeyboardInterrupt


def _mask(how: int) -> None:
    """Block what ends a driver in this thread, and the processes that it starts, or no longer."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(how, ENDING)
