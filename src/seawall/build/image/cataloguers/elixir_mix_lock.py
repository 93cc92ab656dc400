"""``mix.lock``: an Elixir map, one entry a line, as Mix writes it.

    "plug": {:hex, :plug, "1.14.0", "<hash>", [:mix], [{:mime, "~> 1.0", [hex: :mime, repo: "hexpm", optional: false]}], "hexpm", "<hash>"},
    "fork": {:git, "https://github.com/example/fork.git", "<commit>", []},

The name in Hex is the second word, not the key. What comes from a repository has a commit and no version.

Source: Mix.Dep.Lock, and Hex's SCM for Mix; the purl type ``hex``.
"""

import re
from collections.abc import Iterator
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, text_of
from seawall.build.image.origin import from_git
from seawall.core.package import Package

_ENTRY: Final = re.compile(r'^[ \t]*"([^"\n]+)":[ \t]*(\{:(?:hex|git),.*)', re.MULTILINE)
_ATOM: Final = r'(?::(\w+)|:?"([^"\n]*)")'
_HEX: Final = re.compile(rf'\{{:hex,[ ]*{_ATOM},[ ]*"([^"\n]*)"')
_GIT: Final = re.compile(r'\{:git,[ ]*"([^"\n]*)",[ ]*"([^"\n]*)"')
_NEEDED: Final = re.compile(rf"\{{{_ATOM},[^\[\]{{\n]*\[")
_EMPTY: Final = re.compile(r"\s*(?:%\{\s*\}\s*)?")


def parse(file: File) -> Facts:
    try:
        text = text_of(file.data)
    except Unreadable as error:
        yield error.problem(file.path)
        return
    entries = list(_ENTRY.finditer(text))
    if not entries and not _EMPTY.fullmatch(text):
        yield Problem(file.path, "no lockfile as Mix writes it")
    # A key is the name of the application, by which others need it.
    refs = {entry[1]: f"{name}@{version}" for entry in entries for name, version in _identity(entry)}
    yield from distinct(file.path, (package for entry in entries for package in _packages(entry, refs)))
    for entry in entries:
        if not any(_identity(entry)):
            yield Problem(file.path, f"the entry of {entry[1]!r} is not as Mix writes it", text.count("\n", 0, entry.start(1)) + 1)


def _identity(entry: re.Match[str]) -> Iterator[tuple[str, str]]:
    """The name and version of an entry, if it can be read."""
    if match := _HEX.match(entry[2]):
        yield match[1] or match[2], match[3]
    elif _GIT.match(entry[2]):
        yield entry[1], ""


def _packages(entry: re.Match[str], refs: dict[str, str]) -> Iterator[Package]:
    git = _GIT.match(entry[2])
    for name, version in _identity(entry):
        needed = dict.fromkeys(refs[one] for match in _NEEDED.finditer(entry[2]) if (one := match[1] or match[2]) in refs)
        needed.pop(f"{name}@{version}", None)
        yield Package(type="hex", name=name, version=version, requires=tuple(needed), qualifiers=from_git(git[1], git[2]) if git else {})


CATALOGUER: Final = Cataloguer("elixir-mix-lock", parse, ("mix.lock",), installed=False)
