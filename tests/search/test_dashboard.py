"""The dashboard of a run: where its study is from, and what it answers."""

import json
import socket
import sys
import threading
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import optuna
import pytest

from nas.errors import UserError
from nas.lock import locked
from nas.search import open_run
from nas.search.dashboard import HOST, ensure_study, make_dashboard, serve_dashboard
from nas.search.storage import open_storage, shared_study, sqlite_url
from tests.made_up_runs import make_run

needs_it = pytest.mark.skipif(not find_spec("optuna_dashboard"), reason="an extra")


def states(file: Path) -> list[str]:
    (name,) = optuna.get_all_study_names(open_storage(sqlite_url(file)))
    study = optuna.load_study(study_name=name, storage=open_storage(sqlite_url(file)))
    return [trial.state.name for trial in study.trials]


def test_a_study_that_is_not_there_is_made_from_the_record(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "a"))
    expected = ["COMPLETE", "COMPLETE", "PRUNED", "COMPLETE", "PRUNED", "FAIL"]
    assert states(ensure_study(run)) == expected
    (run.path / "study.db").write_bytes(b"torn" * 100)
    assert states(ensure_study(run)) == expected


@needs_it
def test_it_answers_with_the_study_on_this_machine_alone(tmp_path: Path) -> None:
    with make_dashboard(make_run(tmp_path / "a"), 0) as server:
        assert server.server_address[0] == HOST == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://{HOST}:{server.server_port}/api/studies"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=20) as answer:
            found = json.loads(answer.read())
        server.shutdown()
    (study,) = found["study_summaries"]
    assert study["study_name"] == "osnet-mini"


@needs_it
def test_ctrl_c_ends_it_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(server: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wsgiref.simple_server.WSGIServer.serve_forever", interrupt)
    told: list[str] = []
    serve_dashboard(make_run(tmp_path / "a"), 0, tell=told.append)
    assert told[0].startswith("http://127.0.0.1:")


@needs_it
def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"--port: 127.0.0.1:{port} can not be had \(Addr"):
            make_dashboard(run, port)


def test_where_it_is_not_installed_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    with pytest.raises(UserError, match=r"pip install 'osnet-nas\[dashboard\]'"):
        make_dashboard(make_run(tmp_path / "a"), 0)


def test_what_can_have_no_study_says_why(tmp_path: Path) -> None:
    audit = open_run(make_run(tmp_path / "audit", audit="space"))
    with pytest.raises(UserError, match="is an audit, which has no study"):
        ensure_study(audit)
    lost = open_run(make_run(tmp_path / "lost", space_hash="0" * 16))
    with pytest.raises(UserError, match="the space osnet-mini is not to be had as it was"):
        ensure_study(lost)
    run = open_run(make_run(tmp_path / "a"))
    with locked(run.path, "search"), pytest.raises(UserError, match="is going on: try again"):
        ensure_study(run)


@needs_it
def test_a_study_that_runs_share_is_served_from_where_the_run_says(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "a"))
    url = sqlite_url(tmp_path / "team.db")
    optuna.create_study(study_name="another", storage=open_storage(url))
    shared_study(run.path, url)
    with make_dashboard(run, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://{HOST}:{server.server_port}/api/studies"
        with urllib.request.urlopen(address) as answer:
            found = json.loads(answer.read())
        server.shutdown()
    assert [own["study_name"] for own in found["study_summaries"]] == ["another"]
    assert not (run.path / "study.db").exists()


@needs_it
def test_a_storage_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "a"))
    with pytest.raises(UserError, match=r"s\.db can not be reached"):
        make_dashboard(run, 0, "sqlite:////no/where/s.db")
