"""A network namespace that only this process holds.

It has no name in ``/run/netns``: a file descriptor is all that keeps it, and with it its devices, routes and rules. So whatever ends this process, a
signal that cannot be caught included, the kernel takes everything away, and nothing of an earlier run can be left over.
"""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from seawall.core.errors import UsageError

_CLONE_NEWNET: Final = 0x40000000  # <linux/sched.h>; Python has these calls from 3.12 on
_OWN: Final = "/proc/thread-self/ns/net"  # namespaces are a thread's


class Namespace:
    """A new, empty network namespace. Raises ``UsageError`` where this process may make none."""

    def __init__(self) -> None:
        with _kept():
            _call("unshare", _CLONE_NEWNET)
            self._fd = _open_own()

    @property
    def path(self) -> str:
        """How other processes find it, as long as this one holds it."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """In it, sockets and programs of this thread are the namespace's. The thread returns to where it was, whatever happens."""
        with _kept():
            _call("setns", self._fd, _CLONE_NEWNET)
            yield

    def close(self) -> None:
        """Let it go. The kernel removes it when no socket of it is open any more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@contextmanager
def _kept() -> Iterator[None]:
    """This thread's namespace is the same afterwards."""
    home = _open_own()
    try:
        yield
    finally:
        try:
            _call("setns", home, _CLONE_NEWNET)
        finally:
            os.close(home)


def _open_own() -> int:
    try:
        return os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"packets need Linux and its network namespaces: {_OWN}: {error.strerror}") from None


def _call(name: str, *arguments: int) -> None:
    """One of the C library's system calls."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) == 0:
        return
    number = ctypes.get_errno()
    if number in (errno.EPERM, errno.EACCES):
        raise UsageError("packets need root: network namespaces are made with CAP_SYS_ADMIN and set up with CAP_NET_ADMIN")
    raise UsageError(f"packets need network namespaces, and {name} fails: {os.strerror(number)}")
