"""Text to a tree: the grammar of conditions.

The grammar is Falco's (``userspace/libsinsp/filter/parser`` of falcosecurity/libs says it in words and code); so are its freedoms: an operator needs
no space before its value, except where its name is a word that a value could continue.

    Condition      ::= AndExpr ( "or" OrTail )*
    OrTail         ::= Blank AndExpr | "(" Condition ")"
    AndExpr        ::= NotExpr ( "and" AndTail )*
    AndTail        ::= Blank NotExpr | "(" Condition ")"
    NotExpr        ::= ( "not" Space )* ( "not(" Condition ")" | Primary )
    Primary        ::= "(" Condition ")" | Operand Comparison | Identifier            (an identifier names a macro)
    Operand        ::= Field | Transformer
    Field          ::= FieldName ( "[" ( Quoted | BareArgument ) "]" )?
    Transformer    ::= Transform "(" Argument ( "," Argument )* ")" ( "[" ( Quoted | BareArgument ) "]" )?
    Argument       ::= Number | Quoted | "(" ( Item ( "," Item )* )? ")" | Transformer | Field
    Item           ::= Field | Transformer | Quoted | Number
    Comparison     ::= "exists"
                     | NumberOperator ( Number | Computed )
                     | StringOperator ( String | Computed | Modifier List )
                     | ListOperator ( List | Computed )
    List           ::= "(" ( String ( "," String )* )? ")" | Identifier
    Computed       ::= "val(" Field ")" | Transformer
    String         ::= Quoted | Bare
    NumberOperator ::= "<=" | "<" | ">=" | ">"
    StringOperator ::= "==" | "=" | "!="
                     | ( "glob" | "iglob" | "contains" | "icontains" | "bcontains" | "startswith" | "bstartswith" | "endswith" | "regex" ) Blank
    ListOperator   ::= "intersects" | "in" | "pmatch"
    Modifier       ::= "oneof" | "anyof" | "allof"
    Transform      ::= "tolower" | "toupper" | "b64" | "basename" | "len" | "join" | "concat" | "getopt"
    Blank          ::= [ \\t\\b\\r\\n]+           Space  ::= [ \\t\\n\\v\\f\\r]+
    Identifier     ::= [a-zA-Z][a-zA-Z0-9_]*
    FieldName      ::= Identifier ( "." Identifier )+
    Number         ::= 0[xX][0-9a-fA-F]+ | [+-]?[0-9]+[.]?[0-9]*([eE][+-][0-9]+)?
    Quoted         ::= '"' ... '"' | "'" ... "'"  (ends at the first quote without a backslash before it)
    Bare           ::= [^()"'=, and Space]+         BareArgument ::= [^][ "' and Space]+

Blanks may stand before and behind every word and parenthesis, except between a transformer and its parenthesis and around the brackets of a field.
"""

import re
from typing import Final

from seawall.run.detect.language.nearest import hint
from seawall.run.detect.language.tree import (
    LIST_OPERATORS,
    MODIFIERS,
    NUMBER_OPERATORS,
    OPERATORS,
    STRING_OPERATORS,
    TRANSFORMERS,
    And,
    Call,
    Check,
    Condition,
    Field,
    Group,
    Name,
    Not,
    Operand,
    Or,
    Text,
)
from seawall.run.detect.language.values import BadEscape, unescape

MAX_DEPTH: Final = 100
"""Parentheses and transformers inside each other."""
MAX_CHARACTERS: Final = 4 * 2**20
"""Of one condition, its lists written out."""

_BLANK: Final = re.compile("[ \t\b\r\n]+")
_NOT: Final = re.compile("not[ \t\n\v\f\r]+")
_IDENTIFIER: Final = re.compile("[a-zA-Z][a-zA-Z0-9_]*")
_FIELD: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+")
_TRANSFORMER: Final = re.compile(rf"({'|'.join(TRANSFORMERS)})\(")
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?")
_BARE: Final = re.compile("[^()\"' \t\n\v\f\r=,]+")
_BARE_ARGUMENT: Final = re.compile("[^][\"' \t\n\v\f\r]+")
_MODIFIER: Final = re.compile(rf"({'|'.join(MODIFIERS)})(?=[ \t\b\r\n]*\(|[ \t\b\r\n]+(?!(?:and|or)\b)[a-zA-Z])")
_NUMBER_OPERATOR: Final = re.compile("|".join(NUMBER_OPERATORS))
_STRING_OPERATOR: Final = re.compile("|".join(STRING_OPERATORS))
_LIST_OPERATOR: Final = re.compile("|".join(LIST_OPERATORS))
_WORD: Final = re.compile("[^()\"' \t\n\v\f\r,]+")


class ConditionError(ValueError):
    """The text is no condition. ``at`` is the character that is wrong, from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def parse(text: str) -> Condition:
    """The tree of a condition, macros unexpanded. Raises :class:`ConditionError`."""
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(f"the condition has over {MAX_CHARACTERS:,} characters; split it into macros and shorter lists", 0)
    return _Parser(text).condition()


def parse_field(text: str) -> Field | Call:
    """A field or a transformer alone, as outputs and exceptions name it. Raises :class:`ConditionError`."""
    return _Parser(text).field_alone()


class _Parser:
    """Recursive descent over the text; ``at`` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def condition(self) -> Condition:
        if not self.text:
            raise ConditionError("the condition is empty", 0)
        result = self._or()
        if self.at < len(self.text):
            raise self._leftover()
        return result

    def field_alone(self) -> Field | Call:
        operand = self._operand()
        if operand is None or self.at < len(self.text):
            raise ConditionError("a field was expected, like proc.name or proc.aname[2]", self.at)
        return operand

    # words

    def _blank(self) -> bool:
        match = _BLANK.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match is not None

    def _take(self, word: str) -> bool:
        found = self.text.startswith(word, self.at)
        if found:
            self.at += len(word)
        return found

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def _quoted(self) -> str | None:
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"'):
            return None
        start = self.at
        end = self.text.find(quote, start + 1)
        while end >= 0 and self.text[end - 1] == "\\":
            end = self.text.find(quote, end + 1)
        if end < 0:
            raise ConditionError(f"this string has no closing {quote}: add it (a {quote} behind a backslash does not count)", start)
        try:
            value = unescape(self.text[start : end + 1])
        except BadEscape as error:
            raise ConditionError(str(error), start + error.offset) from None
        self.at = end + 1
        return value

    def _nest(self, at: int) -> None:
        self.depth += 1
        if self.depth >= MAX_DEPTH:
            raise ConditionError(f"nested deeper than {MAX_DEPTH} levels; move parts into macros", at)

    # and, or, not

    def _or(self) -> Condition:
        self._blank()
        start = self.at
        parts = [self._and()]
        self._blank()
        while self._take("or"):
            parts.append(self._and() if self._blank() else self._joined("or"))
            self._blank()
        return Or(tuple(parts), start) if len(parts) > 1 else parts[0]

    def _and(self) -> Condition:
        self._blank()
        start = self.at
        parts = [self._not()]
        self._blank()
        while self._take("and"):
            parts.append(self._not() if self._blank() else self._joined("and"))
            self._blank()
        return And(tuple(parts), start) if len(parts) > 1 else parts[0]

    def _joined(self, word: str) -> Condition:
        """What follows directly: ``and(...)``."""
        start = self.at
        if not self._take("("):
            raise ConditionError(f"a space or a parenthesis was expected behind {word!r}", start)
        return self._rest_of_parentheses(start)

    def _not(self) -> Condition:
        self._blank()
        start = self.at
        negated = False
        while self._match(_NOT):
            negated = not negated
        if self._take("not("):
            negated = not negated
            inner = self._rest_of_parentheses(self.at - 1)
        else:
            inner = self._primary()
        return Not(inner, start) if negated else inner

    def _rest_of_parentheses(self, opening: int) -> Condition:
        self._nest(opening)
        inner = self._or()
        self._blank()
        if not self._take(")"):
            if self.at >= len(self.text):
                raise ConditionError("this parenthesis is never closed: add a ')'", opening)
            raise self._leftover("a ')'")
        self.depth -= 1
        return inner

    def _primary(self) -> Condition:
        self._blank()
        start = self.at
        if self._take("("):
            return self._rest_of_parentheses(start)
        operand = self._operand()
        if operand is not None:
            return self._comparison(operand, start)
        name = self._match(_IDENTIFIER)
        if name is not None:
            return Name(name, start)
        raise ConditionError(f"a comparison, a macro or a '(' was expected{self._found()}", start)

    # operands

    def _operand(self) -> Field | Call | None:
        field = self._field()
        return field if field is not None else self._transformer()

    def _field(self) -> Field | None:
        start = self.at
        name = self._match(_FIELD)
        return None if name is None else Field(name, self._brackets(), start)

    def _brackets(self) -> str | None:
        start = self.at
        if not self._take("["):
            return None
        argument = self._quoted()
        if argument is None:
            argument = self._match(_BARE_ARGUMENT)
        if argument is None:
            raise ConditionError(
                f"an argument was expected between the brackets: text without spaces and brackets, or a string{self._found()}", self.at
            )
        if not self._take("]"):
            raise ConditionError("this bracket is not closed behind its argument: add a ']', or quote the argument", start)
        return argument

    def _transformer(self) -> Call | None:
        match = _TRANSFORMER.match(self.text, self.at)
        if match is None:
            return None
        start, self.at = self.at, match.end()
        self._nest(start)
        arguments = [self._argument()]
        self._blank()
        while self._take(","):
            arguments.append(self._argument())
            self._blank()
        self._close(f"{match[1]}(", self.at)
        self.depth -= 1
        return Call(match[1], tuple(arguments), self._brackets(), start)

    def _argument(self) -> Operand:
        self._blank()
        start = self.at
        if not self._take("("):
            return self._item("a field, a transformer, a number, a string in quotes, or a list in parentheses")
        self._nest(start)
        self._blank()
        items: list[Operand] = []
        if not self._take(")"):
            items.append(self._item())
            self._blank()
            while self._take(","):
                self._blank()
                items.append(self._item())
                self._blank()
            self._close("the list", start)
        self.depth -= 1
        return Group(tuple(items), start)

    def _item(self, expected: str = "a field, a transformer, a number, or a string in quotes") -> Operand:
        start = self.at
        operand = self._operand()
        if operand is not None:
            return operand
        value = self._quoted()
        if value is None:
            value = self._match(_NUMBER)
        if value is None:
            raise ConditionError(f"{expected} was expected{self._found()}", start)
        return Text(value, start)

    def _close(self, what: str, at: int) -> None:
        if not self._take(")"):
            raise ConditionError(f"a ')' was expected to close {what}{self._found()}", at)

    # comparisons

    def _comparison(self, left: Field | Call, start: int) -> Check:
        self._blank()
        at = self.at
        if self._take("exists"):
            return Check(left, "exists", at=start)
        operator = self._match(_NUMBER_OPERATOR)
        if operator is not None:
            return self._with_number(left, operator, start)
        operator = self._match(_STRING_OPERATOR)
        if operator is not None and (not operator.isalpha() or self._blank()):
            return self._with_string(left, operator, start)
        if operator is not None and self.at >= len(self.text):
            raise self._missing_value(operator)
        operator = self._match(_LIST_OPERATOR)
        if operator is not None:
            return self._with_list(left, operator, None, start)
        word = self._word(at)
        known = ", ".join(OPERATORS)
        if word in STRING_OPERATORS:
            raise ConditionError(f"a space was expected behind {word!r}", at + len(word))
        found = f"; {word!r} is none{hint(word, OPERATORS)}" if word else ""
        raise ConditionError(f"an operator was expected{found}. Known are: {known}", at)

    def _with_number(self, left: Field | Call, operator: str, start: int) -> Check:
        self._blank()
        other = self._computed()
        if other is not None:
            return Check(left, operator, other=other, at=start)
        value = self._match(_NUMBER)
        if value is None:
            raise ConditionError(f"a number was expected behind {operator!r}{self._found()}; {operator!r} compares numbers only", self.at)
        return Check(left, operator, (value,), at=start)

    def _with_string(self, left: Field | Call, operator: str, start: int) -> Check:
        self._blank()
        modifier = self._match(_MODIFIER)
        if modifier is not None:
            return self._with_list(left, operator, modifier, start)
        other = self._computed()
        if other is not None:
            return Check(left, operator, other=other, at=start)
        value = self._string()
        if value is None:
            raise self._missing_value(operator)
        return Check(left, operator, (value,), at=start)

    def _with_list(self, left: Field | Call, operator: str, modifier: str | None, start: int) -> Check:
        self._blank()
        opening = self.at
        if self._take("("):
            return Check(left, operator, self._rest_of_list(opening), modifier=modifier, is_list=True, at=start)
        other = self._computed()
        if other is not None:
            return Check(left, operator, other=other, modifier=modifier, at=start)
        name = self._match(_IDENTIFIER)
        if name is None:
            raise ConditionError(f"a list in parentheses or the name of a list was expected behind {modifier or operator!r}{self._found()}", self.at)
        return Check(left, operator, (name,), modifier=modifier, is_list=False, at=start)

    def _rest_of_list(self, opening: int) -> tuple[str, ...]:
        self._blank()
        values: list[str] = []
        value = self._string()
        if value is not None:
            values.append(value)
            self._blank()
            while self._take(","):
                self._blank()
                value = self._string()
                if value is None:
                    raise ConditionError(f"a value was expected behind the comma{self._found()}; remove the comma or add one", self.at)
                values.append(value)
                self._blank()
        if not self._take(")"):
            if self.at >= len(self.text):
                raise ConditionError("this list is never closed: add a ')'", opening)
            raise ConditionError(
                f"',' or ')' was expected in the list{self._found()}; quote values that hold spaces, quotes, '=', '(' or ')'", self.at
            )
        return tuple(values)

    def _string(self) -> str | None:
        value = self._quoted()
        return value if value is not None else self._match(_BARE)

    def _computed(self) -> Call | None:
        start = self.at
        if not self._take("val("):
            return self._transformer()
        self._blank()
        field = self._field()
        if field is None:
            raise ConditionError(f"a field was expected inside val(){self._found()}", self.at)
        self._blank()
        self._close("val(", self.at)
        return Call("val", (field,), None, start)

    # complaints

    def _word(self, at: int) -> str:
        match = _WORD.match(self.text, at)
        return match[0] if match else self.text[at : at + 1]

    def _found(self) -> str:
        word = self._word(self.at)
        return f", not {_shown(word)}" if word else ", and here the condition ends"

    def _missing_value(self, operator: str) -> ConditionError:
        return ConditionError(
            f"a value was expected behind {operator!r}{self._found()}; quote values that hold spaces, quotes, '=', ',', '(' or ')'", self.at
        )

    def _leftover(self, closing: str = "the end") -> ConditionError:
        word = self._word(self.at)
        more = "; quote values that hold spaces, quotes, '=', ',', '(' or ')'" if word not in (")", "AND", "OR", "NOT", "&&", "||") else ""
        if word == ")":
            more = ": there is one ')' too many"
        elif word in ("AND", "OR", "&&", "||"):
            more = ": operators are written 'and', 'or' and 'not'"
        return ConditionError(f"'and', 'or' or {closing} was expected, not {_shown(word)}{more}", self.at)


def _shown(word: str) -> str:
    return repr(word if len(word) <= 60 else word[:57] + "...")
