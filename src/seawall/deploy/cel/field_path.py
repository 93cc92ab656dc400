"""Field paths as Kubernetes writes them, read back: ``spec.containers[0].image``, ``metadata.annotations[example.com/key]``."""

import re
from typing import Final

from seawall.core.resource import Path

_STEP: Final = re.compile(r"(?:(?:^|(?<=[\w\]-])\.)([A-Za-z0-9_-]+)|\[([^\[\]]+)\])")
MAX_LENGTH: Final = 1000


def parse_field(text: str) -> Path:
    """The path that a text names; a number in brackets is the place in a list. Raises ``ValueError`` when it is none."""
    path: list[str | int] = []
    end = 0
    while len(text) <= MAX_LENGTH and end < len(text):
        step = _STEP.match(text, end)
        if step is None:
            break
        name, bracket = step.groups()
        path.append(name if bracket is None else int(bracket) if bracket.isascii() and bracket.isdigit() else bracket.strip("'\""))
        end = step.end()
    if not path or end < len(text):
        raise ValueError(f"{text[:80]!r} is no field; write spec.template.spec or metadata.annotations[example.com/key]")
    return tuple(path)
