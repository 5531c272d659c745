"""The cache of decoded images: built once, whole or not there, bounded, and never stale."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nas.data import cache, hold_out, load_dataset
from nas.data.cache import cached_pixels, clear, entries, parse_bytes, trim
from nas.errors import UserError
from tests.data import trees

ROOT = Path(__file__).parents[2]
SIZE = (16, 8)


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    found = [str(tmp_path / f"{i}.png") for i in range(6)]
    for number, path in enumerate(found):
        trees.save(Path(path), number)
    return found


def fail(*_: object, **__: object) -> None:
    raise AssertionError("decoded again")


def colours(pixels: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(pixel) for pixel in pixels[:, 0, 0].tolist()]


def python(code: str, paths: list[str]) -> subprocess.Popen[str]:
    code = "import os, sys, time\nfrom nas.data import cache\n" + code
    code += f"\nprint(len(cache.cached_pixels(sys.argv[1:], {SIZE}, 'x')))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *paths], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )


def test_images_are_decoded_once_and_then_mapped(
    paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cached_pixels(paths, SIZE, "x")
    assert colours(first) == [trees.colour(i) for i in range(6)]
    monkeypatch.setattr(cache, "_build", fail)
    second = cached_pixels(paths, SIZE, "x")
    assert isinstance(second, np.memmap)
    assert not second.flags.writeable
    assert np.array_equal(first, second)


def test_another_size_order_or_file_is_another_entry(paths: list[str]) -> None:
    for files, size in ((paths, SIZE), (paths, (8, 8)), (paths[::-1], SIZE), (paths[1:], SIZE)):
        assert cached_pixels(files, size, "x").shape == (len(files), *size, 3)
    assert len(entries()) == 4


def test_a_changed_file_is_decoded_again(paths: list[str]) -> None:
    cached_pixels(paths, SIZE, "x")
    before = os.stat(paths[2])
    trees.save(Path(paths[2]), 77)
    os.utime(paths[2], ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert colours(cached_pixels(paths, SIZE, "x"))[2] == trees.colour(77)


def test_two_processes_build_once(paths: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    slow = f"""
build = cache._build
def slowly(*arguments):
    open({str(log)!r}, 'a').write('built\\n')
    time.sleep(1.5)
    build(*arguments)
cache._build = slowly"""
    running = [python(slow, paths) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in running] == ["6\n", "6\n"]
    assert log.read_text() == "built\n"


def test_what_a_killed_process_left_is_not_used(paths: list[str], cache_folder: Path) -> None:
    dying = """
decode = cache.decode
cache.decode = lambda path, size: os._exit(9) if '4.png' in path else decode(path, size)"""
    assert python(dying, paths).wait(timeout=60) == 9
    assert len(list(cache_folder.glob("*.part"))) == 1
    assert entries() == []
    assert colours(cached_pixels(paths, SIZE, "x")) == [trees.colour(i) for i in range(6)]
    assert list(cache_folder.glob("*.part")) == []


def test_another_build_or_a_clearing_removes_what_was_abandoned(
    paths: list[str], cache_folder: Path
) -> None:
    part = cache_folder / ("0" * 32 + ".part")
    other = cache_folder / "not ours.part"
    for remove in (lambda: cached_pixels(paths, SIZE, "x"), clear):
        part.mkdir(exist_ok=True)
        other.mkdir(exist_ok=True)
        remove()
        assert (part.exists(), other.exists()) == (False, True)


@pytest.mark.parametrize("damage", ["short", "other", "gone"])
def test_a_damaged_entry_is_built_again(paths: list[str], damage: str, cache_folder: Path) -> None:
    cached_pixels(paths, SIZE, "x")
    (file,) = cache_folder.glob("*/pixels.npy")
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-100] if damage == "short" else b"not an array")
    assert colours(cached_pixels(paths, SIZE, "x"))[5] == trees.colour(5)
    assert file.read_bytes() == content


def test_a_bad_file_leaves_nothing(paths: list[str], cache_folder: Path) -> None:
    Path(paths[3]).write_bytes(b"no image")
    with pytest.raises(UserError, match=r"3\.png: not an image"):
        cached_pixels(paths, SIZE, "x")
    assert [path.name for path in cache_folder.iterdir()] == ["locks"]


def use(paths: list[str], size: tuple[int, int], when: int, folder: Path) -> str:
    """Make an entry, last used at that second; returns its key."""
    known = {entry.key for entry in entries()}
    cached_pixels(paths, size, "x")
    (key,) = {entry.key for entry in entries()} - known
    os.utime(folder / key / "about.json", (when, when))
    return key


def test_the_least_recently_used_goes_first(
    paths: list[str], cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, older, new = (
        use(paths, (16, width), when, cache_folder)
        for width, when in ((8, 200), (9, 100), (10, 300))
    )
    total = sum(entry.bytes for entry in entries())
    assert trim(total) == []
    assert [entry.key for entry in trim(total - 1)] == [older]
    assert [entry.key for entry in entries()] == [new, old]
    cached_pixels(paths, (16, 8), "x")  # now `old` is the most recently used
    monkeypatch.setenv("OSNET_NAS_CACHE_LIMIT", "6000")  # room for two of about 2,600 bytes
    cached_pixels(paths, (16, 9), "x")
    assert new not in [entry.key for entry in entries()]
    assert old in [entry.key for entry in entries()]


def test_an_entry_in_use_is_not_removed(paths: list[str], cache_folder: Path) -> None:
    cached_pixels(paths, SIZE, "x")
    (entry,) = entries()
    with cache._locked(cache_folder, entry.key):
        assert clear() == []
    assert clear() == [entry]
    assert entries() == []


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OSNET_NAS_CACHE_LIMIT", "1K", r"the images take 0.00 GiB .* OSNET_NAS_CACHE_LIMIT"),
        ("OSNET_NAS_CACHE_LIMIT", "much", "OSNET_NAS_CACHE_LIMIT: 'much' is not a size"),
        (
            "OSNET_NAS_CACHE",
            "/proc/none",
            "the cache /proc/none can not be used .* OSNET_NAS_CACHE",
        ),
    ],
)
def test_no_room_and_no_folder_are_one_line(
    variable: str, value: str, message: str, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=message):
        cached_pixels(paths, SIZE, "x")


def test_a_full_disk_is_one_line(paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage(paths[0])._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"0\.00 GiB are free; set OSNET_NAS_CACHE"):
        cached_pixels(paths, SIZE, "x")


def test_sizes_are_powers_of_1024() -> None:
    assert [parse_bytes(t, "x") for t in ("7", "1k", "1.5 GiB")] == [7, 1024, 1536 << 20]


def test_splits_of_files_share_the_mapped_pixels(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing between the cache and a batch holds the pixels in memory."""
    tree = trees.REID_FOLDER | {"train": [f"{i}_c{c}_.png" for i in range(1, 9) for c in (1, 2)]}
    train = load_dataset(f"reid-folder:{trees.make(tmp_path, tree)}", SIZE).train
    assert entries() == []  # nothing was decoded yet
    held = hold_out(train, "reid", seed=1)
    assert held.query is not None and held.gallery is not None
    parts = (held.train, held.query, held.gallery, held.train.subset(np.array([3, 1])))
    assert all(part.store is train.store for part in parts)
    expected = [colours(part.pixels) for part in parts]
    assert len(entries()) == 1
    whole = train.pixels
    assert isinstance(whole, np.memmap)
    gathered = held.query.gather(np.array([1, 0]))
    assert colours(gathered) == expected[1][1::-1]
    assert not np.shares_memory(gathered, whole)
    assert gathered.flags.writeable
    assert sorted(expected[0] + expected[1] + expected[2]) == sorted(colours(whole))
