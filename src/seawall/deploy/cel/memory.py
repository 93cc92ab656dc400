"""A bound on the memory of one evaluation, for code that has none of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BUDGET: Final = 512 << 20
"""Bytes of address space that one evaluation may add. Filling them takes one to three seconds, which bounds the time of expressions that grow."""


@contextmanager
def limited_memory(budget: int = BUDGET) -> Iterator[None]:
    """Inside, allocating more than the budget raises ``MemoryError``. The limit is the whole process's: use it where no other thread works.

    Does nothing where the system cannot tell how much memory the process has (anything but Linux).
    """
    try:
        import resource  # not on Windows

        with open("/proc/self/statm", "rb") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + budget
    if soft != resource.RLIM_INFINITY and soft <= limit:
        yield  # a stricter one holds already
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
