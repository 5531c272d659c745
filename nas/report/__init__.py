"""What people look at: figures, tables, words."""

from nas.report.pareto import pareto_figure, write_pareto
from nas.report.tables import front_latex, front_table, score_tables

__all__ = [
    "front_latex",
    "front_table",
    "pareto_figure",
    "score_tables",
    "write_pareto",
]
