"""``go.mod``: the modules that a module asks for, with what ``replace`` and ``exclude`` make of them.

Source: the Go modules reference. Versions keep their ``v``. What is replaced by a directory is the project's own code, and no package. The ``go``
line names a language version, not a toolchain; only ``toolchain`` tells of the standard library.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.cataloguers.go_version import stdlib
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import MAX_LINES_BYTES, Unreadable, text_of
from seawall.core.package import Package

_NOT_IN_FORCE: Final = re.compile(r"(?:^|/)(?:pkg/mod/|testdata/)")
"""The module cache has the ``go.mod`` of every dependency, and of those not used."""

_TOKEN: Final = re.compile(r'//.*|=>|[()]|"((?:[^"\\]|\\.)*+)"|`([^`]*)`|[^\s()"`]+|["`]')


class Directive(Struct, frozen=True):
    verb: str
    words: list[str]


def parse(file: File) -> Facts:
    if _NOT_IN_FORCE.search(file.path):
        return
    try:
        directives = list(_directives(text_of(file.data, MAX_LINES_BYTES)))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    yield from distinct(file.path, _packages(directives))


def _directives(text: str) -> Iterator[Directive]:
    """``verb words`` on a line, or ``verb (`` and a line of words for each until ``)``."""
    block = ""
    for number, line in enumerate(text.splitlines(), 1):
        words = []
        for match in _TOKEN.finditer(line):
            if match[0].startswith("//"):
                break
            if match[0] in ('"', "`"):
                raise Unreadable("a string is not closed", number)
            words.append(match[1] or match[2] or match[0])
        if not words:
            continue
        if block:
            if words == [")"]:
                block = ""
            else:
                yield Directive(block, words)
        elif words[1:] == ["("]:
            block = words[0]
        elif words[0] in ("(", ")", "=>"):
            raise Unreadable("not a go.mod file", number)
        else:
            yield Directive(words[0], words[1:])
    if block:
        raise Unreadable(f"a block of {block!r} is not closed")


def _packages(directives: list[Directive]) -> Iterator[Package]:
    excluded = {tuple(each.words[:2]) for each in directives if each.verb == "exclude"}
    replaced = dict(_replacements(directives))
    for each in directives:
        if each.verb == "toolchain" and each.words and (library := stdlib(each.words[0])):
            yield library
        if each.verb != "require" or len(each.words) != 2 or (each.words[0], each.words[1]) in excluded:
            continue
        path, version = each.words
        path, version = replaced.get((path, version)) or replaced.get((path, "")) or (path, version)
        if version.startswith("v") and not path.startswith((".", "/")):
            yield Package(type="golang", name=path, version=version)


def _replacements(directives: list[Directive]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """``old [version] => new [version]``; without the new version it is a directory."""
    for each in directives:
        if each.verb == "replace" and "=>" in each.words:
            arrow = each.words.index("=>")
            old, new = each.words[:arrow], each.words[arrow + 1 :]
            if old and new:
                yield (old[0], old[1] if len(old) > 1 else ""), (new[0], new[1] if len(new) > 1 else "")


CATALOGUER: Final = Cataloguer("go-mod", parse, ("go.mod",), installed=False)
