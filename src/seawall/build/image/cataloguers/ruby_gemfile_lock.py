"""``Gemfile.lock`` and ``gems.locked``: what Bundler chose.

Sections (``GEM``, ``GIT``, ``PATH``, ``PLUGIN SOURCE``) have ``specs:`` with one gem a line, four spaces in, and what it needs below it, six in.
A gem that is built for a platform has it behind the version (``nokogiri (1.15.4-x86_64-linux)``): no version of a gem has a dash, so what follows the
first is the platform, and goes to the qualifier ``platform``. What lies in a ``PATH`` is the project's own.

Source: Bundler's manual (``bundle-lock``) and its LockfileParser; the purl type ``gem``.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, text_of
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_NOT_IN_FORCE: Final = re.compile(r"(?:^|/)gems/[^/]+-[0-9a-f][^/]*/")
"""The directory of an installed gem: some are packed with the lockfile of their own development."""
_SOURCES: Final = ("GEM", "GIT", "PATH", "PLUGIN SOURCE")
_OPTION: Final = re.compile(r" {2}(remote|revision): (.*)")
_SPEC: Final = re.compile(r" {4}(\S+) \(([^-()]*)(?:-([^()]*))?\)!?")
_IN_SPECS: Final = re.compile(r" {4}[^ ]")
_NEEDED: Final = re.compile(r" {6}([^\s!]+)")


class _Gem(Struct):
    name: str
    version: str
    platform: str
    qualifiers: dict[str, str]
    needs: list[str] = []


def parse(file: File) -> Facts:
    if _NOT_IN_FORCE.search(file.path):
        return
    gems: list[_Gem] = []
    try:
        for gem in _gems(text_of(file.data)):
            gems.append(gem)  # noqa: PERF402 (what was read before a problem counts)
    except Unreadable as error:
        yield error.problem(file.path)
    refs = {gem.name: f"{gem.name}@{gem.version}" for gem in gems}
    yield from distinct(
        file.path,
        (
            Package(
                type="gem",
                name=gem.name,
                version=gem.version,
                qualifiers=gem.qualifiers | ({"platform": gem.platform} if gem.platform else {}),
                requires=tuple(dict.fromkeys(refs[name] for name in gem.needs if name in refs)),
            )
            for gem in gems
        ),
    )


def _gems(text: str) -> Iterator[_Gem]:
    section = ""
    options: dict[str, str] = {}
    gem: _Gem | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            raise Unreadable("has merge conflicts; not read further", number)
        if line and not line[0].isspace():
            section, options, gem = line.strip(), {}, None
        elif section not in _SOURCES or section == "PATH":
            continue
        elif spec := _SPEC.fullmatch(line.rstrip()):
            qualifiers = from_git(options.get("remote", ""), options.get("revision", "")) if section == "GIT" else {}
            gem = _Gem(spec[1], spec[2], spec[3] or "", qualifiers)
            yield gem
        elif _IN_SPECS.match(line):
            yield _Gem("", "", "", {})
        elif gem and (needed := _NEEDED.match(line)):
            gem.needs.append(needed[1])
        elif option := _OPTION.fullmatch(line.rstrip()):
            options[option[1]] = option[2]


CATALOGUER: Final = Cataloguer("ruby-gemfile-lock", parse, ("Gemfile.lock", "gems.locked"), installed=False)
