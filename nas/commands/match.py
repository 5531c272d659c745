"""`match`: another family at the cost of a known network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas.commands.options import InputSize, Json, Plugins
from nas.commands.output import print_json


def match(
    family: Annotated[str, typer.Option(help="Family of the blocks: resnext, se, ...")],
    to: Annotated[str, typer.Option(help="What to match: preset, file, SPACE@seed, RUN#trial.")],
    cost: Annotated[str, typer.Option(help="macs, params or activation_bytes.")] = "macs",
    input: InputSize = None,
    out: Annotated[Path | None, typer.Option(help="Write the architecture (JSON) here.")] = None,
    as_json: Json = False,
    plugin: Plugins = None,
) -> None:
    """Find the width at which FAMILY costs what TO costs, within 2%."""
    from nas.architecture import families, key, to_document, to_json
    from nas.arguments import check_one_of
    from nas.commands.targets import resolve
    from nas.cost import cost as exact
    from nas.cost.match import match as find
    from nas.cost.match import with_family
    from nas.errors import UserError
    from nas.files import write_atomically

    check_one_of("--family", family, families)
    if out is not None and not out.parent.is_dir():
        raise UserError(f"--out: {out.parent} is not a directory")
    target = resolve(to, input)
    found = find(with_family(target, family), getattr(exact(target), cost, 0), cost)
    if as_json:
        document = {"key": key(found), **exact(found).as_dict(), "architecture": to_document(found)}
        print_json(document | {"to": {"key": key(target), **exact(target).as_dict()}})
    else:
        print(f"{family} at width {found.width:g}, beside {to}:")
        for name, value in exact(found).as_dict().items():
            reference = getattr(exact(target), name)
            print(f"  {name:<17} {value:>13,}  {reference:>13,}  {value / reference - 1:+.2%}")
    if out is not None:
        write_atomically(out, to_json(found))
        if not as_json:
            print(out)
