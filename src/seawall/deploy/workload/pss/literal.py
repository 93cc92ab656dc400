"""What stood in a field, for a message."""

import json

from seawall.core.resource import MISSING, Field

_LONGEST = 80


def literal(field: Field) -> str:
    """The value as JSON, so that ``"true"`` is told from ``true``; a long one is cut, and a missing one is called nothing."""
    if field.value is MISSING:
        return "nothing"
    text = json.dumps(field.value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
