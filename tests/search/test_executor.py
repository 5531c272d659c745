"""What is refused of a cluster before one is asked for."""

import multiprocessing
import sys
from pathlib import Path
from typing import Any

import pytest

from nas.architecture import preset
from nas.commands.options import cluster
from nas.errors import UserError
from nas.search import run_search
from nas.search.driver import Driver
from nas.search.executor import Cluster
from nas.search.view import SilentView
from nas.training import Job, load_recipe


def test_without_ray_one_line_says_what_to_install(
    tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"ray is not installed; pip install 'osnet-nas\[cluster\]"):
        run_search(cluster=Cluster(), **tiny)
    assert not Path(tiny["out"]).exists()


def test_latency_is_not_measured_on_a_cluster(tiny: dict[str, str]) -> None:
    with pytest.raises(UserError, match="latency_ms is measured on one machine"):
        run_search(cluster=Cluster(), objectives="score,latency_ms", **tiny)


@pytest.mark.parametrize("share", [{"gpus": 1.5}, {"gpus": -0.1}, {"cpus": 0.0}, {"cpus": 2.5}])
def test_a_share_that_ray_can_not_give_is_refused(share: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"-per-job: .* is not a share up to 1, or a whole number"):
        Cluster(**share)


@pytest.mark.parametrize(("cpus", "threads"), [(0.5, 1), (1.0, 1), (3.0, 3)])
def test_a_job_has_as_many_threads_as_cores(tmp_path: Path, cpus: float, threads: int) -> None:
    """Whatever the machine of the driver has; `replay RUN#N` takes as many."""
    common = Job("", 0, preset("osnet_x0_25"), load_recipe("quick"), "synthetic", 0)
    plan: Any = None
    driver = Driver(tmp_path, plan, common, SilentView(), cluster=Cluster(cpus=cpus))
    assert driver.threads(workers=7) == threads


def test_a_process_of_a_pool_is_told_that_it_may_start_none(
    tiny: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own: Any = multiprocessing.current_process()
    monkeypatch.setitem(own._config, "daemon", True)
    with pytest.raises(UserError, match=r"Pool may start no workers; .*ProcessPoolExecutor may$"):
        run_search(**tiny)
    assert not Path(tiny["out"]).exists()


def test_options_of_a_cluster_want_one() -> None:
    with pytest.raises(UserError, match="--gpus-per-job is of a cluster: give --executor ray too"):
        cluster("local", None, None, 0.25)
    with pytest.raises(UserError, match="'slurm' is not local or ray"):
        cluster("slurm", None, None, None)
    assert cluster("ray", "head:6379", None, 0.25) == Cluster("head:6379", 1.0, 0.25)
    assert cluster("local", None, None, None) is None
