"""Opens files below a directory without ever following a link: neither out of the directory nor within it.

Each part of a path is opened relative to the directory before it (openat(2) with O_NOFOLLOW), so nothing that changes meanwhile leads elsewhere.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from seawall.core.errors import InputError

# A FIFO is opened without waiting for a writer, and then refused.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def open_root(directory: str) -> Iterator[int]:
    """The descriptor of the directory itself, which the user named: here links are followed. Raises ``InputError``."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(directory, reason(error)) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_directory(parent: int, name: str) -> int:
    """A directory in another. Raises ``OSError``, also for a link."""
    return os.open(name, _DIRECTORY_FLAGS, dir_fd=parent)


def open_file(parent: int, name: str) -> BinaryIO:
    """A regular file in a directory. Raises ``OSError``, also for a link or anything else that is no regular file."""
    descriptor = os.open(name, _FILE_FLAGS, dir_fd=parent)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "is no regular file")


def open_beneath(root: int, path: str) -> BinaryIO:
    """A regular file somewhere below a directory; ``path`` has no ``..``. Raises ``OSError``."""
    *parents, name = path.split("/")
    current = root
    try:
        for parent in parents:
            below = open_directory(current, parent)
            if current != root:
                os.close(current)
            current = below
        return open_file(current, name)
    finally:
        if current != root:
            os.close(current)


def reason(error: OSError) -> str:
    """Why something could not be opened, as a verb phrase."""
    match error.errno:
        case errno.ELOOP | errno.EMLINK:
            return "is a symbolic link; not followed"
        case errno.ENOENT:
            return "does not exist"
        case errno.ENOTDIR:
            return "is no directory"
        case errno.EISDIR:
            return "is a directory"
        case errno.EACCES | errno.EPERM:
            return "may not be read: permission denied"
        case errno.EINVAL if error.strerror:
            return error.strerror.lower()
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
