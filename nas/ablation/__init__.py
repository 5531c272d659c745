"""Ablation: which rows are trained beside a baseline, and what their scores say."""

from nas.ablation.design import Cell, Design, Row, match_cost
from nas.ablation.designs import factorial, leave_one_out, one_at_a_time
from nas.ablation.effects import Contrast, Term, contrast_scales, factorial_effects
from nas.ablation.factors import find_factors
from nas.ablation.power import Detectable, Pilot, detectable, pilot
from nas.ablation.published import families_table, paper_table
from nas.ablation.statistics import Comparisons, compare
from nas.ablation.tables import comparison_frame, contrast_frame, term_frame

__all__ = [
    "Cell",
    "Comparisons",
    "Contrast",
    "Design",
    "Detectable",
    "Pilot",
    "Row",
    "Term",
    "compare",
    "comparison_frame",
    "contrast_frame",
    "contrast_scales",
    "detectable",
    "factorial",
    "factorial_effects",
    "families_table",
    "find_factors",
    "leave_one_out",
    "match_cost",
    "one_at_a_time",
    "paper_table",
    "pilot",
    "term_frame",
]
