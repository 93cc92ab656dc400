"""EPSS: the chance of exploitation of each CVE, as CSV.

    #model_version:v2025.03.14,score_date:2025-06-01T00:00:00+0000
    cve,epss,percentile
    CVE-1999-0001,0.01141,0.77658

Source: FIRST, https://www.first.org/epss/data_stats. The day is in the comment; older files have none.
"""

import csv
import re
from collections.abc import Iterator
from typing import Final

from seawall.build.advisories.model import FeedProblem, Likelihood, Record

_DATE: Final = re.compile(r"score_date:(\d{4}-\d{2}-\d{2})")


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        yield FeedProblem(path, f"not UTF-8: byte {error.start}")
        return
    found = next((match for row in lines[:5] if row.startswith("#") and (match := _DATE.search(row))), None)
    date = found[1] if found else ""
    try:
        rows = list(csv.DictReader(row for row in lines if not row.startswith("#")))
    except csv.Error as error:
        yield FeedProblem(path, str(error))
        return
    for number, row in enumerate(rows, start=1):
        cve, score, percentile = (row.get("cve") or "").strip(), _share(row.get("epss")), _share(row.get("percentile"))
        if not cve or score is None or percentile is None:
            yield FeedProblem(path, f"row {number}: not a CVE, a chance and a share between 0 and 1")
        else:
            yield Likelihood(cve=cve, score=score, percentile=percentile, date=date)


def _share(text: str | None) -> float | None:
    """A number from 0 to 1; None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
