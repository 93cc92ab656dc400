"""Kubernetes' official CVE feed, a JSON Feed that names vulnerabilities and tells of their versions in prose only.

Source: https://kubernetes.io/docs/reference/issues-security/official-cve-feed/. The affected versions come from the OSV form of the same feed; here
is the rest: summary, days, address.
"""

from collections.abc import Iterator

from seawall.build.advisories.feeds.fields import line, mapping, mappings, read_json, text, texts
from seawall.build.advisories.model import Advisory, FeedProblem, Record


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document = mapping(read_json(data))
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    for item in mappings(document.get("items")):
        identifier = text(item.get("id"))
        if not identifier:
            yield FeedProblem(path, "an item without an id")
            continue
        yield Advisory(
            id=identifier,
            source="kubernetes",
            published=text(item.get("date_published")),
            modified=text(item.get("date_modified")) or text(item.get("date_published")),
            summary=line(item.get("summary")),
            references=texts([item.get("external_url"), item.get("url")]),
        )
