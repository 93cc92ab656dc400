"""Words for severity: the many that feeds use, as the few of ours."""

from typing import Final

_WORDS: Final = {
    "critical": "critical",
    "high": "high",
    "important": "high",
    "medium": "medium",
    "moderate": "medium",
    "low": "low",
    "negligible": "negligible",
    "unimportant": "negligible",
    "minimal": "negligible",
    "none": "negligible",
}


def severity_word(text: str) -> str:
    """The word for ``text`` in any case (Debian's ``low**`` is ``low``); empty for what is no severity (``not yet assigned``, ``untriaged``)."""
    return _WORDS.get(text.strip().rstrip("*").lower(), "")


def severity_of_score(score: str, *, version: int = 3) -> str:
    """The word for a CVSS base score. ``version`` 2 has no ``critical``. Empty for what is no score.

    Sources: CVSS v3.1 section 5, v4.0 section 6 (the same ranges); for version 2 the ranges that NVD published.
    """
    try:
        value = float(score)
    except ValueError:
        return ""
    if not 0 <= value <= 10:
        return ""
    if version == 2:
        return "high" if value >= 7 else "medium" if value >= 4 else "low"
    return "critical" if value >= 9 else "high" if value >= 7 else "medium" if value >= 4 else "low" if value > 0 else "negligible"
