"""Package headers: what the writer put in, and what no writer would."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.image.rpmdb.header import Header, MalformedHeader, Tag
from tests.build.image.rpmdb.writers import header

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(texts, st.lists(texts, min_size=1, max_size=20), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_what_is_written_is_read(name: str, files: list[str], numbers: list[int]) -> None:
    read = Header(header({Tag.NAME: name, Tag.BASENAMES: files, Tag.DIRINDEXES: numbers}))
    assert read.text(Tag.NAME) == name
    assert read.texts(Tag.NAME) == [name]
    assert read.texts(Tag.BASENAMES) == files == read.paths(Tag.BASENAMES)
    assert read.text(Tag.BASENAMES) == files[0]
    assert read.numbers(Tag.DIRINDEXES) == tuple(numbers)
    assert (read.text(Tag.ARCH), read.texts(Tag.ARCH), read.numbers(Tag.EPOCH)) == ("", [], ())


def test_what_was_added_at_installation_replaces_what_was_built() -> None:
    assert Header(header({Tag.NAME: "built"}, {Tag.NAME: "installed"})).text(Tag.NAME) == "installed"


@pytest.mark.parametrize(("kind", "data", "expected"), [(2, b"\1\2", (1, 2)), (3, b"\1\2", (258,)), (5, bytes(7) + b"\5", (5,))])
def test_numbers_of_every_size(kind: int, data: bytes, expected: tuple[int, ...]) -> None:
    assert Header(header({Tag.EPOCH: (kind, data, len(expected))})).numbers(Tag.EPOCH) == expected


def test_text_in_several_languages_is_that_of_the_first() -> None:
    assert Header(header({Tag.NAME: (9, b"one\0ein\0", 2)})).text(Tag.NAME) == "one"


def test_bytes_that_are_no_text() -> None:
    read = Header(header({Tag.BASENAMES: ["caf\udce9"]}))
    assert read.paths(Tag.BASENAMES) == ["caf\udce9"]
    assert read.texts(Tag.BASENAMES) == ["caf\ufffd"]


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        bytes(7),
        bytes(8),
        struct.pack(">2I", 1, 0),
        struct.pack(">2I", 0x10000, 0) + bytes(16 * 0x10000),
        struct.pack(">2I", 2**32 - 1, 2**32 - 1),
        struct.pack(">6I", 1, 1, 1000, 6, 0, 1),
    ],
)
def test_no_header(blob: bytes) -> None:
    with pytest.raises(MalformedHeader):
        Header(blob)


@pytest.mark.parametrize(
    ("tag", "kind", "offset", "count"),
    [
        (Tag.NAME, 4, 0, 1),
        (Tag.NAME, 6, 4, 1),
        (Tag.NAME, 6, 2**32 - 1, 1),
        (Tag.NAME, 8, 0, 3),
        (Tag.NAME, 8, 0, 2**32 - 1),
        (Tag.NAME, 6, 0, 0),
        (Tag.NAME, 6, 2, 1),  # text without its end
        (Tag.EPOCH, 6, 0, 1),
        (Tag.EPOCH, 4, 1, 1),
        (Tag.EPOCH, 4, 0, 2**32 - 1),
        (Tag.EPOCH, 4, 2**32 - 4, 1),
    ],
)
def test_a_value_that_is_not_there(tag: Tag, kind: int, offset: int, count: int) -> None:
    read = Header(struct.pack(">2I4I", 1, 4, tag, kind, offset, count) + b"a\0bc")
    with pytest.raises(MalformedHeader):
        read.numbers(tag) if tag is Tag.EPOCH else read.texts(tag)


def test_values_do_not_end_beyond_the_header() -> None:
    """The next header in the same file is not part of this one."""
    read = Header(struct.pack(">2I4I", 1, 2, Tag.NAME, 6, 0, 1) + b"abc\0")
    with pytest.raises(MalformedHeader):
        read.text(Tag.NAME)


@given(st.data())
@settings(max_examples=200)
def test_damage_is_malformed_and_nothing_else(data: st.DataObject) -> None:
    blob = bytearray(header({Tag.NAME: "n", Tag.BASENAMES: ["a", "b"], Tag.DIRINDEXES: [0, 1], Tag.EPOCH: [3]}))
    for _ in range(data.draw(st.integers(1, 5))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = Header(bytes(blob))
    except MalformedHeader:
        return
    for get, tag in ((read.texts, Tag.NAME), (read.paths, Tag.BASENAMES), (read.numbers, Tag.DIRINDEXES), (read.text, Tag.EPOCH)):
        with suppress(MalformedHeader):
            assert len(get(tag)) <= len(blob)
