"""PHP's security advisories (FriendsOfPHP): one YAML file for each, with the affected versions of each branch.

Source: its README (https://github.com/FriendsOfPHP/security-advisories). A version that satisfies all constraints of one branch is affected.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from seawall.build.advisories.feeds.fields import line, mapping, read_yaml, text, texts
from seawall.build.advisories.feeds.requirements import composer
from seawall.build.advisories.feeds.spans import Span, intervals_of
from seawall.build.advisories.model import Advisory, Affected, FeedProblem, Record

_SCHEME: Final = "composer://"


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document = mapping(read_yaml(data))
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    reference = text(document.get("reference"))
    if not reference.startswith(_SCHEME):
        yield FeedProblem(path, f"its reference is no Composer package: {reference[:80]!r}")
        return
    name = reference.removeprefix(_SCHEME)
    spans: list[Span] = []
    times = []
    for label, branch in mapping(document.get("branches")).items():
        constraints = texts(mapping(branch).get("versions"))
        times.append(text(mapping(branch).get("time")))
        if not constraints:
            yield FeedProblem(path, f"branch {label}: names no versions")
            continue
        try:
            spans += composer(constraints)
        except ValueError as error:
            yield FeedProblem(path, f"branch {label}: {error}")
    intervals = intervals_of(spans)
    if not intervals:
        yield FeedProblem(path, "no affected version")
    cve = text(document.get("cve"))
    published = min((_time(time) for time in times if time), default="")
    yield Advisory(
        id=cve or f"{name}/{PurePosixPath(path).stem}",
        source="friendsofphp",
        aliases=(f"{name}/{PurePosixPath(path).stem}",) if cve else (),
        published=published,
        modified=max((_time(time) for time in times if time), default=""),
        summary=line(document.get("title")),
        references=texts(document.get("link")),
        affected=(Affected("Packagist", name, intervals),) if intervals else (),
    )


def _time(text: str) -> str:
    """``2018-11-06 11:52:00`` or a day as RFC 3339."""
    day, _, time = text.replace("T", " ").partition(" ")
    return f"{day}T{time[:8] or '00:00:00'}Z"
