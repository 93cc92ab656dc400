"""CVE ids that a package's own changelog says are fixed: the proof of a fix that a distribution took back into an older version."""

import re
from collections.abc import Iterable
from typing import Final

_CVE: Final = re.compile(r"(?:CVE|CAN)-([12]\d{3}-\d{4,19})\b")  # CAN was the prefix of candidates until 2005
_TAKEN_BACK: Final = re.compile(
    r"\brevert|\bback(?:s|ed|ing)?[ -]?out\b|(?:\bnot|n't) (?:yet )?(?:be(?:en)? )?fix|\bunfixed\b|\bstill (?:vulnerable|affected|open)\b"
    r"|\b(?:drop|remov|disabl)\w* (?:the |our )?(?:fix|patch)\w* for\b",
    re.IGNORECASE,
)


def mentions_cve(text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether it is worth a closer look: finding a fixed text is much faster than an expression."""
    return text.find("CVE-", start, end) >= 0 or text.find("CAN-", start, end) >= 0


def fixes(notes: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """CVE ids with the version that first had the fix, from notes ``(version, text)`` in the order they were written.

    A note that speaks of a reverted or missing fix proves nothing, and takes back what earlier notes proved.
    """
    found: dict[str, str] = {}
    for version, text in notes:
        ids = [f"CVE-{number}" for number in _CVE.findall(text)]
        if not ids:
            continue
        taken_back = _TAKEN_BACK.search(text) is not None
        for cve in ids:
            if taken_back:
                found.pop(cve, None)
            else:
                found.setdefault(cve, version)
    return tuple(sorted(found.items()))
