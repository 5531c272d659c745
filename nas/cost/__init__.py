"""Architecture to cost: exact figures from the layers, and the counters of other libraries."""

from nas.cost.backends import Setting
from nas.cost.counters import raw_counts
from nas.cost.exact import (
    ALL_COSTS,
    COSTS,
    LATENCY,
    MEASURED,
    Cost,
    cost,
    cost_of,
    joined,
    layer_macs,
    layer_params,
    part_cost,
)
from nas.cost.latency import Latency, measure_latency
from nas.cost.match import match, with_family
from nas.cost.profile import profile
from nas.cost.receptive import receptive_fields
from nas.cost.reconcile import by_layer, by_operator, reconcile
from nas.cost.table import table

__all__ = [
    "ALL_COSTS",
    "COSTS",
    "LATENCY",
    "MEASURED",
    "Cost",
    "Latency",
    "Setting",
    "by_layer",
    "by_operator",
    "cost",
    "cost_of",
    "joined",
    "layer_macs",
    "layer_params",
    "match",
    "measure_latency",
    "part_cost",
    "profile",
    "raw_counts",
    "receptive_fields",
    "reconcile",
    "table",
    "with_family",
]
