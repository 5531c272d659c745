"""The study of a run in a storage that runs share, of any kind that Optuna has."""

import json
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest

from nas.errors import UserError
from nas.provenance import without_passwords
from nas.search import run_search
from nas.search.budget import Budget
from nas.search.session import note_session
from nas.search.storage import bare, check_storage

pytestmark = pytest.mark.usefixtures("inline")


def test_a_url_is_shown_without_its_password() -> None:
    assert bare("postgresql+psycopg://me:se%40cret@host:5/db") == (
        "postgresql+psycopg://me@host:5/db"
    )
    assert bare("postgresql://me@/db?host=/tmp&password=x") == "postgresql://me@/db?host=%2Ftmp"
    own = "mysql://a:p/q@r@host/db?password=p q&x=1"
    assert without_passwords(own) == "mysql://a:***@host/db?password=***&x=1"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql+psycopg://me:secret@127.0.0.1:1/db",
            r"me@127.0.0.1:1/db (can not be reached|needs psycopg)",
        ),
        ("secret", "the URL, which is none as postgresql"),
        ("sqlite:////nowhere/secret/study.db", "can not be reached .unable to open database file"),
        ("oracle+secret://host", "can not be reached|not installed"),
    ],
)
def test_a_storage_that_can_not_be_reached_is_one_line_before_anything_is_written(
    tiny: dict[str, str], url: str, told: str
) -> None:
    with pytest.raises(UserError, match=rf"^--storage: [^\n]*({told})[^\n]*$") as caught:
        run_search(storage=url, **tiny)
    assert ":secret" not in str(caught.value)
    assert not Path(tiny["out"]).exists()


@pytest.mark.parametrize("url", [Path("study.db"), ""])
def test_a_path_or_nothing_is_not_a_url(url: Any) -> None:
    with pytest.raises(UserError, match=r"is not the text of a URL, as sqlite:///FILE$"):
        check_storage(url)


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UserError, match=r"needs psycopg, .* pip install 'osnet-nas\[postgres\]'"):
        check_storage("postgresql+psycopg://me@host/db")


def test_two_runs_share_a_storage_and_each_has_a_study(
    tiny: dict[str, str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    folders = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    for folder in folders:
        run_search(budget="1trial", workers=1, storage=url, **(tiny | {"out": str(folder)}))
    run_search(budget="2trials", workers=1, storage=url, **(tiny | {"out": str(folders[1])}))
    studies = [json.loads((folder / "storage.json").read_text())["study"] for folder in folders]
    assert sorted(optuna.get_all_study_names(url)) == sorted(studies)
    assert [len(optuna.load_study(study_name=s, storage=url).trials) for s in studies] == [1, 2]
    assert not (folders[0] / "study.db").exists()


def test_no_file_of_a_run_has_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["cli.py", "search", "--storage", "postgresql://me:secret@h/d"])
    note_session(tmp_path, Budget("time", 300.0), 1, 1, ended=False)
    about = (tmp_path / "session.json").read_text()
    assert "secret" not in about and "me:***@h" in about
