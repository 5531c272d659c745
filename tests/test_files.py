"""Files that are written whole."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nas.errors import Unwritable
from nas.files import write_atomically


@pytest.mark.skipif(os.name != "posix", reason="there is no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_who_may_read_and_write_a_file_is_for_the_umask_to_say(
    tmp_path: Path, umask: int, mode: int
) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "run.json", "{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name")
def test_a_pipe_or_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "front.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        write_atomically(pipe, "a,b\n1,2")
        assert pipe.is_fifo()
        assert os.read(reader, 100) == b"a,b\n1,2"
    finally:
        os.close(reader)
    assert os.listdir(tmp_path) == ["front.csv"]


@pytest.mark.skipif(not Path("/proc/self/fd/1").exists(), reason="there is no /proc")
def test_a_link_to_what_is_printed_to_is_not_replaced_where_that_is_a_file(tmp_path: Path) -> None:
    """As /dev/stdout is one, after `> all.txt`: what is printed before and after stays too."""
    link = tmp_path / "stdout"
    link.symlink_to("/proc/self/fd/1")
    code = (
        "from pathlib import Path; from nas.files import write_atomically; print('before'); "
        f"write_atomically(Path({str(link)!r}), 'a,b\\n'); print('after')"
    )
    with (tmp_path / "all.txt").open("wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert link.is_symlink()
    assert (tmp_path / "all.txt").read_text() == "before\na,b\nafter\n"


def test_a_folder_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="directory"):
        write_atomically(tmp_path, "")


def test_a_name_that_is_no_text_is_written_as_its_bytes(tmp_path: Path) -> None:
    """A path with an umlaut is no text where the locale is POSIX."""
    path = "Straße".encode().decode("ascii", "surrogateescape")
    write_atomically(tmp_path / "report.html", f"report {path}")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "report Straße"
