"""Times, against datetime."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.run.events.time import clock, date_and_time, nanoseconds

MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_round_trip(moment: datetime, minutes: int) -> None:
    expected = ((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)) * 1000
    assert nanoseconds(moment.isoformat()) == expected
    assert nanoseconds(moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat()) == expected
    assert nanoseconds(f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}Z") == expected
    assert nanoseconds(date_and_time(expected)) == expected
    assert date_and_time(expected)[11:-1] == clock(expected)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00.00000xZ", "9" * 27, "x" * 26 + "Z"])
def test_what_is_no_time(text: str) -> None:
    assert nanoseconds(text) is None


def test_precision_and_odd_spellings() -> None:
    assert nanoseconds("2026-01-01T00:00:00.123456789Z") == 1767225600123456789
    assert nanoseconds("2026-01-01 00:00:00,5") == 1767225600500000000
    assert nanoseconds("2016-12-31T23:59:60.000000Z") == nanoseconds("2017-01-01T00:00:00Z")
    assert date_and_time(2**63) == "2262-04-11T23:47:16.854775808Z"
