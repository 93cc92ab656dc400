"""Installed gems: the ``specifications`` that RubyGems keeps, also those of the gems that come with Ruby (``specifications/default``).

A gemspec is a Ruby program. RubyGems writes it in a form that can be read without running it, with a comment on top that has the essentials::

    # stub: nokogiri 1.15.4 x86_64-linux lib

Where this stub is missing, the name and the version count if they are plain text.

Source: RubyGems' StubSpecification and Specification#to_ruby; the purl type ``gem``.
"""

import re
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.core.package import Package

MAX_BYTES: Final = 2**20
"""What follows is a list of files that was never meant to be that long."""

_TEXT: Final = r"""(?:%q<([^<>\n]*)>|"([^"\n\\#]*)"|'([^'\n\\]*)')"""
_STUB: Final = re.compile(r"^# stub: (\S+) (\S+) (\S+) ", re.MULTILINE)
_ATTRIBUTE: Final = re.compile(rf"^[ \t]*\w+\.(name|version|platform)[ \t]*=[ \t]*(?:Gem::Version\.new[ \t(]+)?{_TEXT}", re.MULTILINE)
_LICENSES: Final = re.compile(r"^[ \t]*\w+\.licenses?[ \t]*=[ \t]*([^\n]*)", re.MULTILINE)
_NEEDED: Final = re.compile(rf"^[ \t]*\w+\.add_(runtime_|development_|)dependency[ \t(]+{_TEXT}", re.MULTILINE)
_QUOTED: Final = re.compile(_TEXT)


def parse(file: File) -> Facts:
    text = file.data[:MAX_BYTES].decode("utf-8", "replace")
    attributes: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        attributes.setdefault(match[1], _first(match.groups()[1:]))
    if stub := _STUB.search(text):
        name, version, platform = stub.groups()
    else:
        name, version, platform = (attributes.get(key, "") for key in ("name", "version", "platform"))
    if not name or not version:
        yield Problem(file.path, f"a gemspec that does not tell the {'version' if name else 'name'} of its gem in plain text")
        return
    licences = _LICENSES.search(text)
    yield from distinct(
        file.path,
        [
            Package(
                type="gem",
                name=name,
                version=version,
                licenses=tuple(dict.fromkeys(filter(None, map(_first, _QUOTED.findall(licences[1]))))) if licences else (),
                qualifiers={"platform": platform} if platform not in ("", "ruby") else {},
                ref=name,  # as each gem stands in a file of its own, and needs others by name
                requires=tuple(other for other in _needed(text) if other != name),
            )
        ],
    )


def _needed(text: str) -> list[str]:
    """What is needed at run time. Until RubyGems 3.4, all dependencies were listed once more for versions that knew only one kind."""
    kinds: dict[str, set[str]] = {}
    for match in _NEEDED.finditer(text):
        kinds.setdefault(_first(match.groups()[1:]), set()).add(match[1])
    return [name for name, told in kinds.items() if name and ("runtime_" in told or "development_" not in told)]


def _first(groups: tuple[str | None, ...]) -> str:
    return next((group for group in groups if group), "")


CATALOGUER: Final = Cataloguer("ruby-gemspec", parse, ("**/specifications/**/*.gemspec",))
