"""Where the projection of a run lies: study.db in its directory, or any storage of Optuna's.

A storage is named by a URL, as postgresql+psycopg://USER:PASSWORD@HOST/DATABASE. `storage.json` in
the run says which one and under what name, without the password.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.errors import UserError, brief
from nas.files import write_atomically

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

FILE = "storage.json"
PATIENCE = 10  # seconds; a search waits no longer for a storage that does not answer


@dataclass(frozen=True)
class Shared:
    """A study in a storage that several runs may share. url: with its password."""

    url: str
    study: str


def check_storage(url: str) -> None:
    """UserError unless the storage answers; makes Optuna's tables in it where it has none."""
    if not isinstance(url, str) or not url:
        raise UserError(f"--storage: {brief(url)} is not the text of a URL, as sqlite:///FILE")
    try:
        open_storage(url)
    except ImportError as error:
        raise UserError(
            f"--storage: {shown(url)} needs {error.name or 'a package'}, which is not installed; "
            "for PostgreSQL: pip install 'osnet-nas[postgres]'"
        ) from None
    except Exception as error:  # of Optuna, SQLAlchemy, or what speaks to the database
        reason = str(getattr(error, "orig", None) or error.__cause__ or error)
        first = (reason.strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"--storage: {shown(url)} can not be reached ({first.replace(url, shown(url))})"
        ) from None


def open_storage(url: str) -> BaseStorage:
    """The storage. PostgreSQL that does not answer is an error after PATIENCE seconds."""
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import make_url

    make_url(url).get_dialect().import_dbapi()  # an ImportError that names the package
    options: dict[str, Any] = {}
    if url.startswith("postgresql"):
        waits = {"connect_timeout": PATIENCE, "tcp_user_timeout": 1000 * PATIENCE}
        options = {"connect_args": waits, "pool_pre_ping": True}
    return RDBStorage(url, engine_kwargs=options)


def sqlite_url(file: Path) -> str:
    """Of a study in a file, which is made where there is none."""
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str(file)).render_as_string()


def shared_study(run: Path, url: str | None) -> Shared | None:
    """The run's study in the storage, noted in the run's directory; None where that has its own.

    Its name is the directory's, with a mark that no other run has.
    """
    file = run / FILE
    if url is None:
        file.unlink(missing_ok=True)
        return None
    try:
        study = str(json.loads(file.read_bytes())["study"])
    except (OSError, ValueError, KeyError, TypeError):
        study = f"{run.resolve().name}-{secrets.token_hex(4)}"
    write_atomically(file, json.dumps({"url": bare(url), "study": study}, indent=2) + "\n")
    return Shared(url, study)


def noted(run: Path) -> str | None:
    """The storage that the run's study is in, without a password; None for a file of its own."""
    try:
        return str(json.loads((run / FILE).read_bytes())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def bare(url: str) -> str:
    """The URL without its password, which PGPASSWORD or ~/.pgpass may give."""
    from sqlalchemy.engine import URL, make_url

    own = make_url(url).difference_update_query(["password"])
    place = (own.host, own.port, own.database, own.query)
    plain = URL.create(own.drivername, own.username, None, *place)
    return plain.render_as_string()


def shown(url: str) -> str:
    """The URL as it may be printed."""
    from sqlalchemy.exc import ArgumentError

    try:
        return bare(url)
    except (ArgumentError, ValueError):
        return "the URL, which is none as postgresql+psycopg://USER:PASSWORD@HOST/DATABASE,"
