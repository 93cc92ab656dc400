from hypothesis import given
from hypothesis import strategies as st

from seawall.build.image.reachable import reachable

NODES = st.sampled_from("abcdefgh")


@given(st.sets(NODES), st.dictionaries(NODES, st.lists(NODES, max_size=3)))
def test_nothing_more_can_be_added(start: set[str], edges: dict[str, list[str]]) -> None:
    expected = set(start)
    for _ in range(8):
        expected |= {end for begin in expected for end in edges.get(begin, ())}
    assert reachable(start, edges) == expected
