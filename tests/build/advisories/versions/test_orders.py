"""The examples of ``orders.txt``: comparator and keys give every two versions of a chain the order that it says."""

from itertools import product
from pathlib import Path

import pytest

from seawall.build.advisories.versions import scheme_of


def chains() -> list[tuple[str, str]]:
    found = []
    ecosystem = ""
    for line in Path(__file__).with_name("orders.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            ecosystem = line.strip("[]")
        elif line and not line.startswith("# "):
            found.append((ecosystem, line))
    return found


@pytest.mark.parametrize(("ecosystem", "chain"), chains())
def test_versions_ascend(ecosystem: str, chain: str) -> None:
    scheme = scheme_of(ecosystem)
    places = [(version, place) for place, equal in enumerate(chain.split(" < ")) for version in equal.split(" = ")]
    for (a, place_a), (b, place_b) in product(places, repeat=2):
        expected = (place_a > place_b) - (place_a < place_b)
        assert (a, b, scheme.compare(a, b)) == (a, b, expected)
        key_a, key_b = scheme.key(a), scheme.key(b)
        assert (a, b, (key_a > key_b) - (key_a < key_b)) == (a, b, expected)
