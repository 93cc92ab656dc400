"""Which line of a Go template printed which line of its output.

A template is read as an automaton over lines. A line of plain text prints itself; a line with actions prints its text around anything; an action
alone on its line prints any number of lines, at the indentation it asks for (``nindent 8``). ``if`` and ``with`` may be skipped, ``range`` may be
repeated, what stands in ``define`` prints nothing where it stands. The output is run through the automaton forwards and backwards. A line of output
then belongs to a line of the template if on every way through that explains the whole output it is that line which prints it; where two lines could
have printed it, nothing is said.

The language is that of https://pkg.go.dev/text/template, and ``---`` parts documents as Helm parts them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

MAX_STEPS: Final = 2_000_000
"""Work on one template; about a second. What is not explained by then is not explained."""

_ACTION: Final = re.compile(
    r"""\{\{-?\s*/\*.*?\*/\s*-?\}\}|\{\{(?:"(?:\\.|[^"\\\n])*+"|`[^`]*+`|'(?:\\.|[^'\\\n])*+'|[^"`'}]|\}(?!\}))*+\}\}""", re.DOTALL
)
_KEYWORD: Final = re.compile(r"\{\{-?\s*(if|with|range|define|block|else|end|break|continue|/\*|\$[\w.]*(?:\s*,\s*\$\w+)?\s*:?=)")
_INDENT: Final = re.compile(r"\bn?indent\s+(\d+)")
_MULTILINE: Final = re.compile(r"\b(?:n?indent|toYaml|toYamlPretty|tpl|fromYaml|Files)\b")
_SEPARATOR: Final = re.compile(r"---(?:\s|$)")
_OPENERS: Final = frozenset({"if", "with", "range", "define", "block"})
_CONTROL: Final = _OPENERS | {"else", "end"}
_PRINTS: Final = "print"
_SILENT: Final = "silent"


class Line(NamedTuple):
    """A line of the template, with the lines that its actions reach over.

    ``pieces`` is what the first line that it prints starts with, holds in this order, and ends with; ``None`` where it prints nothing. A line
    without actions is ``fixed``: one piece, all of it. ``more`` lines may follow, indented by ``indent``. All of it may be left out if ``optional``.
    ``control`` are the keywords that it leaves open or closes.
    """

    number: int
    pieces: tuple[str, ...] | None
    fixed: bool = False
    more: bool = False
    indent: int = 0
    optional: bool = False
    control: tuple[str, ...] = ()


class State(NamedTuple):
    """One place of the automaton. It prints a line with these ``pieces``, or ``again`` any number; it may go on to ``skips`` without printing."""

    number: int
    pieces: tuple[str, ...] | None = None
    fixed: bool = False
    again: bool = False
    skips: tuple[int, ...] = ()
    ends: bool = False

    def prints(self, line: str) -> bool:
        """Whether this can have printed ``line``."""
        if self.pieces is None:
            return False
        if self.fixed:
            return line == self.pieces[0]
        # Lines come without space at their end, which is in the pieces where an action printed nothing.
        space = max(len(piece) - len(piece.rstrip()) for piece in self.pieces)
        return _holds(line, self.pieces) or (space > 0 and _holds(line + " " * space, self.pieces))


def _holds(line: str, pieces: tuple[str, ...]) -> bool:
    """Whether a line starts with the first piece, ends with the last and has the others between. A regular expression could take for ever."""
    first, *middle, last = pieces
    if not line.startswith(first):
        return False
    position = len(first)
    for piece in middle:
        found = line.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return len(line) - len(last) >= position and line.endswith(last)


Way = list[int | None]
"""For each line of a document the number of the line that printed it."""


class Template:
    """A template that can tell where its output comes from."""

    def __init__(self, text: str, *, verbatim: bool = False) -> None:
        """``verbatim`` says that the file is no template at all but printed as it is (a CRD of a chart)."""
        self._text = text
        self._verbatim = verbatim

    def trace(self, documents: Sequence[Sequence[str]]) -> list[Way]:
        """For each line of each document, all printed by this template in this order, the number (from 1) of the line that printed it."""
        lines = list(_verbatim(self._text) if self._verbatim else _lines(self._text))
        programs = [Automaton(lines, loose) for loose in (False, True)]
        ways: list[dict[int, Way]] = [next((found for program in programs if (found := program.ways(document))), {}) for document in documents]
        _settle(ways)
        return [_agreed(way, document) for way, document in zip(ways, documents, strict=True)]


def _settle(ways: list[dict[int, Way]]) -> None:
    """Documents that could each come from the same parts of a template, as many as there are parts, come from them in their order."""
    groups: dict[tuple[int, ...], list[dict[int, Way]]] = {}
    for way in ways:
        groups.setdefault(tuple(way), []).append(way)
    for starts, group in groups.items():
        if len(starts) > 1 and len(starts) == len(group):
            for start, way in zip(starts, group, strict=True):
                chosen = way[start]
                way.clear()
                way[start] = chosen


def _agreed(ways: dict[int, Way], document: Sequence[str]) -> Way:
    """What all ways say."""
    columns = [set(column) for column in zip(*ways.values(), strict=True)]
    return [column.pop() if len(column) == 1 else None for column in columns] or [None] * len(document)


# What a line of a template prints


def _lines(text: str) -> Iterator[Line]:
    """The lines of a template; one whose action reaches over several lines is one line, with the number of its first."""
    number, start = 1, 0
    actions = list(_ACTION.finditer(text))
    place = 0
    while start <= len(text):
        first = place
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        while place < len(actions) and actions[place].start() < end:
            if actions[place].end() > end:
                end = text.find("\n", actions[place].end())
                end = len(text) if end < 0 else end
            place += 1
        yield _line(number, text, start, end, actions[first:place])
        number += text.count("\n", start, end) + 1
        start = end + 1


def _verbatim(text: str) -> Iterator[Line]:
    return (_fixed(number, line) for number, line in enumerate(text.split("\n"), 1))


def _fixed(number: int, text: str) -> Line:
    return Line(number, (text.rstrip(),) if text.strip() else None, fixed=True)


def _line(number: int, text: str, start: int, end: int, actions: list[re.Match[str]]) -> Line:
    if not actions:
        return _fixed(number, text[start:end])
    keywords = [_keyword(action[0]) for action in actions]
    control = _open(keywords)
    literals = _literals(text, start, end, actions)
    alone = not any(literal.strip() for literal in literals)
    if alone and _PRINTS not in keywords:
        return Line(number, None, control=control)
    joined = text[actions[0].start() : actions[-1].end()]
    indent = min((int(match[1]) for match in _INDENT.finditer(joined)), default=0)
    more = alone or bool(_MULTILINE.search(joined))
    structured = any(keyword in _CONTROL for keyword in keywords)
    if alone:
        pieces = [" " * indent, ""]
    else:
        pieces = [literals[0], literals[-1]] if structured else literals
        pieces = [pieces[0] if pieces[0].strip() else "", *pieces[1:-1], "" if more else pieces[-1].rstrip()]
    optional = alone or (structured and not literals[0].strip())
    return Line(number, tuple(pieces), more=more, indent=indent, optional=optional, control=control)


def _literals(text: str, start: int, end: int, actions: list[re.Match[str]]) -> list[str]:
    """The text before, between and after the actions, without the space that trim markers take away."""
    literals, position, trimmed = [], start, False
    for action in actions:
        literal = text[position : action.start()]
        literal = literal.lstrip() if trimmed else literal
        literals.append(literal.rstrip() if action[0].startswith("{{-") else literal)
        position, trimmed = action.end(), action[0].endswith("-}}")
    rest = text[position:end]
    return [*literals, rest.lstrip() if trimmed else rest]


def _keyword(action: str) -> str:
    match = _KEYWORD.match(action)
    if match is None:
        return _PRINTS
    word = match[1]
    return word if word in _CONTROL else _SILENT


def _open(keywords: Sequence[str]) -> tuple[str, ...]:
    """The control keywords of a line without those that are closed on it."""
    left: list[str] = []
    for keyword in keywords:
        if keyword == "end" and any(word in _OPENERS for word in left):
            while left.pop() == "else":
                pass
        elif keyword in _CONTROL:
            left.append(keyword)
    return tuple(left)


# The automaton


class _Block(NamedTuple):
    """A control block that is being read: where it begins, the branch that is open, and the ends of its bodies."""

    keyword: str
    start: int
    branches: list[int]
    leaves: list[int]


class Automaton:
    """The states of a template, in its order: without skips, each state goes on to the next."""

    def __init__(self, lines: Sequence[Line], loose: bool) -> None:
        """``loose`` lets each line with an action go on over more lines."""
        self._states: list[State] = []
        self._starts = [0]
        self._stack: list[_Block] = []
        self._reached: dict[int, frozenset[int]] = {}
        self._steps = 0
        for line in lines:
            self._add(line, loose)
        while self._stack:
            self._end(0)
        self._states.append(State(0, ends=True))

    def ways(self, document: Sequence[str]) -> dict[int, Way]:
        """By the state in which the document may start: the lines that printed it."""
        shown = [(place, line.rstrip()) for place, line in enumerate(document) if line.strip()]
        ways: dict[int, Way] = {}
        for start in self._starts:
            way = self._way(start, shown)
            if self._steps > MAX_STEPS:
                return {}
            if way is not None:
                found: Way = [None] * len(document)
                for (place, _), number in zip(shown, way, strict=True):
                    found[place] = number
                ways[start] = found
        return ways

    def _add(self, line: Line, loose: bool) -> None:
        closers = [keyword for keyword in line.control if keyword not in _OPENERS]
        for keyword in closers:
            if self._stack:
                self._else(line.number) if keyword == "else" else self._end(line.number)
        if line.fixed and line.pieces and _SEPARATOR.match(line.pieces[0]):
            self._new(State(line.number, ends=True))
            self._starts.append(len(self._states))
        elif line.pieces is not None:
            self._print(line, loose)
        for keyword in line.control[len(closers) :]:
            start = self._new(State(line.number))
            self._stack.append(_Block(keyword, start, [start], []))

    def _new(self, state: State) -> int:
        self._states.append(state)
        return len(self._states) - 1

    def _print(self, line: Line, loose: bool) -> None:
        more = not line.fixed and (line.more or loose)
        following = len(self._states) + (2 if more else 1)
        skips = (following,)
        self._new(State(line.number, line.pieces, line.fixed, skips=skips if line.optional else ()))
        if more:
            self._new(State(line.number, (" " * line.indent, ""), again=True, skips=skips))

    def _else(self, number: int) -> None:
        block = self._stack[-1]
        block.leaves.append(self._new(State(number)))
        branch = self._new(State(number))
        self._fork(block, branch)
        block.branches.append(branch)

    def _end(self, number: int) -> None:
        block = self._stack.pop()
        block.leaves.append(self._new(State(number)))
        after = len(self._states)
        for place, leaf in enumerate(block.leaves):
            goes_on = block.start if block.keyword == "range" and place == 0 else after
            self._states[leaf] = State(number, skips=(goes_on,))
        if block.keyword == "define":
            self._states[block.start] = State(number, skips=(after,))
        else:
            self._fork(block, after)

    def _fork(self, block: _Block, other: int) -> None:
        """The open branch of a block goes into its body or to ``other``."""
        branch = block.branches.pop()
        self._states[branch] = State(self._states[branch].number, skips=(branch + 1, other))

    def _way(self, start: int, shown: Sequence[tuple[int, str]]) -> Way | None:
        """The line that printed each shown line, or ``None`` if the template cannot have printed them from ``start`` on."""
        waiting = self._reach(start)
        printed: list[list[int]] = []
        for _, line in shown:
            self._steps += len(waiting)
            here = [state for state in waiting if self._states[state].prints(line)]
            if not here or self._steps > MAX_STEPS:
                return None
            printed.append(here)
            waiting = frozenset().union(*(self._reach(self._next(state)) for state in here))
        good = {place for place, state in enumerate(self._states) if state.ends}
        way: Way = []
        for here in reversed(printed):
            good = {state for state in here if not good.isdisjoint(self._reach(self._next(state)))}
            if not good:
                return None
            numbers = {self._states[state].number for state in good}
            way.append(numbers.pop() if len(numbers) == 1 else None)
        return way[::-1]

    def _next(self, state: int) -> int:
        return state if self._states[state].again else state + 1

    def _reach(self, start: int) -> frozenset[int]:
        """The states that can be reached without printing."""
        if start not in self._reached:
            found: set[int] = set()
            waiting = [start]
            while waiting and self._steps <= MAX_STEPS:
                state = waiting.pop()
                if state not in found:
                    found.add(state)
                    waiting += self._states[state].skips
                    self._steps += 1
            self._reached[start] = frozenset(found)
        return self._reached[start]
