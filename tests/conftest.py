"""Tests run side by side, so each process computes on one thread."""

import os
import signal

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
# a shell's job in the background ignores it
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are done in this process."""
    from tests.inline import Inline

    monkeypatch.setattr("nas.search.driver.LocalWorkers", Inline)
