"""The audit: how well short runs rank architectures, and which parameter moves the score."""

from nas.audit.evidence import Evidence, from_table, from_trials
from nas.audit.importance import Importance, importance
from nas.audit.judge import Judgement, judge
from nas.audit.ranking import Agreement, Range, agreement, cost_bands, kendall, resample
from nas.audit.regret import Regret, first_rung, regret
from nas.audit.tables import architecture_frame, importance_frame, ranking_frame

__all__ = [
    "Agreement",
    "Evidence",
    "Importance",
    "Judgement",
    "Range",
    "Regret",
    "agreement",
    "architecture_frame",
    "cost_bands",
    "first_rung",
    "from_table",
    "from_trials",
    "importance",
    "importance_frame",
    "judge",
    "kendall",
    "ranking_frame",
    "regret",
    "resample",
]
