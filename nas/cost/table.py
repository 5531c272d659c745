"""The cost of a whole space as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from nas.space import Space


def table(space: Space, *, limit: int | None = None) -> pd.DataFrame:
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
