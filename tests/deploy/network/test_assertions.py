"""The language of assertions: what is read, and what is said of what cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.deploy.network.assertions import PODS, Isolated, Misread, Reaches, parse, without
from seawall.deploy.network.kinds.selectors import both
from seawall.deploy.network.model import Called, Compare, Direction, EndpointKind, Expression, Has, Kind, Not, PortRange, Protocol, Scope

TCP, UDP, SCTP = Protocol.TCP, Protocol.UDP, Protocol.SCTP


def reaches(text: str) -> Reaches:
    found = parse(text)
    assert isinstance(found, Reaches)
    return found


def source(text: str) -> Expression:
    return reaches(f"{text} reaches outside").source.ends[0].expression


def ports(text: str) -> list[str]:
    found = reaches(text).ports
    assert found is not None
    return [f"{item.protocol} {item.first}-{item.last}" for item in found]


@pytest.mark.parametrize(
    ("text", "negative", "negated"),
    [
        ("no pod in ns a reaches ns b", True, False),
        ("nothing reaches ns b", True, False),
        ("ns a cannot reach ns b", True, False),
        ("every pod in ns a can not reach ns b", True, False),
        ("pods in ns a do not reach ns b", True, False),
        ("only ns a reaches ns b", True, True),
        ("only ns a can reach ns b", True, True),
        ("ns a reaches ns b", False, False),
        ("EVERY pod IN ns a MUST Reach ns b", False, False),
    ],
)
def test_positive_and_negative(text: str, negative: bool, negated: bool) -> None:
    found = reaches(text)
    assert (found.negative, found.source.negated) == (negative, negated)


def test_pods() -> None:
    shop = Called(("shop",), Scope.NAMESPACE)
    assert source("ns shop") == source("no pod in ns shop") == source("pods in shop") == both(PODS, shop)
    assert source("pods with app=web,tier!=back in shop") == both(PODS, Compare("app", ("web",)), Not(Compare("tier", ("back",))), shop)
    assert source("pods in shop with app") == source("ns shop with app") == both(PODS, shop, Has("app"))
    assert source("pods with !app") == both(PODS, Not(Has("app")))
    assert source("namespaces with team=red") == both(PODS, Compare("team", ("red",), Scope.NAMESPACE))
    assert source("ns a, b or c") == both(PODS, Called(("a", "b", "c"), Scope.NAMESPACE))
    assert source("pods outside ns a") == both(PODS, Not(Called(("a",), Scope.NAMESPACE)))
    assert source('ns "outside"') == both(PODS, Called(("outside",), Scope.NAMESPACE))
    assert source("nodes") == Kind((EndpointKind.NODE,))


def test_lists_of_ends() -> None:
    found = reaches("only ns a and b or workload c/d, pods with app=x,tier=y and 10.0.0.0/8 reach the outside").source
    assert len(found.ends) == 4
    assert found.ends[1].name == "c/d"
    assert str(found.ends[3].network) == "10.0.0.0/8"
    assert found.text == "only ns a and b or workload c/d, pods with app=x, tier=y and 10.0.0.0/8"


def test_ports() -> None:
    assert ports("ns a reaches ns b on 8080") == ["TCP 8080-8080"]
    assert ports("no pod reaches ns b on 8080") == ["TCP 8080-8080", "UDP 8080-8080", "SCTP 8080-8080"]
    assert ports("no pod reaches ns b on any port but 443") == [
        f"{name} {span}" for name in ("TCP", "UDP", "SCTP") for span in ("1-442", "444-65535")
    ]
    assert ports("no pod reaches ns b on any port but TCP 443") == ["TCP 1-442", "TCP 444-65535", "UDP 1-65535", "SCTP 1-65535"]
    assert ports("no pod reaches outside on TCP but 443") == ["TCP 1-442", "TCP 444-65535"]
    assert ports("ns a reaches ns b on TCP 80, 443 and UDP 53") == ["TCP 80-80", "TCP 443-443", "UDP 53-53"]
    assert ports("ns a reaches ns b on TCP 8000-8100 except 8001 and 8003") == ["TCP 8000-8000", "TCP 8002-8002", "TCP 8004-8100"]
    assert ports("ns a reaches ns b on ICMP 8") == ["ICMP 8-8"]
    assert reaches("ns a reaches ns b").ports is None


def test_reaching_only() -> None:
    found = reaches("ns a reaches only ns b or outside on TCP 443")
    assert (found.negative, found.source.negated, found.destination.negated) == (True, False, True)
    assert found.destination.text == "ns b or outside"


def test_isolation() -> None:
    found = parse("every pod in ns shop is isolated for egress")
    assert isinstance(found, Isolated)
    assert found.directions == (Direction.EGRESS,)
    both_ = parse("pods in ns shop are isolated")
    assert isinstance(both_, Isolated)
    assert set(both_.directions) == set(Direction)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "an assertion is expected"),
        ("shop reaches db", 1, "pods, ns NAME"),
        ("no pod in ns reaches ns b", 14, "the name of a namespace"),
        ("ns a talks to ns b", 6, "'reaches'"),
        ("ns a reaches", 13, "here it ends"),
        ("ns a reaches ns b at 80", 19, "'on' and ports"),
        ("ns a reaches ns b on http", 22, "a port from 1 to 65535"),
        ("ns a reaches ns b on 0", 22, "a port from 1 to 65535"),
        ("ns a reaches ns b on 65536", 22, "a port from 1 to 65535"),
        ("ns a reaches ns b on 90-80", 22, "a port from 1 to 65535"),
        ("ns a reaches ns b on 80 but 80", 22, "no port is left"),
        ("no pod reaches only ns b", 16, "'only'"),
        ("only ns a reaches only ns b", 19, "'only'"),
        ("no pod cannot reach ns b", 15, "two negatives"),
        ("no pod reaches some pod in ns b", 31, "'some'"),
        ("no pod in ns b is isolated", 16, "every"),
        ("ns b is isolated for both", 22, "'ingress' or 'egress'"),
        ("ns b is separated", 9, "'isolated'"),
        ("pods with =x reach ns b", 11, "a label"),
        ('ns "a reaches ns b', 4, "never closed"),
        ("pods with app=web=x reach ns b", 11, "a label"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_is_allowed(text: str, column: int, said: str) -> None:
    with pytest.raises(Misread, match=said) as caught:
        parse(text)
    assert caught.value.column == column


def test_length_is_limited() -> None:
    with pytest.raises(Misread, match="at most"):
        parse("ns " + "a" * 10_000)


WORDS = [
    "no",
    "nothing",
    "only",
    "pod",
    "ns",
    "a",
    "reaches",
    "cannot",
    "with",
    "app=x",
    "in",
    "outside",
    ",",
    "on",
    "TCP",
    "80",
    "but",
    '"',
    "1.2.3.4",
    "is",
]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
        column = 1
    except Misread as misread:
        column = misread.column
    assert 1 <= column <= len(text) + 1


RANGES = st.lists(st.builds(lambda low, size: PortRange(TCP, low, low + size), st.integers(1, 20), st.integers(0, 6)), max_size=4)


@given(RANGES, RANGES)
def test_ranges_less_ranges(wanted: list[PortRange], gone: list[PortRange]) -> None:
    def every(ranges: list[PortRange]) -> set[int]:
        return {port for item in ranges for port in range(item.first, item.last + 1)}

    left = without(wanted, gone)
    assert every(list(left)) == every(wanted) - every(gone)
    assert sum(item.last - item.first + 1 for item in left) == len(every(list(left)))
