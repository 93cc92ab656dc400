import json
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.build.image.documents import MAX_BYTES, Unreadable, read_json, read_json_with_comments, read_toml, read_xml, read_yaml, text_of

PLAIN = st.recursive(
    st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150)
@given(PLAIN)
def test_yaml_as_pyyaml_reads_it(value: Any) -> None:
    # Strings in quotes: what they mean has no rules of its own
    text = yaml.dump(value, Dumper=yaml.CSafeDumper, default_style='"')
    assert read_yaml(text.encode()) == yaml.load(text, Loader=yaml.CSafeLoader)


@settings(max_examples=150)
@given(PLAIN, st.sampled_from([None, 2]))
def test_json_with_comments_is_json_where_there_are_none(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert read_json_with_comments(text.encode()) == read_json(text.encode()) == json.loads(text)


def test_comments_and_last_commas() -> None:
    text = b'{"a": [1, 2, /* , */ ], // }\n "b": "// no , } comment", "c": "\\",}" ,\n }'
    assert read_json_with_comments(text) == {"a": [1, 2], "b": "// no , } comment", "c": '",}'}


def test_yaml_scalars_stay_text() -> None:
    assert read_yaml(b"a: 1.10\nb: ~\nc: 'null'\nd: 0x10\ne: yes\n? [x]\n: y\nf:\n") == {
        "a": "1.10",
        "b": "",
        "c": "null",
        "d": "0x10",
        "e": "yes",
        "f": "",
    }
    assert read_yaml(b"") == ""
    assert read_yaml(b"a: 1\n---\nb: 2") == {"a": "1"}


def test_yaml_aliases_share_and_may_not_grow() -> None:
    shared = read_yaml(b"a: &x {b: [c]}\nd: *x\n")
    assert shared["a"] is shared["d"]
    laughs = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    with pytest.raises(Unreadable):  # who reads the data would pass 9 ** 29 values
        read_yaml(laughs.encode())
    loop = read_yaml(b"&a [*a]")
    assert loop[0] is loop


@pytest.mark.parametrize(
    ("read", "data", "message"),
    [
        (read_json, b"[" * 100_000, "nested"),
        (read_json, b'{"a": "\xff"}', "JSON"),
        (read_json, b"", "JSON"),
        (read_json, b"[" + b"[]," * 1_000_000 + b"1]", "1,000,000 values"),
        (read_yaml, b"[" + b"a," * 1_000_001 + b"a]", "1,000,000 values"),
        (read_toml, b"a = [" + b"[],\n" * 300_000 + b"]", "300,000 keys"),
        (read_toml, b"\n".join(b"a%d.b.c.d = 1" % number for number in range(10_001)), "keys"),
        (read_json_with_comments, b"/*" * 100_000, "JSON"),
        (read_json_with_comments, b'"' * 100_001, "JSON"),
        (read_json_with_comments, b"," * 1_000_000, "JSON"),
        (read_toml, b"a = " + b"[" * 100_000, "nested"),
        (read_toml, b"a." * 100_000 + b"b = 1", "64 parts"),
        (read_toml, b"[" + b'"a" . ' * 100_000 + b"b]", "64 parts"),
        (read_toml, b"a = " + b"1" * 5_000, "TOML"),
        (read_yaml, b"[" * 100_000, "nested deeper"),
        (read_yaml, b"- " * 100_000, "nested deeper"),
        (read_yaml, b"%TAG !a! b\n" * 1_000 + b"--- a", "%TAG"),
        (read_yaml, b"a: b: c", "YAML"),
        (read_yaml, b"\x00", "YAML"),
        (read_yaml, b"a: \xff", "YAML"),
        (read_yaml, b"*a", "YAML"),
        (read_xml, b"<a>" * 100_000, "nested deeper"),
        (text_of, b"\xff\xfea", "UTF-8"),
    ],
)
def test_refused(read: Any, data: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read(data)


@pytest.mark.parametrize("read", [read_json, read_json_with_comments, read_toml, read_yaml, read_xml, text_of])
def test_sizes(read: Any) -> None:
    with pytest.raises(Unreadable, match="larger than 16 MiB"):
        read(b" " * (MAX_BYTES + 1))


def test_lines() -> None:
    for read, data in [(read_json, b'{\n"a": x}'), (read_toml, b"a = 1\nb = \n"), (read_yaml, b"a: 1\nb: [}"), (read_xml, b"<a>\n</b>")]:
        with pytest.raises(Unreadable) as caught:
            read(data)
        assert caught.value.line == 2


def test_toml_is_the_standard_librarys() -> None:
    text = 'a = 1979-05-27T07:32:00Z\n[b."c.d"]\ne = """\nf.g.h"""\n'
    assert read_toml(("\ufeff" + text).encode()) == tomllib.loads(text)


def test_elements() -> None:
    root = read_xml(b'<p:a xmlns:p="urn:x"> one <b c="d"> two </b><b/> three </p:a>')
    assert (root.name, root.value("b"), root.text) == ("a", "two", " one  three ")
    assert [element.attributes for element in root.all("b")] == [{"c": "d"}, {}]
    assert root.child("b", "c") is None
