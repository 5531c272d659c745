"""Searches on a Ray cluster of three nodes, which are processes of this machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas.errors import Unavailable, UserError
from nas.search import Run, Status, open_run, run_search
from nas.search.executor import Cluster
from nas.search.ray_workers import RayWorkers, _told
from nas.search.view import SilentView
from nas.space import load_space
from nas.training import Job, Result, load_recipe
from tests.search.conftest import DATA

ray = pytest.importorskip("ray", reason="ray is not installed: pip install '.[cluster]'")

from ray import exceptions as of_ray  # noqa: E402

RUNGS = "name: tiny\nepochs: 3\nrungs: [1, 2]\nbatch: 16\nlr: 0.01\n"
FAST = {"health_check_period_ms": 500, "health_check_initial_delay_ms": 0}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A head on which nothing runs, and two nodes of a core each."""
    from ray.cluster_utils import Cluster as Nodes

    quiet = {"object_store_memory": 80 << 20, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
        patch.setenv("RAY_worker_niceness", "0")  # else a busy machine lets them wait
        found = Nodes(head_node_args={"num_cpus": 0, "_system_config": FAST, **quiet})
        try:
            for _ in range(2):
                found.add_node(num_cpus=1, object_store_memory=80 << 20)
            found.wait_for_nodes()
            yield found
        finally:
            ray.shutdown()
            found.shutdown()


@pytest.fixture
def climbing(tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Arguments of a search with rungs."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    Path(tiny["recipe"]).write_text(RUNGS)
    return {**tiny, "budget": "5trials", "confirm": 0.0}


class Watch(SilentView):
    """Calls `act` once, when a trial has reached a rung and as many jobs as that run."""

    def __init__(self, act: Callable[[], None], running: int) -> None:
        self.act, self.running, self.acted = act, running, False

    def update(self, status: Status) -> None:
        scored = any(trial.rungs for trial in status.trials)
        if not self.acted and scored and len(status.running) >= self.running:
            self.acted = True
            self.act()


def known(run: Run) -> list[tuple[object, ...]]:
    """What the record says of each trial, times aside."""
    return [(t.number, t.key, t.state, t.reason, t.rungs, t.digests) for t in run.all_trials()]


def test_a_cluster_leaves_the_record_that_local_workers_leave_interrupted_or_not(
    nodes: Any, climbing: dict[str, Any], tmp_path: Path
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    cluster = Cluster(nodes.address)
    with pytest.raises(KeyboardInterrupt):
        run_search(workers=1, cluster=cluster, view=Watch(interrupt, 1), **climbing)
    assert not ray.is_initialized()
    there = run_search(workers=1, cluster=cluster, **climbing)
    here = run_search(workers=1, **(climbing | {"out": str(tmp_path / "here")}))
    assert known(there) == known(here)


def test_a_path_that_a_node_has_not_is_no_failure_of_a_trial_and_names_the_node(
    nodes: Any, climbing: dict[str, Any], tmp_path: Path
) -> None:
    climbing["data"] = f"folder:{tmp_path / 'elsewhere'}"
    wanted = rf"^node [\d.]+ \({socket.gethostname()}\): .*elsewhere.* the same command goes on"
    with pytest.raises(UserError, match=wanted):
        run_search(cluster=Cluster(nodes.address), **climbing)
    assert {trial.state for trial in open_run(climbing["out"]).all_trials()} == {"running"}


def test_plug_ins_reach_the_nodes_and_what_is_cancelled_stops(
    nodes: Any, climbing: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "marks.py"
    plugin.write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()\n")
    monkeypatch.setattr("nas.search.ray_workers.loaded_plugins", lambda: {plugin.name: plugin})
    base, recipe = load_space(climbing["space"]).base, load_recipe(climbing["recipe"])
    job = Job("0-0-1", 0, base, recipe, DATA, seed=0, to_epoch=1)
    pool = RayWorkers(Cluster(nodes.address))
    try:
        done = pool.submit(job).result(timeout=600)
        plugin.unlink()
        assert (done.outcome, bool(done.state)) == ("done", True)
        assert (tmp_path / "mark").exists()
        long = replace(job, recipe=recipe.model_copy(update={"epochs": 10**6}), to_epoch=10**6)
        futures = [pool.submit(long) for _ in range(3)]  # of which one waits for room
        time.sleep(1.0)
        pool.cancel()
        assert {future.result(timeout=600).outcome for future in futures} == {"stopped"}
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (of_ray.TaskCancelledError(), "stopped"),
        (of_ray.OutOfMemoryError("95%"), "infeasible"),
        (of_ray.WorkerCrashedError(), "failed"),
        (of_ray.NodeDiedError("gone"), BrokenExecutor),
        (of_ray.ObjectLostError("0" * 56, None, ""), BrokenExecutor),
        (of_ray.RuntimeEnvSetupError("no space"), Unavailable),
        (ValueError("of the job"), ValueError),
    ],
)
def test_what_ray_says_of_a_task_is_said_of_its_job(error: Exception, meaning: Any) -> None:
    found = _told(error)
    assert found.outcome == meaning if isinstance(found, Result) else type(found) is meaning


@pytest.mark.parametrize("address", ["127.0.0.1:1", "head"])
def test_an_address_at_which_nothing_answers_is_one_line(
    tiny: dict[str, str], address: str
) -> None:
    with pytest.raises(
        UserError, match=rf"^--address: no Ray cluster answers at {address} \([^\n]*$"
    ):
        run_search(cluster=Cluster(address), **tiny)
    assert not Path(tiny["out"]).exists()


def test_more_than_a_node_has_is_refused_with_what_there_is(
    nodes: Any, climbing: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=r"no node .* has 1 cpus and 1 gpus .* have .*1 and 0"):
        run_search(cluster=Cluster(nodes.address, gpus=1), **climbing)
    assert not ray.is_initialized()
    assert not Path(climbing["out"]).exists()


def test_a_search_goes_on_when_a_node_is_killed(nodes: Any, climbing: dict[str, Any]) -> None:
    view = Watch(lambda: nodes.remove_node(nodes.list_all_nodes()[1], allow_graceful=False), 2)
    run = run_search(workers=2, cluster=Cluster(nodes.address), view=view, **climbing)
    assert view.acted
    trials = run.all_trials()
    assert len(trials) == 5
    assert {(trial.state, trial.reason) for trial in trials} <= {("complete", ""), ("stopped", "")}
    with run.record() as record:
        jobs = record.jobs()
    climbed = {f"{t.number}-0-{epoch}" for t in trials for epoch in t.rungs}
    assert sorted(job for job, _, _ in jobs) == sorted(climbed)
    assert all(sorted(trial.rungs) == [1, 2, 3][: len(trial.rungs)] for trial in trials)
