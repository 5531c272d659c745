"""What a network inherited of another one's weights, tensor by tensor and part by part."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from math import prod
from typing import Any


@dataclass(frozen=True)
class Row:
    """A tensor of the variant: how many of its elements were carried, and why not all were.

    `source_shape` is None where the source has no such tensor; `why` is empty where it is whole.
    """

    name: str
    part: str
    shape: tuple[int, ...]
    source_shape: tuple[int, ...] | None
    carried: int
    why: str

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Unused:
    """A tensor of the source of which `dropped` elements are nowhere in the variant."""

    name: str
    part: str
    shape: tuple[int, ...]
    dropped: int


@dataclass(frozen=True)
class Inheritance:
    """Every tensor of the variant, and those of the source that were not used up."""

    rows: tuple[Row, ...]
    unused: tuple[Unused, ...]

    @property
    def share(self) -> float:
        """Elements carried, of all elements of the variant (0 to 1)."""
        return sum(r.carried for r in self.rows) / sum(r.elements for r in self.rows)

    def summary(self) -> str:
        """One line: elements, tensors, and what was dropped."""
        elements = sum(row.elements for row in self.rows)
        carried = sum(row.carried for row in self.rows)
        whole = sum(row.carried == row.elements for row in self.rows)
        none = sum(not row.carried for row in self.rows)
        return (
            f"{carried:,} of {elements:,} elements carried ({percent(carried, elements)}): "
            f"{whole} tensors whole, {len(self.rows) - whole - none} in part, {none} not; "
            f"{sum(u.dropped for u in self.unused):,} elements of the source dropped"
        )

    def by_part(self) -> list[dict[str, Any]]:
        """A row a part, those that only the source has at the end.

        Elements of the variant, those carried, the source's that were dropped, and why some tensors
        are not whole, with the number of tensors.
        """
        found: list[dict[str, Any]] = []
        for part in dict.fromkeys([*(r.part for r in self.rows), *(u.part for u in self.unused)]):
            rows = [row for row in self.rows if row.part == part]
            elements, carried = sum(r.elements for r in rows), sum(r.carried for r in rows)
            reasons = Counter(row.why for row in rows if row.why).items()
            found.append(
                {
                    "part": part or "(no name)",
                    "elements": elements,
                    "carried": carried,
                    "share": percent(carried, elements),
                    "dropped": sum(u.dropped for u in self.unused if u.part == part),
                    "why": ", ".join(f"{why} ({n})" for why, n in reasons),
                }
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """The full list as plain data, for JSON."""
        return {
            "share": self.share,
            "tensors": [{**asdict(row), "elements": row.elements} for row in self.rows],
            "source": [asdict(unused) for unused in self.unused],
        }


def percent(carried: int, elements: int) -> str:
    """A share in percent, where 100% and 0% are said of nothing less."""
    if not elements:
        return "-"
    share = 100 * carried / elements
    if 0 < carried < elements:
        share = min(max(share, 0.1), 99.9)
    return f"{share:.1f}%"
