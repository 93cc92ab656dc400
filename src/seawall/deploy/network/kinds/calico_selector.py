r"""Calico's selector language.

    selector   = [ or ]                                   (* empty: all() *)
    or         = and { "||" and }
    and        = operation { "&&" operation }
    operation  = { "!" } ( "(" or ")" | "all()" | "global()" | "has(" label ")" | label test )
    test       = "==" string | "!=" string | "in" set | "not in" set
               | "contains" string | "starts with" string | "ends with" string
    set        = "{" [ string { "," string } [ "," ] ] "}"
    string     = "'" text "'" | '"' text '"'
    label      = ( letter | digit | "_" | "." | "/" | "-" )+              (* at most 512 of them *)

Blanks are spaces and tabs; there is none between the name of a function and its bracket, and there may be none within ``not in`` and its like.
``!=`` and ``not in`` hold where the label is missing, the other tests do not.

In a selector of namespaces ``all()`` means everything that is in a namespace, and ``global()`` what is in none.

Source: the selector syntax of the Calico documentation (reference of GlobalNetworkPolicy).
"""

import re
from typing import Final

from seawall.deploy.network.model import All, Any, Anything, Called, Compare, Expression, Has, Not, Scope

MAX_LENGTH: Final = 10_000
MAX_DEPTH: Final = 100
MAX_LABEL: Final = 512

_TOKEN: Final = re.compile(
    r"""[\ \t]*(
        '[^']*' | "[^"]*"
      | == | != | && | \|\| | ! | \( | \) | \{ | \} | ,
      | (?:has|all|global)\(
      | [A-Za-z0-9_./-]+
    )""",
    re.VERBOSE,
)
_IN_A_NAMESPACE: Final = Has("kubernetes.io/metadata.name", Scope.NAMESPACE)


class BadSelector(ValueError):
    """The text is no selector; the message says where it goes wrong."""


def parse(text: str, scope: Scope) -> Expression:
    """The expression of a selector over the labels of ``scope``. ``global()`` means what is in no namespace. Raises :class:`BadSelector`."""
    if len(text) > MAX_LENGTH:
        raise BadSelector(f"a selector of more than {MAX_LENGTH} characters")
    tokens = _tokens(text)
    if not tokens:
        return Anything()
    parser = _Parser(tokens, scope)
    expression = parser.alternatives(0)
    if parser.rest():
        raise BadSelector(f"nothing more was expected at {parser.rest()[0]!r}")
    return expression


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    place, end = 0, len(text.rstrip(" \t"))
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise BadSelector(f"{text[place : place + 20].strip()!r} is not understood")
        found.append(match[1])
        place = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str], scope: Scope) -> None:
        self._tokens = tokens
        self._place = 0
        self._scope = scope

    def rest(self) -> list[str]:
        return self._tokens[self._place :]

    def alternatives(self, depth: int) -> Expression:
        parts = [self._conjunction(depth)]
        while self._take("||"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _conjunction(self, depth: int) -> Expression:
        parts = [self._operation(depth)]
        while self._take("&&"):
            parts.append(self._operation(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _operation(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise BadSelector(f"nested more than {MAX_DEPTH} deep")
        if self._take("!"):
            return Not(self._operation(depth + 1))
        if self._take("("):
            inner = self.alternatives(depth + 1)
            self._expect(")")
            return inner
        word = self._next("a label or a function")
        return self._function(word) if word.endswith("(") else self._test(_label(word))

    def _function(self, name: str) -> Expression:
        label = _label(self._next("a label")) if name == "has(" else ""
        self._expect(")")
        match name:
            case "has(":
                return self._has(label)
            case "all(":
                return _IN_A_NAMESPACE if self._scope is Scope.NAMESPACE else Anything()
            case _:
                return Not(_IN_A_NAMESPACE)

    def _test(self, label: str) -> Expression:
        how = self._next("a test")
        if how in ("not", "starts", "ends"):
            how += self._next("a test")
        match how:
            case "==":
                return self._compare(label, (self._string(),))
            case "!=":
                return Not(self._compare(label, (self._string(),)))
            case "in":
                return self._compare(label, self._set())
            case "notin":
                return Not(self._compare(label, self._set()))
            case "contains":
                return self._compare(label, (self._string(),), "contains")
            case "startswith" | "endswith":
                return self._compare(label, (self._string(),), how.replace("with", "-with"))
            case _:
                raise BadSelector(f"a test was expected after {label} instead of {how!r}")

    def _compare(self, label: str, values: tuple[str, ...], how: str = "in") -> Expression:
        key, scope = _meant(label, self._scope)
        if key == "projectcalico.org/serviceaccount" and scope is Scope.POD and how == "in":
            return Called(values, Scope.SERVICE_ACCOUNT)
        return Compare(key, tuple(sorted(values)), scope, how)

    def _has(self, label: str) -> Expression:
        key, scope = _meant(label, self._scope)
        return Has(key, scope)

    def _set(self) -> tuple[str, ...]:
        self._expect("{")
        found: list[str] = []
        while not self._take("}"):
            found.append(self._string())
            if not self._take(","):
                self._expect("}")
                break
        return tuple(found)

    def _string(self) -> str:
        token = self._next("a quoted text")
        if token[0] not in "'\"":
            raise BadSelector(f"a quoted text was expected instead of {token!r}")
        return token[1:-1]

    def _next(self, wanted: str) -> str:
        if self._place >= len(self._tokens):
            raise BadSelector(f"{wanted} was expected at the end")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, token: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == token:
            self._place += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        found = self._next(repr(token))
        if found != token:
            raise BadSelector(f"{token!r} was expected instead of {found!r}")


def _label(token: str) -> str:
    if not (token[0].isalnum() or token[0] in "_./-") or token.endswith("("):
        raise BadSelector(f"a label was expected instead of {token!r}")
    if len(token) > MAX_LABEL:
        raise BadSelector(f"a label of more than {MAX_LABEL} characters")
    return token


def _meant(label: str, scope: Scope) -> tuple[str, Scope]:
    """The labels that Calico itself puts on namespaces and pods, as those of the model."""
    if scope is Scope.NAMESPACE and label == "projectcalico.org/name":
        return "kubernetes.io/metadata.name", Scope.NAMESPACE
    if scope is Scope.POD and label == "projectcalico.org/namespace":
        return "kubernetes.io/metadata.name", Scope.NAMESPACE
    if scope is Scope.POD and label.startswith("pcns."):
        return _meant(label.removeprefix("pcns."), Scope.NAMESPACE)
    if scope is Scope.POD and label.startswith("pcsa."):
        return label.removeprefix("pcsa."), Scope.SERVICE_ACCOUNT
    return label, scope
