"""The report of a search: one HTML file that opens offline."""

from nas.report.page.page import report_html, write_report

__all__ = ["report_html", "write_report"]
