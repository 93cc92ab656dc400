"""The store of records by day: each once, whole parts or none, a clear word for what is no store."""

from pathlib import Path

import pytest

from seawall.core.errors import InputError, UsageError
from seawall.io.stores import days
from seawall.io.stores.days import UNKNOWN_DAY, Column, DayStore, Type, day_of, texts_at

pytest.importorskip("duckdb", reason="history is an extra")
pytest.importorskip("pyarrow", reason="history is an extra")

COLUMNS = (Column("name", Type.TEXT), Column("tags", Type.TEXTS), Column("size", Type.INTEGER), Column("fine", Type.BOOLEAN))
DAY = 86_400 * 10**9


def store(place: Path, version: str = "test/v1") -> DayStore:
    return DayStore(str(place), version, COLUMNS)


def fill(place: Path, numbers: range, *, day: int | None = None) -> tuple[int, int]:
    with store(place).incoming() as incoming:
        for number in numbers:
            moment = None if number % 7 == 6 else (number % 3 if day is None else day) * DAY + number
            incoming.add(f"{number:016}".encode(), moment, [f"n{number}", ["a", "b"] if number % 2 else None, number, None], 100)
    return incoming.added, incoming.known


def names(place: Path) -> list[str]:
    return sorted(text for part in store(place).parts() for text in texts_at(part, range(part.rows), "name").values())


def test_records_are_kept_once_by_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "ROWS_AT_ONCE", 16)  # many small files on the way
    place = tmp_path / "store"
    assert fill(place, range(100)) == (100, 0)
    assert fill(place, range(50, 150)) == (50, 50)
    assert fill(place, range(150)) == (0, 150)
    assert names(place) == sorted(f"n{number}" for number in range(150))
    parts = store(place).parts()
    assert [part.day for part in parts] == ["1970-01-01"] * 2 + ["1970-01-02"] * 2 + ["1970-01-03"] * 2 + [UNKNOWN_DAY] * 2
    assert [part.first for part in parts] == [sum(part.rows for part in parts[:number]) for number in range(8)]
    assert sorted(path.name for path in place.iterdir() if path.name.startswith(".")) == [".lock"]
    assert [part.day for part in store(place).parts(("1970-01-02", "1970-01-02"))] == ["1970-01-02"] * 2 + [UNKNOWN_DAY] * 2
    assert texts_at(parts[0], [3, 20, 3], "name") == {
        row: text for row, text in texts_at(parts[0], range(parts[0].rows), "name").items() if row in (3, 20)
    }


def test_twice_in_one_import_is_once(tmp_path: Path) -> None:
    with store(tmp_path / "s").incoming() as incoming:
        for size in (1, 2):
            incoming.add(b"k", 5, ["x", None, size, True], 1)
    assert (incoming.added, incoming.known) == (1, 1)


def test_an_import_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    place = tmp_path / "store"
    fill(place, range(10))
    before = names(place)

    def fail() -> None:
        with store(place).incoming() as incoming:
            incoming.add(b"new", 1, ["new", None, 0, None], 1)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert names(place) == before
    assert fill(place, range(10, 12)) == (2, 0)


def test_one_import_at_a_time(tmp_path: Path) -> None:
    place = tmp_path / "store"
    with store(place).incoming(), pytest.raises(UsageError, match="another import"), store(place).incoming():
        pass


def test_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="import events first"):
        store(tmp_path / "nowhere").parts()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="other things"), store(tmp_path / "full").incoming():
        pass
    fill(tmp_path / "old", range(3))
    with pytest.raises(InputError, match="version 'test/v1'"):
        store(tmp_path / "old", "test/v2").parts()
    with pytest.raises(InputError, match="version 'test/v1'"), store(tmp_path / "old", "test/v2").incoming():
        pass
    (tmp_path / "old" / "store.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        store(tmp_path / "old").parts()


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "s", range(3), day=0)
    (part,) = store(tmp_path / "s").parts()
    Path(part.path).write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match="no readable Parquet file"):
        store(tmp_path / "s").parts()


@pytest.mark.parametrize(("time", "day"), [(None, UNKNOWN_DAY), (0, "1970-01-01"), (DAY - 1, "1970-01-01"), (2**80, UNKNOWN_DAY), (-1, "1969-12-31")])
def test_days(time: int | None, day: str) -> None:
    assert day_of(time) == day
