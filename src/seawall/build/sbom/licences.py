"""Licences as documents want them: an SPDX expression where the text is one, and otherwise the text as it was found."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from boolean.boolean import ParseError
from license_expression import ExpressionError, Licensing, get_spdx_licensing

_REFERENCE: Final = re.compile(r"LicenseRef-[A-Za-z0-9.-]+").fullmatch
_MAX_LENGTH: Final = 1000  # of a text that is worth parsing; longer ones are whole licences


@lru_cache(maxsize=4096)
def spdx_expression(text: str) -> str:
    """The normalised SPDX expression (``MIT``, ``GPL-2.0-or-later AND MIT``) that a text is, or the empty string.

    Source: SPDX 2.3, annex D.
    """
    if len(text) > _MAX_LENGTH:
        return ""
    if _REFERENCE(text):
        return text
    try:
        found = _licensing().parse(text, validate=True, strict=True)
    except (ExpressionError, ParseError, RecursionError):
        return ""
    return str(found.render()) if found is not None else ""


@cache
def _licensing() -> Licensing:
    """The list of SPDX, read once: 60 ms."""
    return get_spdx_licensing()


def is_single(expression: str) -> bool:
    """Whether an expression is one licence of the SPDX list."""
    return bool(expression) and " " not in expression and not expression.startswith("LicenseRef-") and not expression.endswith("+")


def reference(text: str) -> str:
    """The ``LicenseRef-`` under which a document of SPDX speaks of a licence that is not on the list."""
    return "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")[:100] or "unnamed")


def conjunction(expressions: Sequence[str]) -> str:
    """One expression for a package that is under all of these."""
    if len(expressions) == 1:
        return expressions[0]
    return " AND ".join(f"({expression})" if " OR " in expression else expression for expression in expressions)
