"""The version of Falco's engine whose rule language is spoken here, and what a rule file may require."""

import re
from typing import Final

ENGINE: Final = (0, 62, 0)
"""The language of Falco 0.44: list modifiers, ``concat``, ``join``, ``len`` and ``getopt`` are in it."""

_SEMANTIC: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?:[-+][0-9A-Za-z.+-]*)?").fullmatch
_NUMBER: Final = re.compile(r"[0-9]{1,9}").fullmatch


def engine_version() -> str:
    return ".".join(map(str, ENGINE))


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Three numbers, from ``x.y.z``; None for anything else."""
    match = _SEMANTIC(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def required_engine(text: str) -> tuple[int, int, int] | None:
    """What ``required_engine_version`` asks for: ``x.y.z``, or a number N, which means ``0.N.0``. None where it is neither."""
    return (0, int(text), 0) if _NUMBER(text) else parse_version(text)


def is_spoken(required: tuple[int, int, int]) -> bool:
    """Whether rules that require this version can be read: the first number must be the same, the others no higher."""
    return required[0] == ENGINE[0] and required <= ENGINE
