"""Suppressions in comments: ``# seawall: ignore[host-pid, run-as-non-root] reason=the node agent until=2027-01-31``.

A comment on a line of its own speaks of what follows it, a comment behind a value of what starts on its line: a field with all that is below it,
a list item (a container), or at the top of a document the whole object.
"""

import re
from datetime import date

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from seawall.core.errors import InputError
from seawall.core.location import Location
from seawall.core.suppression import Exemption
from seawall.io.sources.document import Document, NodePositions

_COMMENT = re.compile(r"#[ \t]*seawall:[ \t]*ignore(?P<rules>\[[^\]\n]*\])?(?P<rest>[^\n]*)")
_OPTION = re.compile(r"\b(reason|until)=(\"[^\"]*\"|.*?)(?=\s+(?:reason|until)=|\s*$)")


def comment_exemptions(document: Document) -> list[Exemption | InputError]:
    """The suppressions in one document; an error for each that cannot be understood."""
    source = document.source
    if "seawall:" not in source.text:
        return []
    found: list[Exemption | InputError] = []
    end = document.base + NodePositions(document, document.root).end_of(document.root)
    end = source.text.find("\n", end) if "\n" in source.text[end:] else len(source.text)
    for match in _COMMENT.finditer(source.text, document.base, end):
        line, column = source.line_and_column(match.start())
        covered = _covered(document, match.start() - document.base)
        if covered is None:
            continue  # in a string, or behind everything
        lines = (source.line_and_column(document.base + covered[0])[0], source.line_and_column(document.base + covered[1])[0])
        written = Location(source.path, line, column, line, column + len(match[0].rstrip()), snippet=source.line_text(line))
        found.append(_exemption(match, written, lines))
    return found


def _exemption(match: re.Match[str], written: Location, lines: tuple[int, int]) -> Exemption | InputError:
    rules = tuple(rule.strip() for rule in (match["rules"] or "[]")[1:-1].split(",") if rule.strip())
    options = {key: value.strip().strip('"') for key, value in _OPTION.findall(match["rest"])}
    if not rules:
        return InputError(written.path, "write the rules to be ignored in brackets: # seawall: ignore[RULE] reason=...", written.line)
    try:
        until = date.fromisoformat(options["until"]) if "until" in options else None
    except ValueError:
        return InputError(written.path, f"until={options['until']} is no date; write it as 2027-01-31", written.line)
    return Exemption(
        source="comment", rules=rules, path=written.path, lines=lines, written=written,
        reason=options.get("reason", ""), until=until,
    )  # fmt: skip


def _covered(document: Document, comment: int) -> tuple[int, int] | None:
    """First and last character of what a comment at this character speaks of: the outermost thing that starts on its line, or else next."""
    source, base = document.source, document.base
    line_start = source.text.rfind("\n", 0, base + comment) + 1 - base
    before = source.text[max(base, base + line_start) : base + comment]
    alone = not before.strip() or before.strip() == "---"
    start = comment if alone else line_start
    positions = NodePositions(document, document.root)
    starts = _starts(document.root)
    if any(isinstance(node, ScalarNode) and node.start_mark.index <= comment < node.end_mark.index for _, node in starts):
        return None  # it is text, not a comment
    for first, node in starts:
        if first >= start:
            if not alone and first >= comment:
                return None
            return first, positions.end_of(node)
    return None


def _starts(root: Node) -> list[tuple[int, Node]]:
    """Everything that a comment can speak of, with its first character, in document order; of things that start together the outermost first."""
    found: list[tuple[int, Node]] = [(root.start_mark.index, root)]
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, CollectionNode):
            children = [(key.start_mark.index, value) for key, value in node.value] if isinstance(node, MappingNode) else []
            children = children or [(item.start_mark.index, item) for item in node.value if isinstance(item, Node)]
            found += children
            waiting += [child for _, child in children]
    order = {id(node): place for place, (_, node) in enumerate(found)}
    return sorted(found, key=lambda pair: (pair[0], order[id(pair[1])]))
