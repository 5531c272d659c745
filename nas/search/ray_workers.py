"""Ray workers: jobs as tasks of a cluster, behind the interface that local workers have.

A task gets all that it needs as bytes: the job with its state, the text of plug-ins, and this
package, which Ray brings to each node. Its result comes back the same way, so no file system is
shared. Data sets are read where the job runs. Ray runs a task again whose process or node is lost.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import nas
from nas.data import check_spec
from nas.errors import Unavailable, UserError
from nas.files import write_atomically
from nas.plugins import load_plugin, loaded_plugins
from nas.search.executor import ATTEMPTS, Cluster
from nas.training.job import Job, Result, run_job

PATIENCE = 10  # seconds that a head has to answer
_connected: Cluster | None = None  # by this module; a connection that was there stays


def connect(cluster: Cluster) -> int:
    """Connect to the cluster; how many jobs it has room for at once.

    UserError where Ray is not installed, no cluster answers, or no node has room for a job.
    """
    global _connected
    ray = _ray()
    if _connected is not None and _connected.address != cluster.address:
        _disconnect()
    if not ray.is_initialized():
        _init(ray, cluster.address)
        _connected = cluster
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = _gpus(cluster)
    room = sum(_room(node, cluster.cpus, gpus) for node in nodes)
    if not room:
        _disconnect()
        most = "; ".join(f"{n.get('CPU', 0):g} and {n.get('GPU', 0):g}" for n in nodes[:8])
        raise UserError(
            f"--executor: no node of the cluster has {cluster.cpus:g} cpus and {gpus:g} gpus for a "
            f"job; its {len(nodes)} nodes have {most}"
        )
    return room


class RayWorkers:
    """Jobs as tasks of the cluster, which queues those that it has no room for."""

    def __init__(self, cluster: Cluster) -> None:
        connect(cluster)
        self._ray = _ray()
        share = {"num_cpus": cluster.cpus, "num_gpus": _gpus(cluster)}
        self._task = self._ray.remote(max_retries=ATTEMPTS - 1, **share)(_work)
        self._threads = cluster.threads
        self._plugins = {name: file.read_text() for name, file in loaded_plugins().items()}
        self._running: dict[Future[Result], Any] = {}

    def submit(self, job: Job) -> Future[Result]:
        """Start a job, on the node that Ray chooses."""
        future: Future[Result] = Future()
        future.set_running_or_notify_cancel()
        bare = replace(job, plugins=())
        ref = self._task.remote(bare, self._plugins, self._threads, os.getcwd())
        self._running[future] = ref
        ref.future().add_done_callback(partial(self._hand_over, future))
        return future

    def cancel(self) -> None:
        """Interrupt every job, and forget those that wait for room."""
        self._cancel(force=False)

    def close(self) -> None:
        """End what still runs, and the connection if it was made here."""
        self._cancel(force=True)
        _disconnect()

    def _cancel(self, *, force: bool) -> None:
        for ref in list(self._running.values()):
            with suppress(Exception):  # it has ended, or its node has
                self._ray.cancel(ref, force=force)

    def _hand_over(self, future: Future[Result], done: Future[Any]) -> None:
        try:
            future.set_result(done.result())
        except BaseException as error:
            found = _told(error)
            if isinstance(found, Result):
                future.set_result(found)
            else:
                future.set_exception(found)
        self._running.pop(future, None)


def _told(error: BaseException) -> Result | BaseException:
    """What an error of Ray's means for the job."""
    from ray import exceptions as of_ray

    reason = " ".join(str(error).split())[:300]
    if isinstance(error, of_ray.TaskCancelledError):
        return Result("stopped", "cancelled")
    if isinstance(error, of_ray.OutOfMemoryError):  # once no other task of ours can make room
        return Result("infeasible", f"out of memory: Ray ended its process: {reason}")
    if isinstance(error, of_ray.WorkerCrashedError):
        return Result("failed", f"its worker died {ATTEMPTS} times (out of memory?)")
    if isinstance(error, (of_ray.RuntimeEnvSetupError, of_ray.TaskUnschedulableError)):
        return Unavailable(f"the cluster can not start a worker: {reason}")
    if isinstance(error, of_ray.RayTaskError):
        cause = getattr(error, "cause", error)
        if isinstance(cause, ImportError):  # before a line of `_work` ran
            return Unavailable(f"node {getattr(error, 'ip', '?')}: {cause}")
        return cause if isinstance(cause, BaseException) else error
    if isinstance(error, of_ray.RayError):  # nodes that died, with the job or with its result
        return BrokenExecutor(reason)
    return error


def _work(job: Job, plugins: Mapping[str, str], threads: int, folder: str) -> Result:
    """Do a job, on a node. Unavailable, which names the node, where that lacks what it takes."""
    with suppress(OSError):  # relative paths of data, where the nodes share them
        os.chdir(folder)
    try:
        import torch

        torch.set_num_threads(threads)
        job = replace(job, plugins=_written(plugins))
        for file in job.plugins:
            load_plugin(file)
        _check_data(job.data)
        return run_job(job)
    except (UserError, OSError, ImportError) as error:
        raise Unavailable(f"node {_node()}: {error}") from None


@lru_cache(maxsize=4)
def _check_data(spec: str) -> None:
    check_spec(spec)


def _written(plugins: Mapping[str, str]) -> tuple[str, ...]:
    """The plug-ins as files of this node; a file is named as its text says."""
    files = []
    for name, text in plugins.items():
        own = blake2b(text.encode(), digest_size=8).hexdigest()
        file = Path(tempfile.gettempdir()) / f"osnet-nas-{os.getuid()}" / own / name
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, text)
        files.append(str(file))
    return tuple(files)


def _node() -> str:
    """The address of this node, and its name."""
    import socket

    return f"{_ray().util.get_node_ip_address()} ({socket.gethostname()})"


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError(
            "--executor: ray is not installed; pip install 'osnet-nas[cluster]'"
        ) from None
    return ray


def _init(ray: Any, address: str | None) -> None:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # else it warns of a change
    package = str(Path(nas.__file__).parent)
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        _knock(address)
        ray.init(
            address or "auto",
            runtime_env={"py_modules": [package], "excludes": ["**/__pycache__"]},
            log_to_driver=False,
            logging_level="ERROR",
        )
    except Exception as error:  # whatever Ray says of the address, the version, or the network
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        where = f"at {address}" if address else "on this machine, and RAY_ADDRESS names none"
        raise UserError(
            f"--address: no Ray cluster answers {where} ({reason[0]}); "
            "`ray start --head` starts one"
        ) from None


def _knock(address: str | None) -> None:
    """OSError or ValueError where nothing listens there: Ray would try for minutes."""
    import socket

    if address and address not in ("auto", "local"):
        host, _, port = address.rpartition("://")[2].rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()


def _disconnect() -> None:
    global _connected
    if _connected is not None:
        _connected = None
        _ray().shutdown()


def _gpus(cluster: Cluster) -> float:
    """What a job takes of a GPU."""
    if cluster.gpus is not None:
        return cluster.gpus
    return float(_ray().cluster_resources().get("GPU", 0) > 0)


def _room(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    """How many jobs a node takes at once; a GPU is shared whole, or in parts of one."""
    by_cpu = int(node.get("CPU", 0) / cpus + 1e-9)
    if not gpus:
        return by_cpu
    each = int(1 / gpus + 1e-9) if gpus <= 1 else 1
    by_gpu = int(node.get("GPU", 0)) * each if gpus <= 1 else int(node.get("GPU", 0) / gpus)
    return min(by_cpu, by_gpu)
