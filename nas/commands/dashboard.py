"""`dashboard`: the study of a run in optuna-dashboard."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nas.commands.options import Json, Plugins
from nas.commands.output import print_json


def dashboard(
    run: Annotated[str, typer.Argument(help="A search's directory.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 is any that is free.")
    ] = 8080,
    storage: Annotated[
        str | None, typer.Option(help="URL of the study's storage; by default as RUN has noted it.")
    ] = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Serve the study of RUN on this machine alone, until Ctrl-C.

    Needs optuna-dashboard: pip install 'osnet-nas[dashboard]'.
    """
    from nas.search.dashboard import serve_dashboard

    def tell(address: str) -> None:
        if as_json:
            print_json({"run": run, "address": address})
        else:
            print(f"{run}: {address} (Ctrl-C ends it)")
        sys.stdout.flush()

    serve_dashboard(run, port, storage, tell=tell)
