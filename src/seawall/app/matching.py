"""Questions to the advisory database: packages by their purls, and whole fleets."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from seawall.app.vulnerabilities import open_known
from seawall.build.advisories.match import Answer, Vulnerability, match
from seawall.core.errors import InputError
from seawall.core.purl import read_purl
from seawall.io.sources.manifests import decode, read_bytes


def match_answers(answers: Iterable[Answer]) -> Iterator[dict[str, Any]]:
    """Answers in the shape of ``advisories match``."""
    for answer in answers:
        yield {
            "purl": answer.package.purl,
            "vulnerabilities": [_found(vulnerability) for vulnerability in answer.vulnerabilities],
            **({"reason": answer.not_evaluated} if answer.not_evaluated else {}),
        }


def _found(vulnerability: Vulnerability) -> dict[str, Any]:
    return {
        "id": vulnerability.id,
        "aliases": list(vulnerability.aliases),
        "fixed": list(vulnerability.fixed),
        "state": vulnerability.state,
        "severity": vulnerability.severity.value,
        "cvss": [{"vector": rating.vector, "score": rating.score, "source": rating.source} for rating in vulnerability.cvss],
        "epss": vulnerability.epss.score if vulnerability.epss else None,
        "kev": vulnerability.kev is not None,
        "kind": vulnerability.kind,
        "summary": vulnerability.summary,
    }


def ask(purls: Sequence[str], path: str | None) -> Iterator[dict[str, Any]]:
    """One answer for each purl, in order; what is no purl has an ``error``."""
    read: list[Any] = []
    for text in purls:
        try:
            read.append(read_purl(text.strip()))
        except ValueError as error:
            read.append(str(error))
    with closing(open_known(path or "", float("inf"))) as database:
        answers = match_answers(match(database.connection, [item for item in read if not isinstance(item, str)]))
        for text, item in zip(purls, read, strict=True):
            if isinstance(item, str):
                yield {"purl": text, "vulnerabilities": [], "error": f"is no purl: {item}"}
            else:
                yield {**next(answers), "purl": text}


def fleet_rows(path: str, database: str | None, problems: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Image, purl and vulnerability for each match of an inventory (a CSV with the columns ``image`` and ``purl``).

    ``problems`` gets a reason for each purl that could not be asked about. Raises ``InputError`` for what is no inventory.
    """
    from seawall.build.advisories.fleet import match_fleet  # numpy and DuckDB

    reader = csv.DictReader(decode(path, read_bytes(path)).splitlines())
    if not {"image", "purl"} <= set(reader.fieldnames or ()):
        raise InputError(path, "is no inventory: a CSV with the columns image and purl is expected", 1)
    rows = [(row["image"] or "", row["purl"] or "") for row in reader]
    with closing(open_known(database or "", float("inf"))) as opened:
        found = match_fleet(opened.connection, [purl for _, purl in rows])
    problems.update(found.not_evaluated)
    for row, vulnerability in sorted(zip(found.rows.tolist(), found.vulnerabilities.tolist(), strict=True)):
        yield (*rows[row], found.names[vulnerability])
