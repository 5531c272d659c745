from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("OSNET_NAS_CACHE", str(folder))
    monkeypatch.delenv("OSNET_NAS_CACHE_LIMIT", raising=False)
    return folder
