"""A rule: what is looked for, why, how bad it is, how to mend it, and what other tools call it."""

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from seawall.core.severity import Confidence, Severity


class Phase(StrEnum):
    """The part of a container's life in which a rule applies."""

    BUILD = "build"
    DEPLOY = "deploy"
    RUN = "run"
    GOVERN = "govern"


class Outcome(StrEnum):
    """What judging one rule on one subject can end in. What could not be checked is never reported as passed."""

    FAIL = "fail"
    PASS = "pass"
    NOT_APPLICABLE = "not-applicable"
    NOT_EVALUATED = "not-evaluated"


class Control(Struct, frozen=True):
    """A requirement of a framework that a rule checks, wholly or in part."""

    framework: str
    control: str


class Parameter(Struct, frozen=True):
    """A value that a policy may set for a rule; the default is the one in the rule's own signature."""

    name: str
    description: str
    default: Any


class Explanation(Struct, frozen=True):
    """The four headings of a rule's docstring, the source of ``seawall explain`` and of the documentation."""

    what: str
    why: str
    fix: str
    exceptions: str


class Rule(Struct, frozen=True, kw_only=True):
    """The description of a rule; the function that judges lives in its domain.

    ``id`` is a readable slug. ``aliases`` maps another tool to the ids it uses for the same thing, so that its suppressions can be honoured.
    ``by_default`` is false for rules that are a matter of taste: they run in ``--profile all`` or when named.
    """

    id: str
    title: str
    severity: Severity
    phase: Phase
    category: str
    explanation: Explanation
    confidence: Confidence = Confidence.HIGH
    by_default: bool = True
    aliases: Mapping[str, tuple[str, ...]] = {}
    controls: tuple[Control, ...] = ()
    references: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    @property
    def alias_ids(self) -> tuple[str, ...]:
        """The ids of all other tools in one list, each once."""
        return tuple(dict.fromkeys(alias for ids in self.aliases.values() for alias in ids))


_HEADINGS = {"What it finds": "what", "Why it matters": "why", "How to fix": "fix", "Exceptions": "exceptions"}


def explanation_of(function: Callable[..., Any]) -> Explanation:
    """Read the four headings (``What it finds: ...``) out of a rule's docstring.

    Raises ``ValueError`` when one is missing, at import: a rule that does not explain itself does not exist.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in (inspect.getdoc(function) or "").splitlines():
        heading, colon, rest = line.partition(":")
        if colon and heading in _HEADINGS:
            current = sections[_HEADINGS[heading]] = [rest.strip()]
        elif current is not None:
            current.append(line)
    missing = [heading for heading, key in _HEADINGS.items() if not "".join(sections.get(key, ())).strip()]
    if missing:
        raise ValueError(f"the docstring of rule {function.__name__} lacks: {', '.join(missing)}")
    return Explanation(**{key: "\n".join(lines).strip() for key, lines in sections.items()})


def parameters_of(function: Callable[..., Any], descriptions: Mapping[str, str]) -> tuple[Parameter, ...]:
    """A rule's parameters are the keyword-only arguments of its function; ``descriptions`` has one sentence for each."""
    keywords = {
        name: argument.default for name, argument in inspect.signature(function).parameters.items() if argument.kind is inspect.Parameter.KEYWORD_ONLY
    }
    if keywords.keys() != descriptions.keys():
        raise ValueError(f"parameters of rule {function.__name__} and their descriptions differ: {sorted(keywords.keys() ^ descriptions.keys())}")
    return tuple(Parameter(name, descriptions[name], default) for name, default in keywords.items())
