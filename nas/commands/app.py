"""The app, and how mistakes are told: one line on standard error, exit code 2."""

from __future__ import annotations

import os
import sys
from codecs import register_error
from errno import EACCES, EDQUOT, EIO, EMFILE, ENAMETOOLONG, ENFILE, ENOSPC, EPERM, EROFS
from io import TextIOWrapper
from signal import SIGTERM, default_int_handler, signal
from threading import current_thread, main_thread
from typing import Annotated

import typer

from nas.commands import (
    ablate,
    activations,
    audit,
    best,
    compare,
    dashboard,
    data,
    embed,
    evaluate,
    export,
    latency,
    match,
    pareto,
    profile,
    rank,
    replay,
    report,
    runs,
    search,
    show,
    space,
    train,
    weights,
)
from nas.errors import UserError, first_line, is_memory_full

LESS = "; a training takes less with --set accumulate=2, which computes half a batch at a time"

FORBIDDEN = (EACCES, EDQUOT, EIO, EMFILE, ENFILE, EPERM, EROFS)
"""What a system says of a file, whoever asks: not a fault of the code."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # paragraphs are set anew for the width of the terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(version("osnet-nas"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Architecture search and ablation for OSNet and other lightweight networks."""


for verb in (
    search.search, train.train, ablate.ablate, audit.audit, runs.runs, show.show, best.best,
    compare.compare, dashboard.dashboard, replay.replay, profile.profile, pareto.pareto,
    report.report, latency.latency, match.match, evaluate.evaluate, embed.embed, rank.rank,
    activations.activations, export.export,
):  # fmt: skip
    app.command(verb.__name__)(verb)
app.add_typer(space.app, name="space")
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted.

    SIGTERM, which systems and queues end a job with, is what Ctrl-C is.
    """
    if current_thread() is main_thread():
        signal(SIGTERM, default_int_handler)
    _open_streams()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _hush()
        sys.exit(1)
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # within a class that is being imported
            sys.exit(130)
        if isinstance(error, OSError) and error.errno == ENOSPC:  # what is printed goes to a file
            _hush()
            _fail(f"what is printed can not be written ({error.strerror})")
        if isinstance(error, OSError) and error.errno == ENAMETOOLONG:  # of whatever was named
            _fail(f"{str(error.filename)[:80]}... can be no file ({error.strerror})")
        if isinstance(error, OSError) and error.errno in FORBIDDEN and error.filename:
            _fail(f"{error.filename}: {error.strerror}")
        if is_memory_full(error):
            print(f"error: out of memory: {first_line(error)}{LESS}", file=sys.stderr)
            sys.exit(1)
        if not hasattr(error, "format_message"):
            raise
        if message := error.format_message():
            _fail(message)
        sys.exit(2)  # no verb: help was shown
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _open_streams() -> None:
    """What was closed by who called goes nowhere, and is no number that a file may get. Names of
    files that are no text are printed as their bytes; what a terminal, or a file of another
    encoding than UTF-8, has no character for is `?`."""
    register_error("bytes or ?", _bytes_or_question_mark)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - for as long as it runs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="bytes or ?")


def _bytes_or_question_mark(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    own = ord(error.object[error.start])
    found = bytes([own - 0xDC00]) if 0xDC80 <= own <= 0xDCFF else "?"  # PEP 383
    return found, error.start + 1


def _hush() -> None:
    """What was printed and is not written yet goes nowhere, or Python tries it again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)
