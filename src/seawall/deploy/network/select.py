"""Which groups an expression means: each distinct expression once, over columns of labels."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import translate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.deploy.network.model import (
    All,
    Any,
    Anything,
    Called,
    Cluster,
    Compare,
    Endpoint,
    EndpointKind,
    Expression,
    Has,
    Kind,
    Network,
    Not,
    Scope,
    Selected,
    Within,
)
from seawall.deploy.network.universe import Group, interval

Vector = NDArray[np.bool_]
Places = NDArray[np.intp]
Column = tuple[NDArray[np.int32], list[str]]

_TESTS: Final[Mapping[str, Callable[[str, tuple[str, ...]], bool]]] = {
    "in": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: any(part in value for part in wanted),
    "starts-with": lambda value, wanted: value.startswith(wanted),
    "ends-with": lambda value, wanted: value.endswith(wanted),
}


class _Addresses:
    """The addresses of all subjects in their order, so that those in a network stand together."""

    def __init__(self, subjects: Sequence[Endpoint]) -> None:
        self._of: dict[int, tuple[list[int], list[int], Places, Places]] = {}
        given = [(*interval(network), place) for place, subject in enumerate(subjects) for network in subject.addresses]
        for version in {version for version, *_ in given}:
            rows = sorted((first, last, place) for own, first, last, place in given if own == version)
            firsts, lasts = [first for first, _, _ in rows], sorted(last for _, last, _ in rows)
            ranks = np.array([bisect_left(lasts, last) for _, last, _ in rows], dtype=np.intp)  # addresses of IPv6 are too long for numpy
            self._of[version] = firsts, lasts, ranks, np.array([place for _, _, place in rows], dtype=np.intp)

    def within(self, networks: Iterable[Network], excepts: Iterable[Network]) -> Places:
        """The places of those with an address in one of the networks and in none of ``excepts``."""
        found = {version: np.zeros(len(places), dtype=np.bool_) for version, (_, _, _, places) in self._of.items()}
        for chosen, value in ((networks, True), (excepts, False)):
            for version, low, high in map(interval, chosen):
                if version in self._of:
                    firsts, lasts, ranks, _ = self._of[version]
                    start, end = bisect_left(firsts, low), bisect_right(firsts, high)
                    found[version][start:end][ranks[start:end] < bisect_right(lasts, high)] = value
        return np.concatenate([np.empty(0, dtype=np.intp), *(self._of[version][3][hits] for version, hits in found.items())])


class Selection:
    """The groups of a cluster and, for each expression that is asked for, which of them it means (``vector[n]`` for ``groups[n]``).

    Groups with addresses are also members of the network sets that hold them; what a set's labels say then holds for them where an expression
    is :class:`Selected`.
    """

    def __init__(self, cluster: Cluster, groups: Sequence[Group]) -> None:
        self._cluster = cluster
        self._groups = groups
        self._sets = [endpoint for endpoint in cluster.endpoints if endpoint.kind is EndpointKind.SET]
        self._subjects: list[Endpoint] = [*(group.endpoint for group in groups), *self._sets]
        self._columns: dict[tuple[Scope, str], Column] = {}
        self._names: dict[Scope, Column] = {}
        self._kinds = np.array([list(EndpointKind).index(subject.kind) for subject in self._subjects], dtype=np.int8)
        self._is_pod: Vector = np.isin(self._kinds, [list(EndpointKind).index(kind) for kind in (EndpointKind.POD, EndpointKind.ENTRY)])
        self._addresses = _Addresses(self._subjects)
        self._bits: dict[Expression, NDArray[np.uint8]] = {}  # the vectors, eight to a byte: there may be thousands
        self._held = np.array([self._within(item.addresses) for item in self._sets], dtype=np.bool_).reshape(len(self._sets), len(self._subjects))

    def vector(self, expression: Expression) -> Vector:
        """Which groups an expression means."""
        return self._of(expression)[: len(self._groups)]

    def means(self, expression: Expression, group: int) -> bool:
        """Whether an expression means the group of that number."""
        if expression not in self._bits:
            self._of(expression)
        return bool(self._bits[expression][group >> 3] >> (7 - (group & 7)) & 1)

    def _of(self, expression: Expression) -> Vector:
        """The same for groups and sets."""
        bits = self._bits.get(expression)
        if bits is not None:
            return np.unpackbits(bits, count=len(self._subjects)).view(np.bool_)
        found = self._evaluate(expression)
        self._bits[expression] = np.packbits(found)
        return found

    def _evaluate(self, expression: Expression) -> Vector:
        size = len(self._subjects)
        match expression:
            case Anything():
                return np.ones(size, dtype=np.bool_)
            case Not(inner):
                return ~self._of(inner)
            case All(parts):
                every = np.ones(size, dtype=np.bool_)
                for part in parts:
                    every &= self._of(part)
                return every
            case Any(parts):
                some = np.zeros(size, dtype=np.bool_)
                for part in parts:
                    some |= self._of(part)
                return some
            case Has(key, scope):
                return self._column(scope, key)[0] > 0
            case Compare(key, values, scope, how):
                codes, texts = self._column(scope, key)
                test = _TESTS[how]
                return np.array([False, *(test(text, values) for text in texts)], dtype=np.bool_)[codes]
            case Kind(kinds):
                return np.isin(self._kinds, [list(EndpointKind).index(kind) for kind in kinds])
            case Called(names, scope):
                return self._called(names, scope)
            case Selected(inner):
                return self._selected(self._of(inner))
            case Within(networks, excepts):
                return self._within(networks, excepts)

    def _selected(self, direct: Vector) -> Vector:
        """Pods by their own labels, and whatever lies in a set that meets them. Nodes and names have no labels that a policy could mean so."""
        held = np.any(self._held[direct[len(self._groups) :]], axis=0)
        found: Vector = (direct & self._is_pod) | held
        return found

    def _within(self, networks: Iterable[Network], excepts: Iterable[Network] = ()) -> Vector:
        found = np.zeros(len(self._subjects), dtype=np.bool_)
        found[self._addresses.within(networks, excepts)] = True
        return found

    def _column(self, scope: Scope, key: str) -> Column:
        """A label as numbers: 0 where it is missing, otherwise 1 more than the place of its value in the list."""
        found = self._columns.get((scope, key))
        if found is None:
            found = self._columns[scope, key] = _encoded(self._labels(scope, subject).get(key) for subject in self._subjects)
        return found

    def _labels(self, scope: Scope, subject: Endpoint) -> Mapping[str, str]:
        match scope:
            case Scope.POD:
                return subject.labels
            case Scope.NAMESPACE:
                return self._cluster.namespaces.get(subject.namespace, {}) if subject.namespace else {}
            case Scope.SERVICE_ACCOUNT:
                return self._cluster.service_accounts.get(f"{subject.namespace}/{subject.service_account}", {})
            case Scope.NODE:
                return self._cluster.nodes.get(subject.node, {})

    def _called(self, names: Sequence[str], scope: Scope) -> Vector:
        codes, texts = self._name_column(scope)
        if scope is Scope.POD:
            matchers = [re.compile(translate(name)).match for name in names]
            return np.array([False, *(any(matches(text) for matches in matchers) for text in texts)], dtype=np.bool_)[codes]
        wanted = set(names)
        return np.array([False, *(text in wanted for text in texts)], dtype=np.bool_)[codes]

    def _name_column(self, scope: Scope) -> Column:
        """The names that an endpoint is called by, as numbers; the empty name is none."""
        found = self._names.get(scope)
        if found is None:
            found = self._names[scope] = _encoded(_NAMES[scope](subject) or None for subject in self._subjects)
        return found


_NAMES: Final[Mapping[Scope, Callable[[Endpoint], str]]] = {
    Scope.POD: lambda subject: subject.name if subject.kind is EndpointKind.NAME else "",
    Scope.NAMESPACE: lambda subject: subject.namespace,
    Scope.SERVICE_ACCOUNT: lambda subject: subject.service_account,
    Scope.NODE: lambda subject: subject.node,
}


def _encoded(values: Iterable[str | None]) -> Column:
    """Texts as numbers: 0 for ``None``, otherwise 1 more than the place of the text in the list."""
    numbers: dict[str | None, int] = {None: 0}
    codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), dtype=np.int32)
    return codes, [text for text in numbers if text is not None]
