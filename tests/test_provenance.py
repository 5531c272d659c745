"""What a piece of work was made with, and what of it is other now."""

import json
from pathlib import Path

import pytest

from nas.provenance import changed_since, machine, provenance


def test_batch_norms_that_are_not_compiled_here_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.json"
    monkeypatch.setattr("nas.models.fused_norm.library", object)
    file.write_text(json.dumps(provenance(("torch",), "synthetic")))
    assert changed_since(file, "synthetic") == ""
    monkeypatch.setattr("nas.models.fused_norm.library", lambda: None)
    told = changed_since(file, "synthetic")
    assert told.startswith("was begun with batch norms that were compiled, and here are torch's:")
    about = json.loads(file.read_text())
    del about["machine"]["norms"]  # of a run before that was noted
    file.write_text(json.dumps(about))
    assert changed_since(file, "synthetic") == ""


def test_of_a_gpu_every_kind_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["A", "B", "A"]
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("torch.cuda.get_device_name", names.__getitem__)
    found = machine()
    assert found["gpu"] == "A, B"
    assert "norms" not in found
