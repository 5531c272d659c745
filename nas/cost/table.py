"""The cost of a whole space as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd


class Enumerable(Protocol):
    """What a space offers here; this package does not know spaces."""

    @property
    def parameters(self) -> Any: ...
    @property
    def raw_points(self) -> int: ...
    @property
    def listable(self) -> bool: ...
    def members(self, limit: int) -> Any: ...


def table(space: Enumerable, *, limit: int | None = None) -> pd.DataFrame:
    """One row for each distinct valid architecture: its parameters, and its exact cost.

    Columns: a categorical one for each parameter that varies, then macs, params and
    activation_bytes. A space too large to list gives `limit` uniform samples (20,000 by default).
    """
    import pandas as pd

    members = space.members(limit or (space.raw_points if space.listable else 20_000))
    columns: dict[str, object] = {}
    for axis, index in enumerate(members.columns.axes):
        parameter = space.parameters[index]
        codes = members.codes[:, axis]
        kinds: pd.Index[Any] = pd.Index(parameter.values)
        columns[parameter.name] = pd.Categorical.from_codes(codes, kinds)
    return pd.DataFrame(columns | members.costs)
