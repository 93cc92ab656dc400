"""Advisory databases for tests: small ones from OSV records, and the real one from the pack of feeds."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seawall.build.advisories.build import build_database

PACK = Path(__file__).parents[4] / "shared" / "data" / "advisories" / "advisories.tar.zst"

Record = dict[str, Any]
DatabaseOf = Callable[..., sqlite3.Connection]


def build_from(directory: Path, records: tuple[Record, ...]) -> sqlite3.Connection:
    feeds = directory / "feeds"
    feeds.mkdir(parents=True)
    (feeds / "osv.json").write_text(json.dumps(list(records)))
    target = directory / "advisories.db"
    build_database([str(feeds)], str(target), processes=1)
    return sqlite3.connect(target)


@pytest.fixture
def database_of(tmp_path: Path) -> Iterator[DatabaseOf]:
    """A function that makes a database of OSV records."""
    opened: list[sqlite3.Connection] = []

    def make(*records: Record) -> sqlite3.Connection:
        opened.append(build_from(tmp_path / str(len(opened)), records))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def real_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """The database of all real feeds."""
    if not PACK.exists():
        pytest.skip("the real feeds (../shared/data/advisories) are not on this machine")
    target = tmp_path_factory.mktemp("real") / "advisories.db"
    build_database([str(PACK)], str(target))
    with closing(sqlite3.connect(target)) as connection:
        yield connection
