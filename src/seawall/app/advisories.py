"""The advisory database as the commands use it: where it is, how old, how it is brought up to date, and questions by purl."""

import csv
import os
import posixpath
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from msgspec import Struct

from seawall.core.errors import InputError, UsageError

Progress = Callable[[str, int], None]

MAX_ADDRESSES: Final = 10_000
SECONDS_PER_DAY: Final = 86_400


class Address(Struct, frozen=True):
    """A feed: the name of its file below the download directory, and where it comes from."""

    name: str
    url: str


class Updated(Struct, frozen=True):
    """How an update ended: one line, and a line for each feed that could not be had (the one of last time is used where there is one)."""

    summary: str
    failures: tuple[str, ...] = ()


def default_database(*, create: bool = False) -> str:
    """The database of this user: below ``XDG_DATA_HOME`` (the XDG base directory specification). ``create`` makes its directory."""
    home = os.environ.get("XDG_DATA_HOME", "")
    directory = os.path.join(home if os.path.isabs(home) else os.path.expanduser("~/.local/share"), "seawall")
    if create:
        try:
            os.makedirs(directory, mode=0o700, exist_ok=True)
        except OSError as error:
            raise InputError(directory, f"cannot be made: {(error.strerror or str(error)).lower()}") from None
    return os.path.join(directory, "advisories.db")


def age(built: str) -> float:
    """Days since a time in RFC 3339."""
    return (datetime.now(UTC) - datetime.fromisoformat(built)).total_seconds() / SECONDS_PER_DAY


def addresses(sources: str | None = None, mirror: str | None = None, only: Iterable[str] = ()) -> list[Address]:
    """The feeds to download: those of ``sources`` (a CSV with ``file`` and ``url``) or the public ones, all of them from ``mirror`` if given."""
    if sources:
        try:
            text = Path(sources).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(sources, f"cannot be read: {error}") from None
    else:
        text = (files("seawall.build.advisories") / "data" / "addresses.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    if not rows or not {"file", "url"} <= rows[0].keys() or len(rows) > MAX_ADDRESSES:
        raise InputError(sources or "", f"is no list of feeds: a CSV with the columns file and url, and at most {MAX_ADDRESSES} rows, is expected")
    wanted = [Address(_inside(row["file"], sources), _at(mirror, row["file"]) if mirror else row["url"]) for row in rows]
    named = set(only)
    if unknown := named - {item.name for item in wanted}:
        raise UsageError(f"no feed is called {min(unknown)!r}; `seawall advisories update --list` names them")
    return [item for item in wanted if not named or item.name in named]


def _inside(name: str, path: str | None) -> str:
    """A name that stays below the download directory."""
    if not name or name.startswith("/") or ".." in name.split("/") or "\0" in name or posixpath.normpath(name) != name:
        raise InputError(path or "", f"{name!r} is no name of a file below the download directory")
    return name


def _at(mirror: str, name: str) -> str:
    if "://" in mirror:
        return f"{mirror.rstrip('/')}/{quote(name)}"
    return os.path.join(os.path.abspath(mirror), name)


def update_database(
    wanted: Sequence[Address], path: str, *, wait: float = 0, ca_file: str | None = None, progress: Progress | None = None
) -> Updated:
    """Download what has changed into a directory beside the database, and build it anew.

    Raises ``InputError`` when nothing at all could be had; the database is then as it was.
    """
    from seawall.build.advisories.build import build_database
    from seawall.io.sources.download import Item, download  # HTTP, for those who update

    directory = f"{path}.feeds"
    # A mirror that is written with http:// was asked for without TLS.
    plain = frozenset(urlsplit(item.url).netloc for item in wanted if item.url.startswith("http://"))
    items = [Item(item.name, item.url) for item in wanted]
    results = download(items, directory, wait=wait, ca_file=ca_file, plain_http=plain, progress=progress)
    failures = tuple(f"{result.name}: {result.reason}" for result in results if result.reason)
    changed = sum(result.outcome == "downloaded" for result in results)
    if len(failures) == len(results):
        raise InputError(path, f"not updated, as no feed could be downloaded: {failures[0]}")
    if not changed and os.path.exists(path) and not failures:
        return Updated("nothing has changed since the last update")
    feeds = [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if not name.startswith(".")]  # the rest is the downloader's
    report = build_database(feeds, path, progress)
    records = sum(feed.records for feed in report.feeds)
    return Updated(f"{changed} of {len(results)} feeds were new; {records} records", failures)
