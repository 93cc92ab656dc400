"""The support of releases, as endoflife.date tells it: its Markdown files, and the JSON of its API, of both versions.

Source: https://endoflife.date/docs/api and the repository's CONTRIBUTING. ``eol`` is a day or whether it is over; ``eoes`` (extended security
support) is what one pays or registers for, except where a project gives it to all, as Debian does with LTS.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from seawall.build.advisories.feeds.fields import mapping, mappings, read_json, read_yaml, text
from seawall.build.advisories.model import EndOfLife, FeedProblem, Record

_FRONT: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n(.*?)^---[ \t]*$", re.MULTILINE | re.DOTALL)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        front = _FRONT.match(data)
        products = [_of_markdown(path, mapping(read_yaml(front[1])))] if front else _of_json(path, read_json(data))
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    for product, identifiers, releases in products:
        for release in releases:
            record = _release(product, identifiers, release)
            yield record or FeedProblem(path, f"{product}: a release without a name")


_Product = tuple[str, tuple[str, ...], list[dict[str, Any]]]


def _of_markdown(path: str, document: dict[str, Any]) -> _Product:
    product = text(document.get("permalink")).strip("/") or PurePosixPath(path).stem
    identifiers = tuple(text(value) for item in mappings(document.get("identifiers")) for value in item.values() if text(value))
    return product, identifiers, mappings(document.get("releases"))


def _of_json(path: str, document: Any) -> list[_Product]:
    """Version 1 has ``result`` with one product or many; version 0 a list of cycles, whose product is the name of the file."""
    if isinstance(document, list):
        return [(PurePosixPath(path).stem, (), mappings(document))]
    results = mappings(mapping(document).get("result"))
    return [
        (text(item.get("name")), tuple(text(entry.get("id")) for entry in mappings(item.get("identifiers"))), mappings(item.get("releases")))
        for item in results
    ]


def _release(product: str, identifiers: tuple[str, ...], release: dict[str, Any]) -> EndOfLife | None:
    cycle = _first(release, "releaseCycle", "cycle", "name")
    if not cycle or not product:
        return None
    eol = release.get("eolFrom") or release.get("eol")
    extended = release.get("eoesFrom") or release.get("eoes") or release.get("extendedSupport")
    day = _day(eol)
    return EndOfLife(
        product=product,
        cycle=cycle,
        codename=text(release.get("codename")),
        released=_day(release.get("releaseDate")),
        eol=day,
        extended=_day(extended),
        ended=not day and (release.get("isEol") is True or eol is True or eol == "true"),
        identifiers=identifiers,
    )


def _first(release: dict[str, Any], *names: str) -> str:
    return next((found for name in names if (found := text(release.get(name)))), "")


def _day(value: object) -> str:
    return value if isinstance(value, str) and _DAY.fullmatch(value) else ""
