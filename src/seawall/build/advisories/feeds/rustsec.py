"""RustSec's advisories: Markdown that opens with a TOML block.

Source: the RustSec advisory format (https://github.com/rustsec/advisory-db). ``patched`` and ``unaffected`` are requirements; what satisfies none is
affected. Advisories of the collection ``rust`` are about the toolchain, not about the crates of those names.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.advisories.feeds.fields import line, mapping, text, texts
from seawall.build.advisories.feeds.requirements import cargo
from seawall.build.advisories.feeds.spans import outside
from seawall.build.advisories.model import Advisory, Affected, Cvss, FeedProblem, Record

_BLOCK: Final = re.compile(r"\s*^(```+|~~~+) *toml *\r?\n(.*?)^\1", re.MULTILINE | re.DOTALL)
_TITLE: Final = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_KINDS: Final = {"": "vulnerability", "unmaintained": "unmaintained", "notice": "notice", "unsound": "notice"}


def front_matter(data: bytes) -> tuple[dict[str, Any], str]:
    """The TOML block at the top of a Markdown file, and the first heading. Raises ``ValueError`` when there is no such block."""
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start}") from None
    block = _BLOCK.match(content)
    if not block:
        raise ValueError("no TOML block at the top")
    try:
        document = tomllib.loads(block[2])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"not valid TOML: {error}") from None
    title = _TITLE.search(content, block.end())
    return document, line(title[1]) if title else ""


def read(path: str, data: bytes) -> Iterator[Record | FeedProblem]:
    try:
        document, title = front_matter(data)
    except ValueError as error:
        yield FeedProblem(path, str(error))
        return
    advisory = mapping(document.get("advisory"))
    identifier, name = text(advisory.get("id")), text(advisory.get("package"))
    if not identifier or not name:
        yield FeedProblem(path, "no id or no package")
        return
    intervals, problems = outside(((field, texts(mapping(document.get("versions")).get(field))) for field in ("patched", "unaffected")), cargo)
    for problem in problems:
        yield FeedProblem(path, f"{identifier}: {problem}")
    is_toolchain = text(advisory.get("collection")) == "rust" or "rust" in path.replace("\\", "/").split("/")[-3:-1]
    informational = text(advisory.get("informational"))
    yield Advisory(
        id=identifier,
        source="rustsec",
        aliases=texts(advisory.get("aliases")),
        related=texts(advisory.get("related")),
        published=_date(advisory.get("date")),
        modified=_date(advisory.get("date")),
        withdrawn=_date(advisory.get("withdrawn")),
        summary=text(advisory.get("title")) or title,
        cvss=tuple(Cvss(vector) for vector in texts(advisory.get("cvss"))),
        references=texts([advisory.get("url"), *texts(advisory.get("references"))]),
        affected=(Affected("Rust" if is_toolchain else "crates.io", name, intervals),) if intervals else (),
        kind=_KINDS.get(informational, "notice"),
    )


def _date(value: object) -> str:
    """RFC 3339 of a day, which TOML may hold as a text or as a date."""
    day = value if isinstance(value, str) else str(value or "")
    return f"{day}T00:00:00Z" if day else ""
