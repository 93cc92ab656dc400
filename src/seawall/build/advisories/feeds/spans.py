"""Sets of versions as spans between cuts, so that requirement lists can be joined, met and turned around.

A cut is a place between versions: just before one, or just after it. A span goes from one cut to another, or on without end. As cuts are byte
keys, the algebra is that of intervals on a line, whatever the ecosystem.
"""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from seawall.build.advisories.model import Interval

_AFTER: Final = b"\x00"
"""Behind a key, this makes the least key that is greater."""


class Cut(Struct, frozen=True):
    """``key`` is the place, as bytes; ``version`` is the one that it is before, or after where ``is_after``, as a user would write it."""

    key: bytes
    version: str
    is_after: bool = False


def before(key: bytes, version: str) -> Cut:
    return Cut(key, version)


def after(key: bytes, version: str) -> Cut:
    return Cut(key + _AFTER, version, is_after=True)


BEGINNING: Final = Cut(b"", "0")


class Span(Struct, frozen=True):
    """The versions between two cuts; ``high`` None is no end."""

    low: Cut = BEGINNING
    high: Cut | None = None

    @property
    def is_empty(self) -> bool:
        return self.high is not None and self.high.key <= self.low.key


ALL: Final = Span()


class KeyedInterval(Interval, frozen=True):
    """An interval whose bounds are keys, for those that the words of :class:`Interval` cannot tell: one that starts behind a version, or ends
    before the pre-releases of one. ``low`` is inclusive; ``high`` exclusive, or None for no end."""

    low: bytes = b""
    high: bytes | None = None


def meet(first: Span, second: Span) -> Span:
    """The versions that are in both."""
    low = max(first.low, second.low, key=lambda cut: cut.key)
    highs = [span.high for span in (first, second) if span.high is not None]
    return Span(low, min(highs, key=lambda cut: cut.key) if highs else None)


def join(spans: Iterable[Span]) -> list[Span]:
    """The same versions as spans that are in order, apart from each other and not empty."""
    joined: list[Span] = []
    for span in sorted((span for span in spans if not span.is_empty), key=lambda span: span.low.key):
        last = joined[-1] if joined else None
        if last is None or (last.high is not None and last.high.key < span.low.key):
            joined.append(span)
        elif last.high is not None and (span.high is None or span.high.key > last.high.key):
            joined[-1] = Span(last.low, span.high)
    return joined


def turn(spans: Iterable[Span]) -> list[Span]:
    """All other versions."""
    others: list[Span] = []
    low: Cut | None = BEGINNING
    for span in join(spans):
        if low is not None and span.low.key > low.key:
            others.append(Span(low, span.low))
        low = span.high
    if low is not None:
        others.append(Span(low))
    return others


def intervals_of(spans: Iterable[Span]) -> tuple[Interval, ...]:
    """Spans in the words of an advisory."""
    return tuple(
        KeyedInterval(
            introduced=span.low.version,
            fixed=span.high.version if span.high and not span.high.is_after else "",
            last_affected=span.high.version if span.high and span.high.is_after else "",
            low=span.low.key,
            high=span.high.key if span.high else None,
        )
        for span in join(spans)
    )


def outside(requirements: Iterable[tuple[str, Iterable[str]]], read: Callable[[str], Iterable[Span]]) -> tuple[tuple[Interval, ...], list[str]]:
    """The versions that no requirement speaks of, where a feed names what is patched and what never was affected; and what is not understood.

    ``requirements`` are the fields with their texts, ``read`` makes spans of one, and raises ``ValueError``.
    """
    spans: list[Span] = []
    problems = []
    for field, texts in requirements:
        for text in texts:
            try:
                spans += read(text)
            except ValueError as error:
                problems.append(f"{field}: {error}")
    intervals = intervals_of(turn(spans))
    if not intervals:
        problems.append("every version is patched or unaffected")
    return intervals, problems
