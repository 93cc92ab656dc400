"""Times of events: nanoseconds since 1970, UTC, and the ways they are written."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_RFC3339: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):?(\d\d))?").fullmatch
_SECOND: Final = 1_000_000_000
_USUAL_LENGTH: Final = len("2026-01-31T12:00:00.000000Z")


@lru_cache(4096)
def _utc_second(text: str) -> int | None:
    """The seconds of ``2026-01-31T12:00:00.``."""
    found = nanoseconds(text[:-1] + "Z") if text[-1] == "." else None
    return None if found is None else found // _SECOND


def nanoseconds(text: str | None) -> int | None:
    """A time as RFC 3339 writes it; ``None`` where it is none. A time without a zone is taken for UTC."""
    if not text:
        return None
    if len(text) == _USUAL_LENGTH and text[-1] == "Z" and text[20:26].isdecimal():  # as the API server writes it
        seconds = _utc_second(text[:20])
        if seconds is not None:
            return seconds * _SECOND + int(text[20:26]) * 1000
    found = _RFC3339(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hours, zone_minutes = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
    except ValueError:
        return None
    leap = int(second) - moment.second
    offset = (int(zone_hours) * 3600 + int(zone_minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    return (int(moment.timestamp()) + leap - offset) * _SECOND + int((fraction or "0").ljust(9, "0"))


def _moment(time: int) -> datetime:
    try:
        return datetime.fromtimestamp(time // _SECOND, UTC)
    except (ValueError, OverflowError, OSError):  # what no calendar reaches
        return datetime.fromtimestamp(0, UTC)


def date_and_time(time: int) -> str:
    """``2026-01-31T12:00:00.123456789Z``."""
    return f"{_moment(time):%Y-%m-%dT%H:%M:%S}.{time % _SECOND:09}Z"


def clock(time: int) -> str:
    """``12:00:00.123456789``, UTC."""
    return f"{_moment(time):%H:%M:%S}.{time % _SECOND:09}"
