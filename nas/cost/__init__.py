"""Architecture to cost: exact figures from the layers, and the counters of other libraries."""

from nas.cost.counters import raw_counts
from nas.cost.exact import COSTS, Cost, cost, layer_macs, layer_params, part_cost
from nas.cost.profile import profile

__all__ = [
    "COSTS",
    "Cost",
    "cost",
    "layer_macs",
    "layer_params",
    "part_cost",
    "profile",
    "raw_counts",
]
