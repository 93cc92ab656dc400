"""Packages that pacman installed: Arch Linux. A directory for each in ``/var/lib/pacman/local``, with the files ``desc`` and ``files``.

Both are sections: a line ``%NAME%``, its values, an empty line.

Source: pacman's lib/libalpm/be_local.c, alpm-db(7).
"""

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Owned, Problem
from seawall.core.package import Package, SourcePackage


def sections(text: str) -> dict[str, list[str]]:
    """The values of each section, by its name without the signs."""
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in text.splitlines():
        if len(line) > 2 and line[0] == line[-1] == "%" and line[1:-1].isupper():
            values = found.setdefault(line[1:-1], [])
        elif line:
            values.append(line)
    return found


def parse(file: File) -> Facts:
    if file.path.endswith("/files"):
        directory = file.path.split("/")[-2]
        paths = sections(file.data.decode(errors="surrogateescape")).get("FILES", [])
        yield Owned("alpm", directory.rsplit("-", 2)[0], tuple(path for path in paths if not path.endswith("/")))
        return
    said = sections(file.data.decode(errors="replace"))
    name, version = ("".join(said.get(key, [])[:1]) for key in ("NAME", "VERSION"))
    if not name or not version:
        yield Problem(file.path, "no package with name and version")
        return
    base = "".join(said.get("BASE", [])[:1])
    yield Package(
        type="alpm",
        name=name,
        version=version,
        arch="".join(said.get("ARCH", [])[:1]),
        licenses=tuple(said.get("LICENSE", ())),
        source=SourcePackage(base or name, version),
    )


ALPM = Cataloguer(name="alpm", parse=parse, paths=("var/lib/pacman/local/*/desc", "var/lib/pacman/local/*/files"))
