"""Which records speak of the same vulnerability, and by which name it is told.

A vulnerability has one CVE. Records that name the same CVE, by their own id, an alias or an upstream id, speak of the same one; records that name
none are joined by the other ids that they share, over any number of steps, and take the CVE that one of these ids is known to belong to.

**Collections.** A distribution's advisory (DSA, ALSA, RHSA, USN) mends several vulnerabilities at once, and names them all. Were it treated like an
alias, it would glue them into one: whoever is told of one CVE would be told of forty, and a VEX statement about one would silence the others. The
same holds for the few records of other databases with several CVEs as aliases: CVE's own counting rules say that two CVEs are two vulnerabilities.
So such a record joins nothing. It belongs to each vulnerability that it names, and is stored once for each, with the names of the others left out;
its own id stays, so that it is found under every one of them. Ids that are no CVEs join records, but never two CVEs: where an id (XSA-284) is given
together with different CVEs, a record that knows this id alone belongs to each of them.

The name of a vulnerability is its CVE; else the GitHub advisory, the one id that databases of all ecosystems refer to; else the id of the
ecosystem's own database.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

_CVE: Final = re.compile(r"(?:^|[A-Z]-)(CVE-\d{4}-\d{3,})$")
"""A CVE, or an id that another database made of one (``UBUNTU-CVE-2024-1234``, ``BIT``'s are not among them)."""

_PREFERENCE: Final = ("CVE-", "GHSA-", "MAL-", "GO-", "PYSEC-", "RUSTSEC-", "HSEC-", "BIT-")


class Names(Struct, frozen=True):
    """The ids of one record: its own, those of the very same vulnerability, and those that it is derived from."""

    id: str
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.id, *self.aliases, *self.upstream)))


def cve_of(name: str) -> str:
    """The CVE that an id is, or is made of; empty for any other."""
    match = _CVE.search(name)
    return match[1] if match else ""


def preferred(names: Iterable[str]) -> str:
    """The id by which to tell of a vulnerability that goes by ``names``."""
    return min(names, key=lambda name: (_rank(name), name))


def _rank(name: str) -> int:
    return next((rank for rank, prefix in enumerate(_PREFERENCE) if name.startswith(prefix)), len(_PREFERENCE))


def vulnerabilities(records: Sequence[Names]) -> list[tuple[str, ...]]:
    """For each record the names of the vulnerabilities that it speaks of, at least one, in order."""
    joined = _Joined()
    cves_of_id: dict[str, set[str]] = {}
    named: list[tuple[str, ...]] = []
    for record in records:
        cves = tuple(sorted({cve for name in record.all if (cve := cve_of(name))}))
        named.append(cves)
        if len(cves) == 1:
            for name in record.all:
                if not cve_of(name):
                    cves_of_id.setdefault(name, set()).add(cves[0])
        elif not cves:
            joined.add(record.id)
            for alias in record.aliases:
                joined.join(record.id, alias)
            if len(record.upstream) == 1:
                joined.join(record.id, record.upstream[0])
    groups = joined.groups()
    told: dict[str, tuple[str, ...]] = {}
    for root, members in groups.items():
        cves = tuple(sorted({cve for member in members for cve in cves_of_id.get(member, ())}))
        told[root] = cves or (preferred(members),)
    return [cves or _others(record, joined, told, cves_of_id) for record, cves in zip(records, named, strict=True)]


def _others(record: Names, joined: "_Joined", told: dict[str, tuple[str, ...]], cves_of_id: dict[str, set[str]]) -> tuple[str, ...]:
    """The vulnerabilities of a record that names no CVE: those of its group, or, of a collection, those of each id it is derived from."""
    if len(record.upstream) < 2:
        return told[joined.root(record.id)]
    found: set[str] = set()
    for name in record.upstream:
        found.update(told.get(joined.root(name)) or cves_of_id.get(name) or (name,))
    return tuple(sorted(found))


def narrowed(names: Sequence[str], vulnerability: str) -> tuple[str, ...]:
    """``names`` without those of other vulnerabilities, as far as they can be told by their looks: CVEs, and ids made of CVEs."""
    if not cve_of(vulnerability):
        return tuple(names)
    return tuple(name for name in names if cve_of(name) in ("", vulnerability))


class _Joined:
    """Sets of names that grow together (union-find)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def add(self, name: str) -> None:
        self._above.setdefault(name, name)

    def root(self, name: str) -> str:
        above = self._above
        while (next_above := above.get(name, name)) != name:
            above[name] = above.get(next_above, next_above)
            name = next_above
        return name

    def join(self, first: str, second: str) -> None:
        self.add(first)
        self.add(second)
        # The lesser name is the root, so that the order of the records does not show.
        low, high = sorted((self.root(first), self.root(second)))
        self._above[high] = low

    def groups(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in list(self._above):
            found.setdefault(self.root(name), []).append(name)
        return found
