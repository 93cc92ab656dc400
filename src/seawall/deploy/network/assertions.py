r"""Assertions: what somebody wants to be true of a network, in words that a program can read.

    no pod in ns shop reaches ns db on any port but 5432
    only ns monitoring or workload shop/gateway reaches ns shop on TCP 9090
    pods with tier=front reach workload shop/api on 8080
    every pod in ns shop is isolated for ingress and egress

Grammar (EBNF; words in any case; ``"quoted"`` words are names, whatever they spell; lists take ``,``, ``and`` or ``or``):

    assertion  = subject ( verb [ "only" ] ends [ "on" ports ] | ( "is" | "are" ) "isolated" [ "for" direction { list direction } ] )
    subject    = "nothing" [ beyond ] | "no" ends | "only" ends | [ quantifier ] ends
    quantifier = "every" | "all" | "each" | "any" | "some"
    verb       = [ "can" | "may" | "must" | "do" | "does" ] [ "not" ] ( "reach" | "reaches" ) | "cannot" ( "reach" )
    ends       = [ "some" | "every" | "all" | "each" | "any" ] end { list end }
    end        = ( "pod" | "pods" ) { "with" labels | "in" space | "outside" space }
               | ( "ns" | "namespace" | "namespaces" ) ( names | "with" labels ) [ "with" labels ]
               | ( "workload" | "pod" ) NAMESPACE/NAME | NAMESPACE/NAME
               | ( "anything" | "everything" ) [ beyond ] | [ "the" ] "outside"
               | ( "node" | "nodes" ) [ NAME ] | "ingress-controller" | ADDRESS | CIDR
    beyond     = "outside" [ space ] | "in" space | "with" labels
    space      = [ "ns" | "namespace" | "namespaces" ] ( names | "with" labels )
    names      = NAME { list NAME }
    labels     = label { "," label }
    label      = KEY | "!" KEY | KEY "=" VALUE | KEY "!=" VALUE
    direction  = "ingress" | "egress"
    ports      = port { list port } [ ( "but" | "except" ) port { list port } ]
    port       = ( "any" | "every" | "all" ) ( "port" | "ports" )
               | ( "TCP" | "UDP" | "SCTP" | "ICMP" | "ICMPv6" ) [ range ] | [ "port" | "ports" ] range
    range      = NUMBER [ "-" NUMBER ]

Meaning:

* ``pods`` are all pods, those on the host's network among them; ``ns a`` is ``pods in ns a``. ``outside`` is every address that is no known pod's or
  node's, the DNS names that policies speak of, and, as a source, ``{ingress-controller}``: what it forwards comes from outside.
* ``no A reaches B``, ``nothing``, ``A cannot reach B``: there is no such pair on any of the ports. ``only A reaches B``: nothing else does;
  ``A reaches only B``: and nothing else.
* ``A reaches B``: each of A reaches each of B, on all of the ports; without ports, on one at least. ``some`` asks for one instead of each.
* A protocol holds for the numbers after it (``TCP 80, 443``). A number without one means TCP where something is to be reached, and every protocol
  where nothing is. Without ports, a negative speaks of everything. A pod reaches itself always, and is not asked.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_network
from typing import Final

from msgspec import Struct

from seawall.deploy.network.atoms import MAX_ICMP, MAX_PORT, TRANSPORT
from seawall.deploy.network.kinds.selectors import both
from seawall.deploy.network.model import (
    Any,
    Called,
    Compare,
    Direction,
    EndpointKind,
    Expression,
    Has,
    Kind,
    Network,
    Not,
    PortRange,
    Protocol,
    Scope,
)

MAX_LENGTH: Final = 2_000  # characters of one assertion
_ORDER: Final = tuple(Protocol)
_ICMP: Final = (Protocol.ICMP, Protocol.ICMPV6)
PODS: Final = Kind((EndpointKind.POD, EndpointKind.HOST))
OUTSIDE: Final = Kind((EndpointKind.OUTSIDE, EndpointKind.NAME, EndpointKind.ENTRY))


class Misread(Exception):
    """An assertion that is none. ``column`` counts from 1; the message says what is allowed there."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column
        self.message = message


class End(Struct, frozen=True):
    """Who is meant: what meets ``expression`` and, where that is given, is called ``name`` (``NAMESPACE/NAME``) or is in ``network``."""

    expression: Expression = PODS
    name: str = ""
    network: Network | None = None


class Ends(Struct, frozen=True):
    """Any of these; ``some`` asks for one of them where otherwise each is meant. ``negated`` means all others."""

    ends: tuple[End, ...]
    some: bool = False
    negated: bool = False
    text: str = ""


class Reaches(Struct, frozen=True):
    """``source`` reaches ``destination`` on ``ports``, or, ``negative``, no such pair does. ``ports`` are ``None`` where none were said."""

    text: str
    source: Ends
    destination: Ends
    ports: tuple[PortRange, ...] | None
    negative: bool


class Isolated(Struct, frozen=True):
    """Each of ``subject`` is isolated: what no rule allows is denied."""

    text: str
    subject: Ends
    directions: tuple[Direction, ...]


Assertion = Reaches | Isolated


def parse(text: str) -> Assertion:
    """An assertion from its words. Raises :class:`Misread`."""
    if len(text) > MAX_LENGTH:
        raise Misread(MAX_LENGTH, f"an assertion has at most {MAX_LENGTH} characters")
    return _Parser(text).assertion()


class _Word(Struct, frozen=True):
    text: str
    column: int
    is_quoted: bool = False

    @property
    def key(self) -> str:
        """The word as the grammar knows it; a quoted one is no word of the grammar."""
        return "" if self.is_quoted else self.text.lower()


_WORDS: Final = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<comma>,)|(?P<word>[^\s,"]+)|(?P<bad>"))')
_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?").fullmatch
_NAME_OF_NODE: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?").fullmatch
_PATH: Final = re.compile(r"[^/\s]+/[^/\s]+").fullmatch
_RANGE: Final = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?").fullmatch
_KEY: Final = r"(?:[a-zA-Z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_LABEL: Final = re.compile(rf"(?P<no>!)?(?P<key>{_KEY})(?:(?P<how>!=|==?)(?P<value>[A-Za-z0-9_.-]*))?").fullmatch

_LIST: Final = {",", "and", "or"}
_NAMESPACES: Final = {"ns", "namespace", "namespaces"}
_EVERY: Final = {"every", "all", "each", "any"}
_ISOLATION: Final = {"is", "are"}
_AUXILIARIES: Final = {"can", "may", "must", "do", "does"}
_REACH: Final = {"reach", "reaches"}
_VERBS: Final = {*_REACH, *_AUXILIARIES, *_ISOLATION, "cannot", "not"}
_ENDS: Final = {"pod", "pods", "workload", "anything", "everything", "the", "outside", "node", "nodes", "ingress-controller", *_NAMESPACES}
_RESERVED: Final = {*_LIST, *_EVERY, *_VERBS, *_ENDS, "some", "on", "with", "in", "but", "except", "nothing", "no", "only"}
_PROTOCOLS: Final = {protocol.value.lower(): protocol for protocol in Protocol}
_DIRECTIONS: Final = {direction.value: direction for direction in Direction}


class _Parser:
    """One method for each rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = " ".join(text.split())
        self._words = _words(text)
        self._place = 0
        self._end = len(text.rstrip()) + 1

    def assertion(self) -> Assertion:
        if not self._words:
            raise Misread(1, "an assertion is expected, such as: no pod in ns a reaches ns b on any port but 443")
        negative, only = False, False
        if self._accept("nothing"):
            negative = True
            source = Ends((self._beyond(),))
        else:
            negative = self._accept("no")
            only = not negative and self._accept("only")
            source = self._ends()
        source = _with(source, text=self._said(0))
        if self._peek().key in _ISOLATION:
            return self._isolated(source, plain=not (negative or only or source.some))
        denied = self._verb()
        if denied and (negative or only or source.some):
            raise self._misread("two negatives, or 'some' with 'not', may be understood in two ways: say it in one", self._place - 1)
        narrow = self._accept("only")
        if narrow and (negative or denied or only or source.some):
            raise self._misread("'only' has its place once, and in no negative", self._place - 1)
        start = self._place
        destination = self._ends()
        destination = _with(destination, text=self._said(start), negated=narrow)
        negative = negative or denied or only or narrow
        if negative and (source.some or destination.some):
            raise self._misread("'some' has no place in a negative: 'no A reaches B' already speaks of all", self._place - 1)
        ports = self._ports(negative=negative) if self._accept("on") else None
        self._finish("'on' and ports, or the end" if ports is None else "the end")
        return Reaches(self._text, _with(source, negated=only), destination, ports, negative)

    def _isolated(self, subject: Ends, *, plain: bool) -> Isolated:
        if not plain:
            raise self._misread("only 'every ... is isolated' can be said")
        self._take()
        self._expect("isolated")
        found: dict[Direction, None] = {}
        if self._accept("for"):
            found[self._direction()] = None
            while self._peek().key in _LIST:
                self._take()
                found[self._direction()] = None
        self._finish("'for ingress', 'for egress' or the end" if not found else "the end")
        return Isolated(self._text, subject, tuple(found or Direction))

    def _direction(self) -> Direction:
        word = self._peek()
        if word.key not in _DIRECTIONS:
            raise self._misread("'ingress' or 'egress' is expected")
        self._take()
        return _DIRECTIONS[word.key]

    def _verb(self) -> bool:
        """Whether it is denied."""
        denied = self._accept("cannot")
        if not denied and self._peek().key in _AUXILIARIES:
            self._take()
            denied = self._accept("not")
        if self._peek().key not in _REACH:
            raise self._misread("'reaches', 'cannot reach' or 'is isolated' is expected")
        self._take()
        return denied

    def _ends(self) -> Ends:
        some = self._accept("some")
        if not some and self._peek().key in _EVERY:
            self._take()
        found = [self._end_()]
        while self._peek().key in _LIST:
            self._take()
            found.append(self._end_())
        return Ends(tuple(found), some)

    def _end_(self) -> End:
        word = self._peek()
        match word.key:
            case "pod" | "pods":
                self._take()
                return End(name=self._take().text) if _is_path(self._peek()) else End(both(PODS, *self._qualities()))
            case "ns" | "namespace" | "namespaces":
                self._take()
                space = self._space()
                return End(both(PODS, space, *(self._labels(Scope.POD) if self._accept("with") else ())))
            case "workload":
                self._take()
                if not _is_path(self._peek()):
                    raise self._misread("NAMESPACE/NAME is expected")
                return End(name=self._take().text)
            case "anything" | "everything":
                self._take()
                return self._beyond()
            case "the" | "outside":
                self._accept("the")
                self._expect("outside")
                return End(OUTSIDE)
            case "node" | "nodes":
                self._take()
                name = self._take().text if self._is_name(_NAME_OF_NODE) else ""
                nodes = Kind((EndpointKind.NODE,))
                return End(both(nodes, Called((name,), Scope.NODE)) if name else nodes)
            case "ingress-controller" | "{ingress-controller}":
                self._take()
                return End(Kind((EndpointKind.ENTRY,)))
        with suppress(ValueError):
            network = ip_network(word.text, strict=False)
            self._take()
            return End(Kind((EndpointKind.POD, EndpointKind.HOST, EndpointKind.NODE, EndpointKind.OUTSIDE)), network=network)
        if _is_path(word):
            return End(name=self._take().text)
        raise self._misread("pods, ns NAME, workload NAMESPACE/NAME, outside, anything, nodes, an address or a CIDR is expected")

    def _beyond(self) -> End:
        """Everything, or what of it is outside of a namespace."""
        if self._accept("outside"):
            at_space = self._peek().key in _NAMESPACES or self._is_name(_NAME)
            return End(Not(both(PODS, self._space()))) if at_space else End(OUTSIDE)
        if self._peek().key in ("in", "with"):
            return End(both(PODS, *self._qualities()))
        return End(Not(Any(())))

    def _qualities(self) -> Iterable[Expression]:
        found: list[Expression] = []
        while True:
            if self._accept("with"):
                found += self._labels(Scope.POD)
            elif self._accept("in"):
                found.append(self._space())
            elif self._accept("outside"):
                found.append(Not(self._space()))
            else:
                return found

    def _space(self) -> Expression:
        """Namespaces by name or by label."""
        if self._peek().key in _NAMESPACES:
            self._take()
        if self._accept("with"):
            return both(*self._labels(Scope.NAMESPACE))
        if not self._is_name(_NAME):
            raise self._misread("the name of a namespace, or 'with' and a label, is expected")
        names = [self._take().text]
        while self._peek().key in _LIST and self._is_name(_NAME, ahead=1):
            self._take()
            names.append(self._take().text)
        return Called(tuple(names), Scope.NAMESPACE)

    def _labels(self, scope: Scope) -> list[Expression]:
        found = [self._label(scope)]
        while self._peek().key == "," and _LABEL(self._peek(1).text) and self._peek(1).key not in _RESERVED:
            self._take()
            found.append(self._label(scope))
        return found

    def _label(self, scope: Scope) -> Expression:
        word = self._peek()
        read = _LABEL(word.text) if word.key not in _RESERVED else None
        if read is None or (read["no"] and read["how"]):
            raise self._misread("a label is expected: KEY=VALUE, KEY!=VALUE, KEY or !KEY")
        self._take()
        if read["how"] is None:
            return Not(Has(read["key"], scope)) if read["no"] else Has(read["key"], scope)
        here = Compare(read["key"], (read["value"],), scope)
        return Not(here) if read["how"] == "!=" else here

    def _ports(self, *, negative: bool) -> tuple[PortRange, ...]:
        sticky: list[Protocol | None] = [None]
        start = self._place
        wanted = self._port_list(sticky, negative=negative)
        gone = self._port_list(sticky, negative=negative) if self._accept("but") or self._accept("except") else []
        left = without(wanted, gone)
        if not left:
            raise self._misread("no port is left", start)
        return left

    def _port_list(self, sticky: list[Protocol | None], *, negative: bool) -> list[PortRange]:
        found = self._port(sticky, negative=negative)
        while self._peek().key in _LIST:
            self._take()
            found += self._port(sticky, negative=negative)
        return found

    def _port(self, sticky: list[Protocol | None], *, negative: bool) -> list[PortRange]:
        word = self._peek()
        if word.key in _EVERY and self._peek(1).key in ("port", "ports"):
            self._take()
            self._take()
            return [PortRange(protocol, 1, MAX_PORT) for protocol in TRANSPORT]
        if word.key in _PROTOCOLS:
            self._take()
            named = sticky[0] = _PROTOCOLS[word.key]
            if self._peek().key in ("port", "ports"):
                self._take()
            elif not _RANGE(self._peek().text):
                return [PortRange(named, *_bounds(named))]
        elif word.key in ("port", "ports"):
            self._take()
        protocols = (sticky[0],) if sticky[0] is not None else TRANSPORT if negative else (Protocol.TCP,)
        first, last = self._range(protocols[0])
        return [PortRange(protocol, first, last) for protocol in protocols]

    def _range(self, protocol: Protocol) -> tuple[int, int]:
        low, high = _bounds(protocol)
        read = _RANGE(self._peek().text) if not self._peek().is_quoted else None
        first = int(read["first"]) if read else -1
        last = int(read["last"] or first) if read else -1
        if not low <= first <= last <= high:
            what = "a port" if protocol in TRANSPORT else "a type"
            raise self._misread(f"{what} from {low} to {high}, a range such as 8000-8100, a protocol or 'any port' is expected")
        self._take()
        return first, last

    # The words

    def _peek(self, ahead: int = 0) -> _Word:
        place = self._place + ahead
        return self._words[place] if place < len(self._words) else _Word("", self._end)

    def _take(self) -> _Word:
        word = self._peek()
        self._place += 1
        return word

    def _accept(self, key: str) -> bool:
        if self._peek().key != key:
            return False
        self._place += 1
        return True

    def _expect(self, key: str) -> None:
        if not self._accept(key):
            raise self._misread(f"'{key}' is expected")

    def _is_name(self, shape: Callable[[str], object], ahead: int = 0) -> bool:
        word = self._peek(ahead)
        return bool(shape(word.text)) and (word.is_quoted or word.key not in _RESERVED)

    def _finish(self, allowed: str) -> None:
        if self._place < len(self._words):
            raise self._misread(f"{allowed} is expected")

    def _misread(self, message: str, place: int | None = None) -> Misread:
        word = self._peek() if place is None else self._peek(place - self._place)
        found = f", not {word.text!r}" if word.text else ", and here it ends"
        return Misread(word.column, message + (found if message.endswith("expected") else ""))

    def _said(self, start: int) -> str:
        return " ".join(word.text for word in self._words[start : self._place]).replace(" ,", ",")


def _words(text: str) -> Sequence[_Word]:
    found: list[_Word] = []
    place = 0
    while read := _WORDS.match(text, place):
        place = read.end()
        if read["bad"]:
            raise Misread(read.start("bad") + 1, "the quotation mark is never closed")
        kind = read.lastgroup or "word"
        found.append(_Word(read[kind], read.start(kind) + 1, kind == "quoted"))
    return found


def _is_path(word: _Word) -> bool:
    return bool(_PATH(word.text))


def _bounds(protocol: Protocol) -> tuple[int, int]:
    return (0, MAX_ICMP) if protocol in _ICMP else (1, MAX_PORT)


def _with(ends: Ends, *, text: str = "", negated: bool = False) -> Ends:
    return Ends(ends.ends, ends.some, negated or ends.negated, text or ends.text)


def without(wanted: Iterable[PortRange], gone: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Ranges less other ranges, sorted, each port once."""
    left: list[PortRange] = []
    for item in sorted(wanted, key=lambda item: (_ORDER.index(item.protocol), item.first)):
        if left and left[-1].protocol is item.protocol and item.first <= left[-1].last + 1:
            left[-1] = PortRange(item.protocol, left[-1].first, max(left[-1].last, item.last))
        else:
            left.append(item)
    for hole in gone:
        pieces: list[PortRange] = []
        for item in left:
            if item.protocol is not hole.protocol or hole.last < item.first or item.last < hole.first:
                pieces.append(item)
                continue
            if item.first < hole.first:
                pieces.append(PortRange(item.protocol, item.first, hole.first - 1))
            if hole.last < item.last:
                pieces.append(PortRange(item.protocol, hole.last + 1, item.last))
        left = pieces
    return tuple(left)
