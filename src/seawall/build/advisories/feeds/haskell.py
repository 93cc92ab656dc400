"""The Haskell Security Advisory DB: Markdown that opens with a TOML block.

Source: its README (https://github.com/haskell/security-advisories). ``[[affected]]`` names a package of Hackage or another repository, or a
component of GHC, with pairs of ``introduced`` and ``fixed``.
"""

from collections.abc import Iterator

from seawall.build.advisories.feeds.fields import mapping, mappings, text, texts
from seawall.build.advisories.feeds.rustsec import front_matter
from seawall.build.advisories.model import Advisory, Affected, Cvss, FeedProblem, Interval, Record


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document, title = front_matter(data)
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    advisory = mapping(document.get("advisory"))
    identifier = text(advisory.get("id"))
    if not identifier:
        yield FeedProblem(path, "no id")
        return
    affected: list[Affected] = []
    vectors: list[str] = []
    for item in mappings(document.get("affected")):
        vectors += texts(item.get("cvss"))
        component = text(item.get("ghc-component"))
        name = component or text(item.get("package"))
        intervals = tuple(
            Interval(text(pair.get("introduced")) or "0", fixed=text(pair.get("fixed")))
            for pair in mappings(item.get("versions"))
            if text(pair.get("introduced")) or text(pair.get("fixed"))
        )
        if not name or not intervals:
            yield FeedProblem(path, f"{identifier}: an affected entry without a package or its versions")
            continue
        affected.append(Affected("GHC" if component else "Hackage", name, intervals))
    date = str(advisory.get("date") or "")
    yield Advisory(
        id=identifier,
        source="haskell",
        aliases=texts(advisory.get("aliases")),
        related=texts(advisory.get("related")),
        published=date,
        modified=str(advisory.get("modified") or date),
        withdrawn=str(advisory.get("withdrawn") or ""),
        summary=title,
        cvss=tuple(Cvss(vector) for vector in dict.fromkeys(vectors)),
        references=tuple(dict.fromkeys(text(item.get("url")) for item in mappings(document.get("references")) if text(item.get("url")))),
        affected=tuple(affected),
    )
