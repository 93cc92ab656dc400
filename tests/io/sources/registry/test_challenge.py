"""``WWW-Authenticate`` as RFC 9110 writes it, and as servers do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.io.sources.registry.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="tests"', [("basic", {"realm": "tests"})]),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"',
            [("bearer", {"realm": "https://auth.docker.io/token", "service": "registry.docker.io", "scope": "repository:library/nginx:pull"})],
        ),
        ('Bearer scope="repository:a/b:pull,push", realm="x"', [("bearer", {"scope": "repository:a/b:pull,push", "realm": "x"})]),
        # The example of RFC 9110, 11.6.1
        (
            'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
            [("basic", {"realm": "simple"}), ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'})],
        ),
        ('Newauth realm="apps", type=1, Basic realm="simple"', [("newauth", {"realm": "apps", "type": "1"}), ("basic", {"realm": "simple"})]),
        ("Negotiate, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        ("Negotiate YII=, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        ("Negotiate a/b+c==", [("negotiate", {})]),
        ("BEARER Realm = \"a\" , SERVICE\t=\tb", [("bearer", {"realm": "a", "service": "b"})]),
        (",, , Basic realm=x,,", [("basic", {"realm": "x"})]),
        ("Bearer realm=https://a.example/token?x=1,service=s", [("bearer", {"realm": "https://a.example/token?x=1", "service": "s"})]),
        ('Bearer realm="first", realm="second"', [("bearer", {"realm": "first"})]),
        ('Bearer realm=""', [("bearer", {"realm": ""})]),
        ('Bearer realm="open', [("bearer", {})]),
        ('realm="nobody"', []),
        ('Bearer realm="a"; service="b"', [("bearer", {"realm": "a"})]),
        ("\x00Bearer", []),
    ],
)  # fmt: skip
def test_challenges(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_challenges(header) == tuple(Challenge(*each) for each in expected)


TOKEN = st.text("abcxyzABC09!#$%&'*+-.^_`|~", min_size=1, max_size=8)
VALUE = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12)
CHALLENGES = st.lists(st.tuples(TOKEN, st.dictionaries(TOKEN.map(str.lower), VALUE, max_size=4)), max_size=4)


@given(CHALLENGES)
def test_what_is_written_is_read(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(
        f"{scheme} {', '.join(f'{name}={quoted(value)}' for name, value in parameters.items())}".rstrip(" ") for scheme, parameters in challenges
    )
    assert parse_challenges(header) == tuple(Challenge(scheme.lower(), parameters) for scheme, parameters in challenges)


@given(st.text(st.sampled_from('Ba=", \\\t1/'), max_size=60))
def test_anything_ends(header: str) -> None:
    parse_challenges(header)
