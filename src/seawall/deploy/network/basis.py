"""What of a judgement holds whatever the policies are: the groups of endpoints, and which of them each expression means.

It is kept with a judgement, so that the next one, after a policy has changed, need not begin anew.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seawall.deploy.network.model import Cluster, Expression, PortMatch, Within
from seawall.deploy.network.select import Selection
from seawall.deploy.network.universe import Group, groups, networks_of

_CHUNK: Final = 512  # expressions at a time, a multiple of 8


class Basis(Struct, frozen=True):
    """``columns`` has a row of bits for each group, and ``place_of`` tells which of them an expression has. ``matches`` are the ports that matter."""

    cluster: Cluster
    versions: tuple[int, ...]
    groups: tuple[Group, ...]
    selection: Selection
    withins: frozenset[Within]
    matches: tuple[PortMatch, ...]
    place_of: dict[Expression, int]
    columns: NDArray[np.uint8]


def basis(
    cluster: Cluster, expressions: Sequence[Expression], matches: Iterable[PortMatch], versions: Sequence[int], before: Basis | None = None
) -> Basis:
    """The basis for these expressions and ports: ``before`` with what is new, where it is one of the same endpoints and networks."""
    withins = frozenset(within for expression in expressions for within in networks_of(expression))
    if before is None or not _serves(before, cluster, withins, versions):
        found = groups(cluster, expressions, versions)
        selection = Selection(cluster, found)
        place_of = {expression: place for place, expression in enumerate(expressions)}
        columns = _columns(expressions, selection, len(found))
        return Basis(cluster, tuple(versions), found, selection, withins, tuple(dict.fromkeys(matches)), place_of, columns)
    added = [expression for expression in expressions if expression not in before.place_of]
    start = 8 * before.columns.shape[1]
    place_of = {**before.place_of, **{expression: start + place for place, expression in enumerate(added)}}
    columns = np.concatenate([before.columns, _columns(added, before.selection, len(before.groups))], axis=1)
    known = tuple(dict.fromkeys((*before.matches, *matches)))
    return Basis(cluster, before.versions, before.groups, before.selection, before.withins, known, place_of, columns)


def _serves(before: Basis, cluster: Cluster, withins: frozenset[Within], versions: Sequence[int]) -> bool:
    old = before.cluster
    return (
        withins <= before.withins
        and tuple(versions) == before.versions
        and (old.endpoints, old.namespaces, old.service_accounts, old.nodes)
        == (cluster.endpoints, cluster.namespaces, cluster.service_accounts, cluster.nodes)
    )


def _columns(expressions: Sequence[Expression], selection: Selection, size: int) -> NDArray[np.uint8]:
    """For each group which expressions mean it, one bit for each."""
    columns = np.empty((size, -(-len(expressions) // 8)), dtype=np.uint8)
    for start in range(0, len(expressions), _CHUNK):
        chunk = np.array([selection.vector(expression) for expression in expressions[start : start + _CHUNK]])
        columns[:, start // 8 : (start + len(chunk) + 7) // 8] = np.packbits(chunk.T, axis=1)
    return columns
