"""An old and a new value compared along the text that says the old one: what has to be replaced so that it says the new one.

A value is replaced as a whole only where a scalar comes or goes. Collections are changed entry by entry: entries that go are cut out with their
lines, entries that come are put behind the last one.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from seawall.core.resource import MISSING
from seawall.io.sources.document import is_merge, key_text
from seawall.io.sources.emit import Lines, block, block_entry, block_item, flow, flow_entry, is_nested
from seawall.io.sources.layout import Entry, Layout, Unsafe, children, index_of
from seawall.io.sources.style import Style, quote_of, style_inside
from seawall.io.sources.wanted import GONE, is_gone, is_same, settled

_ANCHOR: Final = re.compile(r"&\S+[ \t]+")


class Replacement(NamedTuple):
    """``new`` in place of what stands from ``start`` to ``end``, which are places in the source's text."""

    start: int
    end: int
    new: str


def replacements(layout: Layout, mapping: MappingNode, old: Any, new: Any, outside: Style) -> list[Replacement]:
    """What makes the text of a mapping with the value ``old`` say ``new``, in order; no two begin at one place.

    ``new`` still has in it what shall go, as :mod:`wanted` leaves it. ``outside`` is the manner of what is around the mapping.
    Raises :class:`Unsafe`.
    """
    patch = _Patch(layout)
    patch.collection(mapping, old, new, outside)
    ordered: list[Replacement] = []
    for part in sorted(patch.replacements, key=lambda part: part[:2]):  # stable: insertions at one place keep their order
        last = ordered.pop() if ordered else None
        if last and last.start == last.end == part.start:
            ordered.append(part._replace(new=last.new + part.new))
        elif last and part.start == part.end <= last.end and (not last.new or last.new.endswith("\n")):
            # Something comes behind a line that goes, with its line break.
            ordered.append(last._replace(new=last.new + part.new.removeprefix(layout.newline) + layout.text[part.start : last.end]))
        else:
            ordered += [last, part] if last else [part]
    return ordered


class _Patch:
    """Goes along old value, new value and node tree at once, and collects what has to be replaced."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.text = layout.text
        self.replacements: list[Replacement] = []

    def _put(self, start: int, end: int, new: str) -> None:
        self.replacements.append(Replacement(start, end, new))

    # What differs

    def collection(self, node: CollectionNode, old: Any, new: Any, outside: Style) -> None:
        """Make a list or mapping with the value ``old`` have the value ``new``, which is of the same kind and not empty."""
        if self.layout.is_shared(node):
            raise Unsafe("an alias uses this text, too")
        entries, style = self.layout.entries(node), style_inside(node, outside, self.layout)
        removed: dict[int, Any] = {}
        added: list[Lines] = []
        for step, before, after in _pairs(old, new):
            if is_same(before, after):
                continue
            index = index_of(node, step)
            if is_gone(after):
                if index is not None:
                    removed[index] = after
            elif index is None:
                added.append(_written(step, settled(after), style, node.flow_style))
            else:
                self._value(entries[index], before, after, style, node.flow_style)
        if node.flow_style:
            self._change_flow(node, entries, removed, added, style)
        else:
            self._change_block(entries, removed, [line for lines in added for line in lines])

    def _value(self, entry: Entry, old: Any, new: Any, style: Style, in_flow: bool) -> None:
        if entry.is_alias:
            raise Unsafe("an alias")
        if type(old) is type(new) and is_nested(new) and isinstance(entry.value, CollectionNode):
            self.collection(entry.value, old, new, style)
        else:
            self._check_unshared(entry)
            self._replace_value(entry, old, settled(new), style, in_flow)

    def _check_unshared(self, entry: Entry) -> None:
        """No alias elsewhere may need what is written of an entry."""
        waiting = [entry.value, entry.key] if entry.key else [entry.value]
        while waiting:
            node = waiting.pop()
            if self.layout.start_of(node) < entry.start:
                continue  # it stands elsewhere, here is an alias only
            if self.layout.is_shared(node):
                raise Unsafe("an alias uses this text, too")
            waiting += children(node)

    # A value for a value

    def _replace_value(self, entry: Entry, old: Any, new: Any, style: Style, in_flow: bool) -> None:
        if isinstance(old, str) and style.key_quote != '"':
            style = replace(style, quote=quote_of(entry.value))
        if not in_flow and entry.key and is_nested(new):
            self._replace_by_block(entry, entry.key, new, style)
            return
        start = entry.start if entry.key else entry.value_start
        head = self._head(entry) + ("" if is_nested(new) else self._anchor(entry))
        if in_flow:
            text = self._hanging(flow(new, style), self.layout.indentation(entry.start))
        else:
            text = self._hanging(block(new, style), " " * (self.layout.column(start) + len(head)))
        self._put(start, entry.end, head + text)

    def _replace_by_block(self, entry: Entry, key: Node, new: Any, style: Style) -> None:
        """The lines of a collection below a key; the comment behind the old value stays behind the key."""
        end = self._line_end(entry)
        indentation = " " * (self.layout.column(entry.start) + (style.step if isinstance(new, dict) else style.dash))
        name = self._name(entry, key) + self.text[entry.end : end].rstrip()
        self._put(entry.start, end, self._hanging([name, *block(new, style)], indentation))

    def _head(self, entry: Entry) -> str:
        """What stands in front of a value, from the key on; in a list, white space behind the dash where there is none."""
        if entry.key is None:
            return " " if self.text[entry.value_start - 1] == "-" else ""
        is_block = isinstance(entry.value, CollectionNode) and not entry.value.flow_style
        if is_block or entry.value_start == entry.end:
            return self._name(entry, entry.key) + " "
        return self.text[entry.start : entry.value_start]

    def _anchor(self, entry: Entry) -> str:
        """The anchor of a scalar, which no alias uses."""
        anchor = _ANCHOR.match(self.text, entry.value_start, entry.end) if isinstance(entry.value, ScalarNode) else None
        return anchor[0] if anchor else ""

    def _name(self, entry: Entry, key: Node) -> str:
        """A key and its colon, as they are written."""
        key_end = self.layout.at(key.end_mark.index)
        return self.text[entry.start : self.text.find(":", key_end, entry.value_start) + 1] or self.text[entry.start : key_end] + ":"

    # Entries that come and go, in block style

    def _change_block(self, entries: list[Entry], removed: dict[int, Any], added: Lines) -> None:
        column = self.layout.column(entries[0].start)
        for run in _runs(removed):
            lines = self._comments_between([(entries[index], removed[index]) for index in run])
            is_last = run[-1] == len(entries) - 1
            self._cut_lines(entries[run[0]], entries[run[-1]], lines + added if is_last else lines, column, is_last)
        if added and len(entries) - 1 not in removed:
            end = self._line_end(entries[-1])
            self._put(end, end, "".join(self.layout.newline + " " * column + line for line in added))

    def _cut_lines(self, first: Entry, last: Entry, lines: Lines, column: int, is_last: bool) -> None:
        """Put lines in place of a run of entries and the comment behind them."""
        end, indentation, newline = self._line_end(last), " " * column, self.layout.newline
        if self.layout.opens_line(first.start):
            self._put(first.start - column, self.layout.next_line(end), "".join(indentation + line + newline for line in lines))
        elif is_last:
            self._put(first.start, end, self._hanging(lines, indentation))
        else:  # what comes next moves up to where the first entry stood, behind a dash
            self._put(first.start, self.layout.next_word(end), "".join(line + newline + indentation for line in lines))

    def _line_end(self, entry: Entry) -> int:
        end = self.layout.line_end(entry.end)
        if end is None:
            raise Unsafe("something stands behind a value in block style")
        return end

    def _comments_between(self, run: list[tuple[Entry, Any]]) -> Lines:
        """The lines of comments between entries that go, and between those in collections of which nothing is left."""
        lines: Lines = []
        for place, (entry, gone) in enumerate(run):
            self._check_unshared(entry)
            if place > 0:
                lines += _comment_lines(self.text[run[place - 1][0].end : entry.start])
            if gone is not GONE:
                inner = self._inner(entry, gone)
                lines += _comment_lines(self.text[entry.start : inner[0][0].start])
                lines += self._comments_between(inner)
                lines += _comment_lines(self.text[inner[-1][0].end : entry.end])
        return lines

    def _inner(self, entry: Entry, gone: Any) -> list[tuple[Entry, Any]]:
        """The entries of a collection of which nothing is left, each with what is left of it."""
        if entry.is_alias or not isinstance(entry.value, CollectionNode):
            raise Unsafe("an alias")
        inner = self.layout.entries(entry.value)
        if not isinstance(entry.value, MappingNode):
            return list(zip(inner, gone, strict=True))
        if any(is_merge(child.key) for child in inner if child.key):
            raise Unsafe("a merge key adds to what would be nothing")
        return [(child, gone[key_text(child.key)]) for child in inner if child.key]

    # Entries that come and go, in flow style

    def _change_flow(self, node: CollectionNode, entries: list[Entry], removed: dict[int, Any], added: list[Lines], style: Style) -> None:
        for index, gone in removed.items():
            if self._comments_between([(entries[index], gone)]):
                raise Unsafe("a comment within what goes")
        kept = [index for index in range(len(entries)) if index not in removed]
        if not kept:
            self._fill_flow(node, entries, added, style)
            return
        last, tail = entries[kept[-1]], entries[kept[-1] + 1 :]
        for index in removed:
            if index < kept[-1]:
                self._cut_flow(entries[index])
        if self._has_comment_between([last, *tail]):
            for entry in tail:
                self._cut_flow(entry)  # this leaves a comma after the last entry, which JSON does not allow; but that has no comments
            tail = []
        if tail:
            self._put(last.end, self._end_with_comment(tail[-1]), self._following(last, added, style))
        elif added:
            self._append_flow(last, added, style)

    def _append_flow(self, last: Entry, added: list[Lines], style: Style) -> None:
        """Put entries behind the last one: on its line, or on lines of their own if it has one, then behind its comment."""
        text = self._following(last, added, style)
        place = self.layout.line_end(last.after)
        has_comma, has_line = last.after > last.end, self.layout.opens_line(last.start) and place is not None
        if not has_line or place is None or not (has_comma or "#" in self.text[last.end : place]):
            self._put(last.end, last.end, text)
        elif has_comma:
            self._put(place, place, text.removeprefix(",") + ",")
        else:
            self._put(last.end, last.end, ",")
            self._put(place, place, text.removeprefix(","))

    def _following(self, entry: Entry, added: list[Lines], style: Style) -> str:
        separator = self._separator(entry, style)
        return "".join(separator + self._hanging(lines, self.layout.indentation(entry.start)) for lines in added)

    def _separator(self, entry: Entry, style: Style) -> str:
        """What stands between entries like this one: each has a line of its own, or not."""
        return "," + self.layout.newline + self.layout.indentation(entry.start) if self.layout.opens_line(entry.start) else style.comma

    def _fill_flow(self, node: CollectionNode, entries: list[Entry], added: list[Lines], style: Style) -> None:
        """Put entries into a collection that has none, or where all of them go."""
        if entries:
            if self._has_comment_between(entries):
                raise Unsafe("a comment within what goes")
            text = self._following(entries[0], added, style).removeprefix(self._separator(entries[0], style))
            self._put(entries[0].start, entries[-1].end, text)
            return
        opening, closing = self.layout.brackets(node)
        end = opening + 1 if self.text[opening + 1 : closing].strip() else closing
        if style.unit is None:
            self._put(opening + 1, end, style.comma.join(line for lines in added for line in lines))
        else:
            outer = self.layout.indentation(opening)
            inner = self.layout.newline + outer + style.unit
            text = ",".join(inner + self._hanging(lines, outer + style.unit) for lines in added)
            self._put(opening + 1, end, text + self.layout.newline + outer)

    def _cut_flow(self, entry: Entry) -> None:
        """Take an entry away with its comma and the comment behind it, and its lines if it has them for itself."""
        end = self.layout.line_end(entry.after)
        if end is None:
            self._put(entry.start, self.layout.next_word(entry.after), "")
        elif self.layout.opens_line(entry.start):
            self._put(entry.start - self.layout.column(entry.start), self.layout.next_line(end), "")
        else:
            self._put(entry.start, end, "")

    def _end_with_comment(self, entry: Entry) -> int:
        end = self.layout.line_end(entry.after)
        return end if end is not None and "#" in self.text[entry.after : end] else entry.end

    def _has_comment_between(self, entries: list[Entry]) -> bool:
        return any("#" in self.text[one.end : other.start] for one, other in pairwise(entries))

    def _hanging(self, lines: Lines, indentation: str) -> str:
        """Lines as text, all but the first indented."""
        return lines[0] if len(lines) == 1 else (self.layout.newline + indentation).join(lines)


def _pairs(old: Any, new: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """The steps into two collections of one kind, with the values that are there."""
    if isinstance(old, dict):
        for key in {**old, **new}:
            yield key, old.get(key, MISSING), new.get(key, GONE)
    else:
        for index, (before, after) in enumerate(zip_longest(old, new)):
            yield index, before if index < len(old) else MISSING, after if index < len(new) else GONE


def _written(step: str | int, value: Any, style: Style, in_flow: bool) -> Lines:
    if isinstance(step, int):
        return flow(value, style) if in_flow else block_item(value, style)
    return flow_entry(step, value, style) if in_flow else block_entry(step, value, style)


def _runs(indices: Iterable[int]) -> Iterator[list[int]]:
    """Neighbouring numbers together."""
    run: list[int] = []
    for index in sorted(indices):
        if run and index > run[-1] + 1:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _comment_lines(gap: str) -> Lines:
    """The comments that have a line of their own between two entries, without indentation; the first line belongs to the entry before."""
    return [line.strip() for line in gap.split("\n")[1:] if line.lstrip().startswith("#")]
