"""Jobs in this process, one after the other: what is no matter of processes starts none."""

from concurrent.futures import Future
from pathlib import Path

from nas.search.workers import publish
from nas.training import Job, Result, run_job


class Inline:
    """Does each job at once, in this process, and publishes its result as a worker does."""

    def __init__(self, count: int, threads: int, outbox: Path, *, measuring: bool = False) -> None:
        self.outbox = outbox

    def submit(self, job: Job) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            result = run_job(job)
            publish(self.outbox, job.id, result)
            future.set_result(result)
        except Exception as error:
            future.set_exception(error)
        return future

    def cancel(self) -> None: ...
    def close(self) -> None: ...
