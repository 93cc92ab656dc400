"""RubyGems' order: segments of digits or letters, wherever they stand; a dash is ``.pre.``.

Numbers are newer than words, words compare byte by byte, and what is missing is 0, so that ``1.0.a`` < ``1.0`` = ``1``. Zeros at the end, and those
ahead of the first word, do not count. What is neither digit nor letter only separates, also where RubyGems refuses the version.

Source: RubyGems, Gem::Version, lib/rubygems/version.rb.
"""

import re
from typing import Final

from seawall.build.advisories.versions import padded
from seawall.build.advisories.versions.encoding import compare_numbers, number, sign
from seawall.build.advisories.versions.scheme import Scheme

_SEGMENTS: Final = re.compile(r"[0-9]+|[A-Za-z]+")


def _segments(version: str) -> list[str]:
    """The canonical segments; numbers without leading zeros."""
    segments = [segment.lstrip("0") or "0" for segment in _SEGMENTS.findall(version.replace("-", ".pre."))]
    first_word = next((index for index, segment in enumerate(segments) if segment.isalpha()), len(segments))
    numbers, words = segments[:first_word], segments[first_word:]
    for part in (numbers, words):
        while part and part[-1] == "0":
            part.pop()
    return numbers + words


def compare(a: str, b: str) -> int:
    """As ``Gem::Version#<=>``."""
    segments_a, segments_b = _segments(a), _segments(b)
    for index in range(max(len(segments_a), len(segments_b))):
        segment_a = segments_a[index] if index < len(segments_a) else "0"
        segment_b = segments_b[index] if index < len(segments_b) else "0"
        if result := sign(segment_a.isdigit(), segment_b.isdigit()):
            return result
        if result := compare_numbers(segment_a, segment_b) if segment_a.isdigit() else sign(segment_a, segment_b):
            return result
    return 0


def _encode(segment: str) -> tuple[int, bytes]:
    if segment == "0":
        return 0, b""
    if segment.isdigit():
        return 1, number(segment)
    return -1, segment.encode("ascii") + b"\0"


def key(version: str) -> bytes:
    """The bytes of a version."""
    return padded.encode(map(_encode, _segments(version)))


SCHEME: Final = Scheme("rubygems", compare, key)
