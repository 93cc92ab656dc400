"""Installed Python distributions: ``*.dist-info/METADATA``, and ``PKG-INFO`` of the eggs of older times, as a file, in a directory or in an egg.

Source: the core metadata specification, PEP 376 and PEP 639. Packages refer to each other by normalized name, as each stands in a file of its own.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from seawall.build.image.cataloguer import Cataloguer, Facts, File, Problem
from seawall.build.image.cataloguers.python_names import REQUIREMENT, normalized
from seawall.build.image.distinct import distinct
from seawall.core.package import Package

MAX_HEADER: Final = 2**20
"""Bytes of the fields; the description behind them is not read."""

LONGEST_LICENSE: Final = 100
"""Characters. A longer ``License`` field is the text of a licence and not its name."""

# Classifiers that mean one licence of the SPDX list. Others (``BSD License``) stand for several, and tell nothing certain.
CLASSIFIERS: Final = {
    "Academic Free License (AFL)": None,
    "Apache Software License": "Apache-2.0",
    "Blue Oak Model License (BlueOak-1.0.0)": "BlueOak-1.0.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Common Development and Distribution License 1.0 (CDDL-1.0)": "CDDL-1.0",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.0 (EUPL 1.0)": "EUPL-1.0",
    "European Union Public Licence 1.1 (EUPL 1.1)": "EUPL-1.1",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.0 (MPL)": "MPL-1.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Mulan Permissive Software License v2 (MulanPSL-2.0)": "MulanPSL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "Python Software Foundation License": "PSF-2.0",
    "SIL Open Font License 1.1 (OFL-1.1)": "OFL-1.1",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "University of Illinois/NCSA Open Source License": "NCSA",
    "Zero-Clause BSD (0BSD)": "0BSD",
    "Zope Public License": None,
    "zlib/libpng License": "Zlib",
}


def parse(file: File) -> Facts:
    fields = _fields(file.data)
    name, version = _only(fields, "name"), _only(fields, "version")
    if not name or not version:
        # ``requires.txt`` and the like lie beside it; an empty file is what ``pip uninstall`` of an egg may leave behind.
        if file.data.strip():
            yield Problem(file.path, f"no {'Version' if name else 'Name'} in the metadata of a Python distribution")
        return
    requires = {normalized(needed): None for needed in _required(fields.get("requires-dist", ()))}
    requires.pop(normalized(name), None)
    yield from distinct(
        file.path,
        [Package(type="pypi", name=name, version=version, licenses=_licenses(fields), ref=normalized(name), requires=tuple(requires))],
    )


def _fields(data: bytes) -> dict[str, list[str]]:
    """The header fields, by name in lower case: ``Name: value``, lines that begin with a space continue the one before, an empty line ends them."""
    fields: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in data[:MAX_HEADER].decode("utf-8-sig", "replace").splitlines():
        if not line:  # one of blanks goes on with a text, such as a licence
            break
        if line[0] in " \t":
            lines.append(line)
            continue
        _add(fields, lines)
        lines = [line]
    _add(fields, lines)
    return fields


def _add(fields: dict[str, list[str]], lines: list[str]) -> None:
    name, colon, value = "\n".join(lines).partition(":")
    if colon:
        fields.setdefault(name.strip().lower(), []).append(value.strip())


def _only(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0]


_EXTRA: Final = re.compile(r"\bextra\s*(?:==|!=|in)|(?:==|!=)\s*extra\b")


def _required(requirements: Iterable[str]) -> Iterator[str]:
    """The names that are required whatever extras are asked for."""
    for requirement in requirements:
        if (match := REQUIREMENT.fullmatch(requirement)) and not _EXTRA.search(match["rest"].partition(";")[2]):
            yield match["name"]


def _licenses(fields: dict[str, list[str]]) -> tuple[str, ...]:
    """``License-Expression``, or else ``License`` where it is a name, or else the classifiers whose meaning is certain."""
    if expression := _only(fields, "license-expression"):
        return (expression,)
    free = _only(fields, "license")
    if free and free.upper() != "UNKNOWN" and "\n" not in free and len(free) <= LONGEST_LICENSE:
        return (free,)
    names = [text.rpartition("::")[2].strip() for text in fields.get("classifier", ()) if text.startswith("License ::")]
    return tuple(dict.fromkeys(known for name in names if (known := CLASSIFIERS.get(name))))


CATALOGUER: Final = Cataloguer(
    "python-dist-info",
    parse,
    ("**/*.dist-info/METADATA", "**/*.egg-info/PKG-INFO", "**/*.egg/EGG-INFO/PKG-INFO", "*.egg-info"),
)
