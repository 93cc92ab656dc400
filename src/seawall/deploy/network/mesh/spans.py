"""Sets of TCP ports as sorted, disjoint spans."""

from collections.abc import Iterable

from seawall.deploy.network.mesh.model import Span

Spans = tuple[Span, ...]


def spans(numbers: Iterable[int]) -> Spans:
    """The spans of single ports."""
    found: list[Span] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] + 1 == number:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def minus(some: Iterable[Span], others: Iterable[Span]) -> Spans:
    """What of ``some`` is in none of ``others``."""
    left = list(some)
    for first, last in others:
        left = [piece for start, end in left for piece in ((start, min(end, first - 1)), (max(start, last + 1), end)) if piece[0] <= piece[1]]
    return tuple(left)


def meet(some: Spans, others: Spans) -> Spans:
    """What is in both."""
    return minus(some, minus(some, others))
