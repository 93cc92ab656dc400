"""The text of a rule, which its author wrapped to fit a docstring, as paragraphs and as Markdown."""

import re
from collections.abc import Iterator
from html import escape

from seawall.core.rule import Explanation, Rule


def sections(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """The four headings and their texts."""
    yield "What it finds", explanation.what
    yield "Why it matters", explanation.why
    yield "How to fix", explanation.fix
    yield "Exceptions", explanation.exceptions


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each on one line. A blank line separates them."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]


def plain(rule: Rule) -> str:
    """A rule in full as plain text."""
    return "\n\n".join(f"{heading}: " + "\n\n".join(paragraphs(text)) for heading, text in sections(rule.explanation))


def markdown(rule: Rule) -> str:
    """A rule in full as Markdown without HTML."""
    parts = [
        f"## {heading}\n\n" + "\n\n".join(escape(part, quote=False) for part in paragraphs(text)) for heading, text in sections(rule.explanation)
    ]
    if rule.references:
        parts.append("## References\n\n" + "\n".join(f"* <{reference}>" for reference in rule.references))
    return "\n\n".join(parts)
