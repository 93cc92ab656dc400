"""JSON as promised: ``seawall.report/v1``."""

import msgspec

from seawall.core.report import Report
from seawall.io.reports.context import Context


def render(report: Report, context: Context) -> str:
    """The report as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
