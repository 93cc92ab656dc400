"""Renders a :class:`~seawall.core.report.Report`: one file per format, each with ``render(report, context) -> Iterator[str]``.

A renderer yields its text in pieces, so that a report of many thousand findings need not stand in memory as a whole:

    with open("seawall.sarif", "w", encoding="utf-8") as file:
        file.writelines(pieces("sarif", report, Context()))
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from seawall.core.report import Report
from seawall.io.reports.context import Context

FORMATS: Final = ("text", "table", "json", "sarif", "junit", "gitlab", "csv", "html", "markdown", "openreports")


def pieces(format_: str, report: Report, context: Context) -> Iterator[str]:
    """The report in one of :data:`FORMATS`, in pieces that end in a newline when joined. Only that format's module is imported."""
    module = import_module(f"seawall.io.reports.{format_}")
    rendered: Iterator[str] = module.render(report, context)
    return rendered


def render(format_: str, report: Report, context: Context) -> str:
    """The same as one string."""
    return "".join(pieces(format_, report, context))
