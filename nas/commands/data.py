"""`data`: look at data sets, check them, and keep the cache of decoded images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import DataArgument, Json, Plugins
from nas.commands.output import make_console, print_json

app = typer.Typer(help="Look at data sets, and check them.", no_args_is_help=True)

_SHOWN = 20


@app.callback()
def _group() -> None:
    """Look at data sets, and check them."""


@app.command()
def preview(
    data: DataArgument = "synthetic",
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("preview.png"),
    plugin: Plugins = None,
) -> None:
    """Write a contact sheet: identities (or classes) as rows, images as columns."""
    from nas.data import contact_sheet, load_dataset
    from nas.errors import UserError

    if out.suffix != ".png" or not out.parent.is_dir():
        raise UserError(f"--out: {out} is not a .png file in a folder that exists")
    dataset = load_dataset(data, cache=False)
    contact_sheet(dataset, out, zoom=2 if dataset.train.size[0] <= 128 else 1)
    counts = ", ".join(f"{len(images):,} {name}" for name, images in dataset.splits.items())
    print(
        f"{dataset.name}: {counts}; {dataset.num_classes} identities or classes to train on\n{out}"
    )


@app.command()
def check(data: DataArgument, as_json: Json = False, plugin: Plugins = None) -> None:
    """Open every image of a data set, and compare its counts with the published ones.

    Exit code 1 where anything is wrong: missing folders, names that do not parse, damaged images,
    identities without a match by another camera, images in both train and test, other counts.
    """
    from nas.data import check_dataset
    from nas.report.data import split_table

    found = check_dataset(data)
    if as_json:
        print_json(found.as_dict())
        raise typer.Exit(0 if found.ok else 1)
    if found.splits:
        make_console().print(split_table(found.splits))
    for finding in found.findings[:_SHOWN]:
        print(f"{finding.kind:<9}  {finding.message}")
    more = len(found.findings) - _SHOWN
    if more > 0:
        print(f"and {more:,} more; --json lists all")
    count = len(found.findings)
    print(f"{count:,} finding{'s' * (count != 1)}" if count else "nothing is wrong")
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything.")] = False,
    limit: Annotated[
        str | None,
        typer.Option(help="Remove the least recently used until it holds at most this: 20G, 500M."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the decoded images that are kept on disk, or remove them.

    It is at $OSNET_NAS_CACHE, by default in the user's cache directory, and holds at most
    $OSNET_NAS_CACHE_LIMIT, by default 32G.
    """
    from nas.data import cache as kept
    from nas.files import cache_folder
    from nas.report.data import cache_table

    removed = []
    if clear:
        removed = kept.clear()
    elif limit is not None:
        removed = kept.trim(kept.parse_bytes(limit, "--limit"))
    entries = kept.entries()
    folder, allowed = str(cache_folder()), kept.cache_limit()
    if as_json:
        shown = [vars(entry) for entry in entries]
        print_json({"folder": folder, "limit_bytes": allowed, "entries": shown})
        return
    if entries:
        make_console().print(cache_table(entries))
    held = sum(entry.bytes for entry in entries)
    gone = f"; removed {len(removed)}" if clear or limit is not None else ""
    print(
        f"{len(entries)} entries, {held / 2**30:.2f} of {allowed / 2**30:.2f} GiB in {folder}{gone}"
    )
