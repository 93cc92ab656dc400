"""What a cataloguer is: the paths it knows, and a pure function from one file's bytes to what that file says of packages.

A cataloguer sees one file at a time, while the layer streams past, and never the file system: what several files say together (a dpkg status and
the licence of each package) it tells as separate facts, which ``catalogue.py`` joins when it is known which files survive to the top layer.
"""

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from seawall.core.package import Distro, Package

MAX_PACKAGES_PER_FILE: Final = 200_000
"""More in one file is no lockfile but an attack; a cataloguer stops there and says so with a :class:`Problem`."""


class File(Struct, frozen=True):
    """One file of an image or a directory. ``path`` has no leading slash; ``data`` is all of it."""

    path: str
    data: bytes


class Owned(Struct, frozen=True):
    """Files that an OS package installed; language packages found in them are that package's, and not reported twice. Paths have no leading slash."""

    type: str
    name: str
    paths: tuple[str, ...]


class Licensed(Struct, frozen=True):
    """The licences of an OS package, told by another file than the one that tells of the package. ``package`` is its name."""

    type: str
    package: str
    licenses: tuple[str, ...]


class Changelog(Struct, frozen=True):
    """CVE ids that a package's own changelog says are fixed, with the version that did it: ``{"CVE-2023-0286": "1:2.3-4"}`` as pairs."""

    type: str
    package: str
    fixes: tuple[tuple[str, str], ...]


class Secret(Struct, frozen=True):
    """A credential in plain text; ``what`` it is, in words ("a private key"), never its value."""

    what: str


class Problem(Struct, frozen=True):
    """The file, or the part of it at ``line`` (from 1, or ``None``), could not be understood; ``message`` is for users."""

    path: str
    message: str
    line: int | None = None


Fact = Package | Owned | Licensed | Changelog | Distro | Secret | Problem
Facts = Iterator[Fact]
Parse = Callable[[File], Facts]


class Cataloguer(Struct, frozen=True):
    """One format.

    ``name`` is a slug (``python-dist-info``). ``paths`` are patterns held against the whole path: ``*`` is anything but a slash, ``**/`` any number
    of directories, and a pattern without a slash is a file name in any directory. ``binaries`` asks for every ELF, PE and Mach-O executable and
    library instead. ``parse`` yields facts and never raises on bad input: it yields what it can and a :class:`Problem` for the rest.
    ``installed`` tells packages that are there from those that a lockfile merely names.
    """

    name: str
    parse: Parse
    paths: tuple[str, ...] = ()
    binaries: bool = False
    installed: bool = True
