"""Fields: reading an object never fails, whatever its shape, and every field has a name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.resource import MISSING, Field, Path, Resource, dotted

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
paths = st.lists(st.sampled_from("abc") | st.integers(-2, 3) | st.text(max_size=3), max_size=4).map(tuple)


def resource(data: Any) -> Resource:
    return Resource("x.yaml", data, None)  # type: ignore[arg-type]


@given(json_values, paths)
def test_any_path_into_any_value_is_a_field(data: Any, path: Path) -> None:
    field = resource(data).field(*path)
    expected: Any = data
    for key in path:
        has_key = isinstance(expected, dict) and key in expected
        has_item = isinstance(expected, list) and type(key) is int and key in range(len(expected))
        expected = expected[key] if has_key or has_item else MISSING
    assert field.value is expected
    assert field.path == path
    assert field.is_set == (expected is not MISSING and expected is not None)
    assert field.text == (expected if isinstance(expected, str) else "")
    assert [item.value for item in field.items()] == (expected if isinstance(expected, list) else [])
    assert {key: entry.value for key, entry in field.entries()} == (expected if isinstance(expected, dict) else {})
    for child in (*field.items(), *(entry for _, entry in field.entries())):
        assert field[child.path[-1]].value is child.value
        assert child.path[:-1] == path
    assert str(field) == dotted(path)
    assert repr(field)


@pytest.mark.parametrize(
    ("value", "integer"),
    [
        (0, 0),
        (-1, -1),
        (1.0, 1),
        (1.5, None),
        (True, None),
        (False, None),
        ("1", None),
        (None, None),
        (MISSING, None),
        ([1], None),
        (float("inf"), None),
    ],
)
def test_whole_numbers(value: Any, integer: int | None) -> None:
    assert Field(resource({}), (), value).integer == integer


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), ""),
        (("spec",), "spec"),
        (("spec", "containers", 0, "image"), "spec.containers[0].image"),
        ((0, "a"), "[0].a"),
        (("metadata", "annotations", "example.com/key"), "metadata.annotations[example.com/key]"),
        (("data", "a.b"), "data[a.b]"),
        (("data", ""), "data[]"),
        (("data", "0"), "data.0"),
        (("data", "a-b_c"), "data.a-b_c"),
    ],
)
def test_names_of_fields(path: Path, name: str) -> None:
    assert dotted(path) == name


def test_missing_is_nothing() -> None:
    assert not MISSING
    assert repr(MISSING) == "MISSING"
    field = resource({}).field("a", "b", 0)
    assert not field.is_set
    assert field.value is MISSING


@pytest.mark.parametrize(
    ("data", "identity"),
    [
        ({}, ("", "", "", "", "")),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}}, ("v1", "", "Pod", "a", "b")),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generateName": "a-"}}, ("apps/v1", "apps", "Deployment", "a-", "")),
        ({"apiVersion": "a.b/c/d", "kind": 1, "metadata": [1]}, ("a.b/c/d", "a.b", "", "", "")),
        ({"apiVersion": 1, "kind": None, "metadata": {"name": 1, "generateName": "g", "namespace": True}}, ("", "", "", "g", "")),
    ],
)
def test_identity(data: Any, identity: tuple[str, ...]) -> None:
    made = resource(data)
    assert (made.api_version, made.group, made.kind, made.name, made.namespace) == identity
    target = made.target("app")
    assert (target.api_version, target.kind, target.name, target.namespace, target.container) == (*(identity[place] for place in (0, 2, 3, 4)), "app")
    assert repr(made)
