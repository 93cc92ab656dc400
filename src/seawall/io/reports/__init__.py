"""Renders a :class:`~seawall.core.report.Report`: one file per format, each with ``render(report, context) -> str``.

render("sarif", report, Context())
"""

from importlib import import_module
from typing import Final

from seawall.core.report import Report
from seawall.io.reports.context import Context

FORMATS: Final = ("text", "table", "json", "sarif", "junit")


def render(format_: str, report: Report, context: Context) -> str:
    """The report in one of :data:`FORMATS`, ending in a newline. Only that format's module is imported."""
    module = import_module(f"seawall.io.reports.{format_}")
    text: str = module.render(report, context)
    return text
