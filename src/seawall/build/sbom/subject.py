"""What a bill of materials is about."""

from msgspec import Struct

from seawall.core.package import Distro, Package


class Subject(Struct, frozen=True, kw_only=True):
    """An image or a directory with its packages.

    ``name`` is the reference or path that the user gave, ``digest`` that of the image's manifest (empty for a directory), ``created`` the time
    of the document (RFC 3339, UTC).
    """

    name: str
    packages: tuple[Package, ...]
    digest: str = ""
    distro: Distro | None = None
    created: str


def refs(packages: tuple[Package, ...]) -> list[str]:
    """A name for each package, unique in the document and the same in every run: its purl, and its place where a purl is there twice."""
    names: list[str] = []
    seen: set[str] = set()
    for package in packages:
        name = package.purl if package.purl not in seen else f"{package.purl}#{package.path}"
        count = 2
        while name in seen:
            name, count = f"{package.purl}#{package.path}#{count}", count + 1
        seen.add(name)
        names.append(name)
    return names


def edges(packages: tuple[Package, ...]) -> list[list[int]]:
    """For each package the places (from 0) of those that it needs directly.

    Names of packages hold within the file that tells of them; one that is unique in the whole bill holds anywhere.
    """
    here: dict[tuple[str, str, str], int] = {}
    anywhere: dict[str, int] = {}
    for place, package in enumerate(packages):
        name = package.ref or f"{package.name}@{package.version}"
        here.setdefault((package.type, package.path, name), place)
        anywhere[name] = -1 if name in anywhere else place
    found = []
    for place, package in enumerate(packages):
        others = {here.get((package.type, package.path, name), anywhere.get(name, -1)) for name in package.requires}
        found.append(sorted(others - {-1, place}))
    return found
