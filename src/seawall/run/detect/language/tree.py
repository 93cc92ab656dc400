"""A condition as a tree, and a rule as the compiler leaves it: what the engines read.

The parser makes trees that may still hold :class:`Name` (a macro); compiled trees hold none, and names of lists are replaced by what stands in them.
``at`` is the place of a node in the text of its condition, in characters from 0; it says nothing about meaning.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field


class Field(Struct, frozen=True):
    """A field of an event: ``proc.aname[2]`` has the argument ``"2"``; None where there are no brackets."""

    name: str
    argument: str | None = None
    at: int = 0


class Call(Struct, frozen=True):
    """A transformer on its arguments: ``tolower(proc.name)``, ``join(",", (proc.name, fd.name))``, ``getopt(proc.args, "ab:")[b]``.

    ``val(proc.pname)`` on the right side is one too, and changes nothing. ``index`` is what stands in brackets behind it.
    """

    name: str
    arguments: "tuple[Operand, ...]"
    index: str | None = None
    at: int = 0


class Group(Struct, frozen=True):
    """A list in parentheses among the arguments of a transformer."""

    items: "tuple[Operand, ...]"
    at: int = 0


class Text(Struct, frozen=True):
    """A string or number among the arguments of a transformer, unescaped."""

    value: str
    at: int = 0


Operand = Field | Call | Group | Text


class Check(Struct, frozen=True):
    """One comparison.

    ``operator`` is one of :data:`OPERATORS`, as written (``=`` and ``==`` mean the same). ``modifier`` is ``oneof``, ``anyof``, ``allof`` or None.
    ``values`` are the texts to compare with, unescaped: none for ``exists``, one for a comparison with one value, any number for a list
    (``is_list``), which a list operator or a modifier has. ``other`` is the right side where it is computed from the event instead.
    A bare name behind a list operator is a list of that one value until the compiler knows better.
    """

    left: Field | Call
    operator: str
    values: tuple[str, ...] = ()
    other: Call | None = None
    modifier: str | None = None
    is_list: bool = False
    at: int = 0


class Name(Struct, frozen=True):
    """A macro, not yet expanded."""

    name: str
    at: int = 0


class Not(Struct, frozen=True):
    inner: "Condition"
    at: int = 0


class And(Struct, frozen=True):
    """At least two parts, judged from left to right."""

    parts: "tuple[Condition, ...]"
    at: int = 0


class Or(Struct, frozen=True):
    """At least two parts, judged from left to right."""

    parts: "tuple[Condition, ...]"
    at: int = 0


Condition = And | Or | Not | Check | Name


UNARY_OPERATORS = ("exists",)
NUMBER_OPERATORS = ("<=", "<", ">=", ">")
STRING_OPERATORS = (
    "==", "=", "!=", "glob", "iglob", "contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "regex",
)  # fmt: skip
LIST_OPERATORS = ("intersects", "in", "pmatch")
OPERATORS = UNARY_OPERATORS + NUMBER_OPERATORS + STRING_OPERATORS + LIST_OPERATORS
MODIFIERS = ("oneof", "anyof", "allof")
TRANSFORMERS = ("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt")

PRIORITIES = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFORMATIONAL", "DEBUG")
"""The most urgent first."""


class Message(Struct, frozen=True):
    """An error or a warning, for a person: what is wrong and what to do. ``item`` is ``rule NAME``, ``macro NAME``, ``list NAME``, ``exception NAME``
    or empty; ``line`` and ``column`` count from 1 and are 0 where the file as a whole is meant. ``code`` is a slug that stays the same."""

    file: str
    line: int
    column: int
    item: str
    message: str
    code: str = ""


class CompiledRule(Struct, frozen=True):
    """A rule that can be judged: exceptions, macros and lists are folded into ``condition``.

    ``priority`` is one of :data:`PRIORITIES`. ``extensions`` holds the keys beyond Falco's (``window``, ``threshold``, ``distinct``, ``sequence``,
    ``unless_seen``, ``count_by``) as they were read: mappings, sequences and the *text* of scalars.
    """

    name: str
    source: str
    condition: Condition
    output: str
    priority: str
    description: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    file: str = ""
    line: int = 0
    column: int = 0
    extensions: Mapping[str, Any] = field(default_factory=dict)
    warn_evttypes: bool = True
    skip_if_unknown_filter: bool = False


class RuleFile(Struct, frozen=True):
    """A rule file in memory: the name to show, and its text."""

    path: str
    text: str


class RuleSet(Struct, frozen=True):
    """What a sequence of rule files comes to. ``rules`` stand in the order of definition, the disabled among them; those with errors are left out.

    ``lists`` are the values of each list, expanded; ``macros`` the expanded conditions, by name.
    """

    rules: Sequence[CompiledRule]
    errors: Sequence[Message]
    warnings: Sequence[Message]
    lists: Mapping[str, Sequence[str]]
    macros: Mapping[str, Condition]
