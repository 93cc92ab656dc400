"""``cabal.project.freeze``: constraints that leave one version of each package.

    constraints: any.aeson ==2.1.2.1,
                 aeson -cffi +ordered-keymap,

Constraints on flags, on ranges and on what only a ``Setup`` needs are no packages.

Source: Cabal's documentation, "cabal freeze" and the field ``constraints``; the purl type ``hackage``.
"""

import re
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File
from seawall.build.image.distinct import distinct
from seawall.build.image.documents import Unreadable, text_of
from seawall.core.package import Package

_COMMENT: Final = re.compile(r"^[ \t]*--.*", re.MULTILINE)
_FIELD: Final = re.compile(r"^constraints[ \t]*:([^\n]*(?:\n[ \t][^\n]*|\n(?=\n))*)", re.MULTILINE | re.IGNORECASE)
_FROZEN: Final = re.compile(r"\s*(?:any\.)?([A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)\s*==\s*([0-9]+(?:\.[0-9]+)*)\s*")


def parse(file: File) -> Facts:
    try:
        text = _COMMENT.sub("", text_of(file.data).replace("\r\n", "\n"))
    except Unreadable as error:
        yield error.problem(file.path)
        return
    constraints = (constraint for field in _FIELD.findall(text) for constraint in field.split(","))
    frozen = (match for constraint in constraints if (match := _FROZEN.fullmatch(constraint)))
    yield from distinct(file.path, (Package(type="hackage", name=match[1], version=match[2]) for match in frozen))


CATALOGUER: Final = Cataloguer("haskell-cabal-freeze", parse, ("cabal.project.freeze",), installed=False)
