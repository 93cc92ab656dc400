"""The index of patterns against holding every pattern to every path."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.selection import Selection


def nothing(file: File) -> Facts:
    yield from ()


def selected(path: str, *patterns: str) -> bool:
    return bool(Selection([Cataloguer("one", nothing, patterns)]).of(path))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("poetry.lock", "poetry.lock"),
        ("poetry.lock", "srv/app/poetry.lock"),
        ("*.jar", "opt/a.b.jar"),
        ("requirements*.txt", "app/requirements-dev.txt"),
        ("**/*.dist-info/METADATA", "usr/lib/python3/dist-packages/x.dist-info/METADATA"),
        ("var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/base"),
        ("**/specifications/**/*.gemspec", "usr/lib/ruby/specifications/default/json-2.gemspec"),
        ("**/specifications/**/*.gemspec", "specifications/json-2.gemspec"),
        ("lib/apk/db/installed", "lib/apk/db/installed"),
    ],
)
def test_met(pattern: str, path: str) -> None:
    assert selected(path, pattern)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("poetry.lock", "poetry.lock/x"),
        ("poetry.lock", "xpoetry.lock"),
        ("*.jar", "a.jar.txt"),
        ("var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/a/b"),
        ("var/lib/dpkg/status.d/*", "old/var/lib/dpkg/status.d/a"),
        ("lib/apk/db/installed", "usr/lib/apk/db/installed"),
        ("*.jar", "a.jar\n"),
    ],
)
def test_not_met(pattern: str, path: str) -> None:
    assert not selected(path, pattern)


def slowly(pattern: str, path: str) -> bool:
    """The same, part by part."""
    wanted = pattern.split("/") if "/" in pattern else ["**", pattern]

    def meets(parts: list[str], names: list[str]) -> bool:
        if not parts:
            return not names
        if parts[0] == "**":
            return any(meets(parts[1:], names[skip:]) for skip in range(len(names)))
        return bool(names) and bool(re.fullmatch(re.escape(parts[0]).replace(r"\*", ".*"), names[0])) and meets(parts[1:], names[1:])

    return meets(wanted, path.split("/"))


name = st.text("ab.*", min_size=1, max_size=4).filter(lambda text: "**" not in text)
plain = st.text("ab.", min_size=1, max_size=4)


@given(
    st.lists(st.one_of(name, st.just("**")), min_size=1, max_size=4).filter(lambda parts: parts[-1] != "**"),
    st.lists(plain, min_size=1, max_size=4),
)
def test_agrees_with_the_slow_twin(parts: list[str], names: list[str]) -> None:
    pattern, path = "/".join(parts), "/".join(names)
    assert selected(path, pattern) == slowly(pattern, path)
