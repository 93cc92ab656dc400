"""Which groups an expression means: each distinct expression once, over columns of labels."""

import re
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
    Not,
    Scope,
    Selected,
    Within,
)
from seawall.deploy.network.universe import Group, contains, holds, interval

Vector = NDArray[np.bool_]
Column = tuple[NDArray[np.int32], list[str]]

_TESTS: Final[Mapping[str, Callable[[str, tuple[str, ...]], bool]]] = {
    "in": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: any(part in value for part in wanted),
    "starts-with": lambda value, wanted: value.startswith(wanted),
    "ends-with": lambda value, wanted: value.endswith(wanted),
}


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
        self._vectors: dict[Expression, Vector] = {}
        self._held = self._membership()

    def vector(self, expression: Expression) -> Vector:
        """Which groups an expression means."""
        return self._of(expression)[: len(self._groups)]

    def _of(self, expression: Expression) -> Vector:
        """The same for groups and sets."""
        found = self._vectors.get(expression)
        if found is None:
            found = self._vectors[expression] = self._evaluate(expression)
        return found

    def _evaluate(self, expression: Expression) -> Vector:
        size = len(self._subjects)
        match expression:
            case Anything():
                return np.ones(size, dtype=np.bool_)
            case Not(inner):
                return ~self._of(inner)
            case All(parts):
                every: Vector = np.all([np.ones(size, dtype=np.bool_), *map(self._of, parts)], axis=0)
                return every
            case Any(parts):
                some: Vector = np.any([np.zeros(size, dtype=np.bool_), *map(self._of, parts)], axis=0)
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
            case Within():
                return np.array([any(holds(expression, interval(network)) for network in subject.addresses) for subject in self._subjects])

    def _selected(self, direct: Vector) -> Vector:
        """Pods and nodes by their own labels, and whatever lies in a set that meets them."""
        outside = list(EndpointKind).index(EndpointKind.OUTSIDE)
        found: Vector = direct & (self._kinds != outside)
        for place, held in enumerate(self._held):
            if direct[len(self._groups) + place]:
                found[: len(self._groups)] |= held
        return found

    def _membership(self) -> list[Vector]:
        """For each network set the groups whose address it holds."""
        return [
            np.array(
                [any(contains(item.addresses, interval(network)) for network in group.endpoint.addresses) for group in self._groups], dtype=np.bool_
            )
            for item in self._sets
        ]

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
