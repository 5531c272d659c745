"""Latency by parts: sums of made-up milliseconds, and parts that are the network's."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nas.architecture import Size, lower, preset
from nas.architecture.canonical import part_key
from nas.cost import Setting, table
from nas.cost.measure import LEAST_MS
from nas.cost.parts import (
    NOTHING,
    PartTable,
    cached_table,
    measure_parts,
    measured_table,
    read_table,
    write_table,
)
from nas.cost.table import parts_of
from nas.errors import UserError
from nas.models import build
from nas.models.network import PartNetwork
from nas.seeds import drawer
from nas.space import load_space

SMALL = preset("osnet_x0_25").resized(Size(32, 16))


def made_up(parts: list) -> PartTable:
    times = {part_key(part): 1.0 + 0.01 * i for i, part in enumerate(parts)}
    return PartTable(Setting(threads=1).record(), {part_key(NOTHING): 0.5} | times)


def test_parts_in_a_row_are_the_network() -> None:
    model = build(SMALL).eval()
    x = torch.randn(2, 3, 32, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(x)
        for placed in lower(SMALL):
            part = PartNetwork(placed.part)
            start = f"{placed.prefix}."
            own = {n: v for n, v in model.state_dict().items() if n.startswith(start)}
            renamed = {f"part.{n.removeprefix(start)}": v for n, v in own.items()}
            names = part.state_dict().keys()
            part.load_state_dict({n: v for n, v in renamed.items() if n in names})
            x = part(x)
    torch.testing.assert_close(x, expected)


def test_what_a_call_takes_is_taken_off_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [placed.part for placed in lower(SMALL)][:2]
    monkeypatch.setattr("nas.cost.parts.time_in_rounds", lambda runs, progress: [2.0, 5.0, 1.9])
    found = PartTable(Setting(threads=1).record())
    measure_parts(found, parts, Setting(threads=1))
    assert found.call == 2
    assert [found.of(part) for part in parts] == [3, LEAST_MS]  # as quick as a call, and no less


def test_a_network_takes_a_call_and_its_parts() -> None:
    parts = [placed.part for placed in lower(SMALL)]
    latency = made_up(parts)
    by_hand = 0.5 + sum(latency.p50_ms[part_key(part)] for part in parts)
    assert latency.latency(SMALL) == pytest.approx(by_hand)


def test_a_space_is_the_same_sum_in_every_row() -> None:
    space = load_space("osnet-mini")
    latency = made_up(parts_of(space.members()))
    frame = table(space, latency=latency)
    values = frame["latency_ms"].to_numpy()
    draw = drawer("test")
    for _ in range(20):
        point = space.sample(draw)
        architecture = space.architecture(point)
        names = [p.name for p in space.parameters if p.name in frame and p.name in point]
        rows = np.ones(len(frame), dtype=bool)
        for name in names:
            rows &= (frame[name] == point[name]).to_numpy()
        assert np.isclose(values[rows], latency.latency(architecture)).any()


def test_measuring_fills_what_is_missing_and_no_more() -> None:
    parts = [placed.part for placed in lower(SMALL)][:2]
    latency = PartTable({})
    told: list[tuple[int, int]] = []
    measure_parts(latency, parts, Setting(threads=1), progress=lambda *x: told.append(x))
    assert set(latency.p50_ms) == {part_key(part) for part in (NOTHING, *parts)}
    assert all(value > 0 for value in latency.p50_ms.values())
    assert told[-1][0] == told[-1][1]
    before = dict(latency.p50_ms)
    measure_parts(latency, parts, Setting(threads=1))
    assert latency.p50_ms == before


def test_a_table_comes_back_from_its_file(tmp_path: Path) -> None:
    latency = made_up([placed.part for placed in lower(SMALL)])
    write_table(latency, tmp_path / "device.csv")
    found = read_table(tmp_path / "device.csv")
    assert found.p50_ms == latency.p50_ms
    assert json.loads(json.dumps(found.setting)) == latency.setting
    with pytest.raises(UserError, match=r"has no part 3x256x128 to .* make it on the device"):
        found.latency(preset("osnet_x0_25"))
    del found.p50_ms[part_key(NOTHING)]
    assert not found.has(SMALL)
    with pytest.raises(UserError, match="has no row of a call: make it on the device"):
        found.latency(SMALL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "a,b\n1,2\n", "not a latency table: its columns are not part, p50_ms"),
        (lambda text: "", "not a table in CSV"),
        (lambda text: text.replace("0.5", "fast", 1), "p50_ms is not a positive number"),
        (lambda text: text.replace("0.5", "0", 1), "p50_ms is not a positive number"),
        (lambda text: text.replace("0.5", "-1", 1), r"csv:\d+: p50_ms is not a positive number"),
        (lambda text: text.replace("0.5", "inf", 1), "p50_ms is not a positive number"),
        (lambda text: text + text.splitlines()[1] + "\n", r"csv:4: a part that an earlier row has"),
        (lambda text: text.replace("frozen", "torch", 1), "rows of 2 settings"),
    ],
)
def test_a_damaged_table_is_said(change, message: str, tmp_path: Path) -> None:
    latency = made_up([lower(SMALL)[0].part])
    write_table(latency, tmp_path / "device.csv")
    text = (tmp_path / "device.csv").read_text()
    (tmp_path / "device.csv").write_text(change(text))
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / "device.csv")


def test_the_cache_is_by_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSNET_NAS_CACHE", str(tmp_path))
    latency, path = cached_table(Setting(threads=1))
    assert latency.p50_ms == {}
    latency.p50_ms["0" * 16] = 1.0
    write_table(latency, path)
    assert cached_table(Setting(threads=1))[0].p50_ms == {"0" * 16: 1.0}
    assert cached_table(Setting(threads=2))[0].p50_ms == {}


def test_a_table_with_a_path_is_measured_anew_and_the_cached_one_only_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSNET_NAS_CACHE", str(tmp_path))
    setting, file = Setting(threads=1), tmp_path / "device.csv"
    parts = [lower(SMALL)[-1].part]
    kept = PartTable(setting.record(), {part_key(NOTHING): 1e6})
    for path in (cached_table(setting)[1], file):
        write_table(kept, path)
    filled, anew = measured_table(parts, setting), measured_table(parts, setting, file)
    assert filled.call == 1e6
    assert anew.call < 1e6
    for table_, path in ((filled, cached_table(setting)[1]), (anew, file)):
        assert set(table_.p50_ms) == {part_key(NOTHING), part_key(parts[0])}
        assert read_table(path).p50_ms == table_.p50_ms
