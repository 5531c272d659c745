"""Tests run side by side, so each process computes on one thread, and all share a cache."""

import os
import signal
import tempfile

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
if "PYTEST_XDIST_WORKER" not in os.environ:  # which has that of the process that started it
    CACHE = tempfile.TemporaryDirectory(prefix="osnet-nas-tests-")
    os.environ["OSNET_NAS_CACHE"] = CACHE.name
# a shell's job in the background ignores it
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are done in this process."""
    from tests.inline import Inline

    monkeypatch.setattr("nas.search.driver.LocalWorkers", Inline)
