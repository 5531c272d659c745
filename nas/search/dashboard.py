"""The study of a run in optuna-dashboard, for this machine alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from nas.errors import UserError
from nas.lock import in_use
from nas.plugins import maybe_missing
from nas.search.run import Run, open_run
from nas.search.storage import check_storage, noted, open_storage, sqlite_url
from nas.search.study import Projection

HOST = "127.0.0.1"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


def make_dashboard(
    run: str | Path | Run, port: int = 8080, storage: str | None = None
) -> WSGIServer:
    """A server of the run's study on 127.0.0.1; `serve_forever` starts it. port: 0 is any free one.
    storage: where the study is; by default where the run says, without a password.

    A study that is not there, or can not be read, is made again from the record. UserError where
    optuna-dashboard is not installed, the port is taken, or the run can have no study.
    """
    opened = open_run(run)
    try:
        from optuna_dashboard import wsgi
    except ImportError:
        raise UserError(
            "dashboard needs optuna-dashboard: pip install 'osnet-nas[dashboard]'"
        ) from None
    study = _study_url(opened, storage)
    try:
        server = make_server(HOST, port, _not_built, server_class=_Server, handler_class=_Quiet)
    except OverflowError:
        raise UserError(f"--port: {port} is not a port from 0 to 65535") from None
    except OSError as error:
        raise UserError(
            f"--port: {HOST}:{port} can not be had ({error.strerror}); give another, or 0 for any"
        ) from None
    server.set_app(wsgi(open_storage(study)))
    return server


def serve_dashboard(
    run: str | Path | Run,
    port: int = 8080,
    storage: str | None = None,
    *,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the run's study on 127.0.0.1 until it is interrupted; `tell` is given the address.

    port: 0 is any free one. storage: where the study is; by default where the run says, without a
    password. UserError as `make_dashboard`.
    """
    with make_dashboard(run, port, storage) as server:
        tell(f"http://{HOST}:{server.server_port}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def _study_url(run: Run, storage: str | None) -> str:
    """Of a storage that runs share, as the run has noted it, or of the run's own file."""
    url = storage or noted(run.path)
    if url is None:
        return sqlite_url(ensure_study(run))
    check_storage(url)
    return url


def ensure_study(run: Run) -> Path:
    """The run's study.db, made from the record where there is none that can be read."""
    import optuna

    file = run.path / "study.db"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if file.is_file():
        try:
            if optuna.get_all_study_names(open_storage(sqlite_url(file))):
                return file
        except Exception as error:  # of the file, or of a library on the way to it
            if in_use(run.path):
                raise UserError(f"{file} can not be read ({type(error).__name__})") from None
    if in_use(run.path):
        raise UserError(f"{file} is not there yet; {run.path} is going on: try again later")
    kinds = [name for name in ("design", "audit") if name in run.asked]
    if kinds:
        noun = {"design": "ablation", "audit": "audit"}[kinds[0]]
        raise UserError(f"{run.path} is an {noun}, which has no study: only a search has one")
    space = run.space()
    if space is None:
        raise UserError(
            f"{file} is not there, and can not be made again: the space {run.asked['space']} is "
            f"not to be had as it was{maybe_missing(run.path)}"
        )
    trials = run.all_trials()
    projection = Projection(file, space.name, space, run.objectives)
    projection.open(trials)
    projection.close(trials)
    return file


def _not_built(environment: object, start: object) -> list[bytes]:
    return []
